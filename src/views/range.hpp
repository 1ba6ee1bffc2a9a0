// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/audio_stream.hpp"
#include "core/clock.hpp"

namespace kadenza::views {

// Ranges and conditional requests of RFC 9110, sections 13 and 14. Pure.

/// What to send of a representation.
struct RangeAnswer {
  enum class Kind : std::uint8_t { kWhole, kPart, kUnsatisfiable };
  Kind kind = Kind::kWhole;
  core::ByteRange range;  ///< of kPart

  friend bool operator==(const RangeAnswer&, const RangeAnswer&) = default;
};

/// The Range field for a representation of `size` bytes. Malformed fields, other units and several ranges are
/// answered with the whole, as section 14.2 allows: no player asks for several ranges, and a server that
/// answers them can be made to send a file many times over.
RangeAnswer select_range(std::string_view field, std::uint64_t size);

/// What identifies a representation; the entity tag is strong, given with its quotes.
struct Validators {
  std::string etag;
  core::WallTime last_modified{};
};

/// The conditional fields of a GET or HEAD request, as received.
struct Conditions {
  std::optional<std::string_view> if_match, if_none_match, if_modified_since, if_unmodified_since, if_range;
};

enum class Precondition : std::uint8_t { kProceed, kNotModified, kFailed };

/// Section 13.2.2, without If-Range.
Precondition evaluate(const Conditions& conditions, const Validators& validators);

/// Section 13.1.5: whether a Range field counts; always without If-Range.
bool range_applies(const Conditions& conditions, const Validators& validators);

}  // namespace kadenza::views
