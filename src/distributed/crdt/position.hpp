// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kadenza::distributed::crdt {

/// Where an item of an OrderedList stands: a fraction between 0 and 1, its bytes being the digits after the
/// point, so that bytes compare as fractions do. Never empty, never ends in a zero byte.
inline constexpr std::size_t kPositionBytesMax = 64;

/// A fraction strictly between `before` and `after`; none of them (empty) = the list's beginning or end.
/// Items appended one after the other get short ones. None when there is no room: they are equal or in the
/// wrong order, or the fraction would be longer than kPositionBytesMax.
std::optional<std::string> position_between(std::string_view before, std::string_view after);

/// The position of item `index` in a list that is numbered anew.
std::string position_at(std::size_t index);

bool is_position(std::string_view bytes) noexcept;

}  // namespace kadenza::distributed::crdt
