// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace kadenza::services::catalogue {

/// Bytes that compare as people order names: the root collation of the Unicode Collation Algorithm (UTS #10)
/// by ICU, in which accents and case count only between otherwise equal names. At most kSortKeyBytesMax;
/// names that are equal that far have equal keys. Thread-safe.
std::vector<std::uint8_t> sort_key(std::string_view name);

inline constexpr std::size_t kSortKeyBytesMax = 96;

}  // namespace kadenza::services::catalogue
