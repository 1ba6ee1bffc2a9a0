// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kadenza::middleware {

/// Which bytes of which file the body of an answer is: [first, end) of `size`.
struct Extent {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  std::uint64_t size = 0;
  std::string etag;  ///< names the file's content; empty: not said

  /// Whether other nodes' bytes can be told to be of the same file (RFC 9110 section 8.8.1: a strong tag).
  bool has_strong_etag() const { return etag.starts_with('"'); }
  /// From byte `position` to the end, as a Range field.
  std::string range_from(std::uint64_t position) const;
  /// Whether `other` is the rest of this one from byte `position` on.
  bool continues_with(const Extent& other, std::uint64_t position) const;
  friend bool operator==(const Extent&, const Extent&) = default;
};

/// Of an answer with this status and these header fields (absent: empty). None when it does not say, or is
/// not (a part of) a file.
std::optional<Extent> extent_of(unsigned status, std::string_view content_length,
                                std::string_view content_range, std::string_view etag);

}  // namespace kadenza::middleware
