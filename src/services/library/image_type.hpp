// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace kadenza::services::library {

/// "image/jpeg", "image/png"…, by the first bytes of an embedded picture.
std::string_view image_content_type(std::span<const std::uint8_t> bytes);

}  // namespace kadenza::services::library
