// SPDX-License-Identifier: AGPL-3.0-or-later
#include "core/error.hpp"

namespace kadenza::core {

std::string_view to_string(Errc code) noexcept {
  switch (code) {
    case Errc::kInvalidArgument:
      return "invalid_argument";
    case Errc::kMissingTags:
      return "missing_tags";
    case Errc::kUnsupportedMedia:
      return "unsupported_media";
    case Errc::kDamagedMedia:
      return "damaged_media";
    case Errc::kTooLarge:
      return "too_large";
    case Errc::kNotFound:
      return "not_found";
    case Errc::kUnauthenticated:
      return "unauthenticated";
    case Errc::kForbidden:
      return "forbidden";
    case Errc::kConflict:
      return "conflict";
    case Errc::kNoSpace:
      return "no_space";
    case Errc::kTooManyRequests:
      return "too_many_requests";
    case Errc::kUnavailable:
      return "unavailable";
    case Errc::kDeadlineExceeded:
      return "deadline_exceeded";
    case Errc::kCancelled:
      return "cancelled";
    case Errc::kCorrupted:
      return "corrupted";
    case Errc::kInternal:
      return "internal";
  }
  return "internal";
}

std::optional<Errc> parse_errc(std::string_view name) noexcept {
  for (int code = 0; code <= static_cast<int>(Errc::kInternal); ++code) {
    if (to_string(static_cast<Errc>(code)) == name) return static_cast<Errc>(code);
  }
  return std::nullopt;
}

}  // namespace kadenza::core
