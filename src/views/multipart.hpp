// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace kadenza::views {

/// The boundary of a multipart/form-data Content-Type (RFC 7578); nullopt for any other type. Empty when the
/// field has none or a malformed one.
std::optional<std::string> multipart_boundary(std::string_view content_type);

/// Reads multipart/form-data piece by piece, with memory for one piece only: fill prepare(), commit(), then
/// take events until kNeedMore. Pure; one owner. Errors are kInvalidArgument and final.
class MultipartParser {
 public:
  enum class Kind : std::uint8_t {
    kNeedMore,   ///< commit() further bytes, or the body is cut
    kPartBegin,  ///< `text` = the part's name
    kData,       ///< `text` = some bytes of the part
    kPartEnd,
    kEnd  ///< the closing boundary was read; what follows does not matter
  };
  struct Event {
    Kind kind = Kind::kNeedMore;
    std::string_view text;  ///< valid until the next call of prepare()
  };

  explicit MultipartParser(std::string_view boundary);

  std::span<std::uint8_t> prepare(std::size_t bytes);
  void commit(std::size_t bytes);
  core::Result<Event> next();

  static constexpr std::size_t kPartsMax = 64;
  static constexpr std::size_t kPartHeaderBytesMax = 4096;
  static constexpr std::size_t kPreambleBytesMax = 4096;

 private:
  enum class State : std::uint8_t { kPreamble, kAfterBoundary, kHeaders, kData, kDone };

  std::string_view unread() const { return std::string_view(buffer_).substr(begin_, end_ - begin_); }
  core::Result<Event> read_preamble();
  core::Result<Event> read_after_boundary();
  core::Result<Event> read_headers();
  core::Result<Event> read_data();

  std::string delimiter_;  ///< CRLF "--" boundary
  std::string buffer_;     ///< bytes begin_ … end_ are not taken yet
  std::size_t begin_ = 0, end_ = 0;
  State state_ = State::kPreamble;
  std::size_t parts_ = 0;
  std::string name_;
};

}  // namespace kadenza::views
