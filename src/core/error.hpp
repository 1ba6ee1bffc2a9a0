// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kadenza::core {

/// Why a call failed. One list for the whole project; each surface (HTTP, RPC, command line) maps it once.
enum class Errc {
  kInvalidArgument,   ///< the request itself is wrong; the same request will fail again
  kMissingTags,       ///< an upload without title or artist
  kUnsupportedMedia,  ///< not one of the audio formats that Kadenza knows
  kDamagedMedia,      ///< a known format whose content is cut or broken
  kTooLarge,          ///< over a configured limit
  kNotFound,
  kUnauthenticated,  ///< no log-in, or one that is not valid (any more)
  kForbidden,        ///< logged in, but not allowed
  kConflict,         ///< collides with what is there
  kNoSpace,          ///< a disk or the configured capacity is full
  kTooManyRequests,  ///< slow down and try again
  kUnavailable,      ///< too few nodes, shutting down: worth trying again, here or elsewhere
  kDeadlineExceeded,
  kCancelled,
  kCorrupted,  ///< stored bytes do not match their hash
  kInternal,   ///< a fault of this program or of its machine (I/O error)
};

/// Stable, lower-case name of a code ("not_found"), used in logs, metrics and machine-readable answers.
std::string_view to_string(Errc code) noexcept;
/// The inverse; none for a name that this version does not know.
std::optional<Errc> parse_errc(std::string_view name) noexcept;

/// A code for programs and a sentence for people: what was wrong and, where it helps, what to do.
struct Error {
  Errc code = Errc::kInternal;
  std::string detail;

  friend bool operator==(const Error&, const Error&) = default;
};

template <class T = void>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(Errc code, std::string detail = {}) {
  return std::unexpected(Error{code, std::move(detail)});
}

}  // namespace kadenza::core

/// Unwraps a Result into `var`, or returns its error from the enclosing function (…_CO: coroutine).
#define KADENZA_CONCAT_(a, b) a##b
#define KADENZA_CONCAT(a, b) KADENZA_CONCAT_(a, b)
#define KADENZA_TRY_IMPL_(ret, tmp, var, expr)           \
  auto tmp = (expr);                                     \
  if (!tmp) ret std::unexpected(std::move(tmp).error()); \
  var = std::move(*tmp)
#define KADENZA_TRY(var, expr) KADENZA_TRY_IMPL_(return, KADENZA_CONCAT(try_, __LINE__), var, expr)
#define KADENZA_CO_TRY(var, expr) KADENZA_TRY_IMPL_(co_return, KADENZA_CONCAT(try_, __LINE__), var, expr)
/// The same for a Result<void>.
#define KADENZA_TRY_VOID(expr) \
  if (auto try_void_ = (expr); !try_void_) return std::unexpected(std::move(try_void_).error())
#define KADENZA_CO_TRY_VOID(expr) \
  if (auto try_void_ = (expr); !try_void_) co_return std::unexpected(std::move(try_void_).error())
