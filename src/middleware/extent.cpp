// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/extent.hpp"

#include <charconv>
#include <limits>

#include <fmt/format.h>

namespace kadenza::middleware {
namespace {

constexpr unsigned kOk = 200;
constexpr unsigned kPartialContent = 206;

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "bytes FIRST-LAST/SIZE" (RFC 9110 section 14.4).
std::optional<Extent> parse_content_range(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return std::nullopt;
  text.remove_prefix(kUnit.size());
  const std::size_t dash = text.find('-');
  const std::size_t slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) return std::nullopt;
  const auto first = number(text.substr(0, dash));
  const auto last = number(text.substr(dash + 1, slash - dash - 1));
  const auto size = number(text.substr(slash + 1));
  if (!first || !last || !size || *last < *first || *last >= *size) return std::nullopt;
  return Extent{.first = *first, .end = *last + 1, .size = *size, .etag = {}};
}

}  // namespace

std::string Extent::range_from(std::uint64_t position) const {
  if (end == size) return fmt::format("bytes={}-", position);
  return fmt::format("bytes={}-{}", position, end - 1);
}

bool Extent::continues_with(const Extent& other, std::uint64_t position) const {
  return other == Extent{.first = position, .end = end, .size = size, .etag = etag};
}

std::optional<Extent> extent_of(unsigned status, std::string_view content_length,
                                std::string_view content_range, std::string_view etag) {
  std::optional<Extent> extent;
  if (status == kPartialContent) {
    extent = parse_content_range(content_range);
  } else if (const auto length = number(content_length); length && status == kOk) {
    extent = Extent{.first = 0, .end = *length, .size = *length, .etag = {}};
  }
  if (extent) extent->etag = etag;
  return extent;
}

}  // namespace kadenza::middleware
