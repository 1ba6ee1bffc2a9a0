// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/crdt/position.hpp"

#include <algorithm>
#include <cstdint>

namespace kadenza::distributed::crdt {
namespace {

/// The first digits count steps, so that appending does not halve what is left of the line each time.
constexpr std::size_t kStepDigits = 5;
constexpr std::uint64_t kStep = 1u << 16;
constexpr std::uint64_t kLineEnd = std::uint64_t{1} << (8 * kStepDigits);
constexpr std::uint64_t kMiddle = kLineEnd / 2;

std::uint64_t leading(std::string_view position) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < kStepDigits; ++i) {
    value = value << 8 | (i < position.size() ? static_cast<std::uint8_t>(position[i]) : 0);
  }
  return value;
}

std::string from_leading(std::uint64_t value) {
  std::string position(kStepDigits, '\0');
  for (std::size_t i = kStepDigits; i-- > 0; value >>= 8) position[i] = static_cast<char>(value & 0xff);
  while (!position.empty() && position.back() == '\0') position.pop_back();
  return position;
}

/// The middle, digit by digit: the first digits at which there is room decide.
std::string middle(std::string_view before, std::string_view after) {
  std::string position;
  bool below_after = after.empty();  // already smaller than `after`, whatever follows
  for (std::size_t i = 0;; ++i) {
    const unsigned low = i < before.size() ? static_cast<std::uint8_t>(before[i]) : 0;
    const unsigned high = below_after ? 256 : i < after.size() ? static_cast<std::uint8_t>(after[i]) : 0;
    if (high > low + 1) {
      position.push_back(static_cast<char>((low + high) / 2));
      return position;
    }
    position.push_back(static_cast<char>(low));
    if (high > low) below_after = true;
  }
}

}  // namespace

std::optional<std::string> position_between(std::string_view before, std::string_view after) {
  if (!after.empty() && before >= after) return std::nullopt;
  if (before.empty() && after.empty()) return from_leading(kMiddle);
  if (after.empty() && leading(before) < kLineEnd - kStep) return from_leading(leading(before) + kStep);
  if (before.empty() && leading(after) > kStep) return from_leading(leading(after) - kStep);
  std::string position = middle(before, after);
  if (position.size() > kPositionBytesMax) return std::nullopt;
  return position;
}

std::string position_at(std::size_t index) {
  return from_leading(kMiddle + index * kStep);
}

bool is_position(std::string_view bytes) noexcept {
  return !bytes.empty() && bytes.size() <= kPositionBytesMax && bytes.back() != '\0';
}

}  // namespace kadenza::distributed::crdt
