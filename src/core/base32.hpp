// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace kadenza::core {

/// RFC 4648 base32 in lower case without padding: 32 bytes become 52 characters.
std::string base32_encode(std::span<const std::uint8_t> bytes);

/// The inverse for exactly `out.size()` bytes. False when the length is off, a character is not of the
/// alphabet (either case is accepted), or the unused last bits are not zero.
bool base32_decode(std::string_view text, std::span<std::uint8_t> out);

}  // namespace kadenza::core
