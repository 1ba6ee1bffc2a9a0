// SPDX-License-Identifier: AGPL-3.0-or-later
#include "views/multipart.hpp"

#include <cstring>

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include "core/check.hpp"
#include "views/url.hpp"

namespace kadenza::views {

using core::Errc;
using core::fail;

namespace {

constexpr std::size_t kBoundaryBytesMax = 70;  // RFC 2046, section 5.1.1

std::optional<std::string> parameter(std::string_view field, std::string_view name) {
  const auto semicolon = field.find(';');
  if (semicolon == std::string_view::npos) return std::nullopt;
  for (const auto& [key, value] : boost::beast::http::param_list(field.substr(semicolon)))
    if (boost::beast::iequals(key, name)) return std::string(value);
  return std::nullopt;
}

bool has_type(std::string_view field, std::string_view type) {
  auto end = field.find(';');
  if (end == std::string_view::npos) end = field.size();
  while (end > 0 && (field[end - 1] == ' ' || field[end - 1] == '\t')) --end;
  return boost::beast::iequals(field.substr(0, end), type);
}

std::size_t find(std::string_view text, std::string_view wanted) {
  const void* found = memmem(text.data(), text.size(), wanted.data(), wanted.size());
  return found ? static_cast<std::size_t>(static_cast<const char*>(found) - text.data())
               : std::string_view::npos;
}

/// The name of a form field, from the header of its part.
std::optional<std::string> part_name(std::string_view headers) {
  constexpr std::string_view kField = "content-disposition:";
  while (!headers.empty()) {
    const auto end = headers.find("\r\n");
    auto line = headers.substr(0, end);
    headers.remove_prefix(end == std::string_view::npos ? headers.size() : end + 2);
    if (!boost::beast::iequals(line.substr(0, kField.size()), kField)) continue;
    line.remove_prefix(kField.size());
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (!has_type(line, "form-data")) return std::nullopt;
    return parameter(line, "name");
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> multipart_boundary(std::string_view content_type) {
  if (!has_type(content_type, "multipart/form-data")) return std::nullopt;
  auto boundary = parameter(content_type, "boundary").value_or("");
  if (boundary.size() > kBoundaryBytesMax || boundary.ends_with(' ') ||
      boundary.find_first_of("\r\n") != std::string::npos)
    boundary.clear();
  return boundary;
}

MultipartParser::MultipartParser(std::string_view boundary)
    : delimiter_("\r\n--" + std::string(boundary)), buffer_("\r\n"), end_(buffer_.size()) {
  // The line break put in front lets the first boundary, at the very start, look like all others.
  KADENZA_CHECK(!boundary.empty());
}

std::span<std::uint8_t> MultipartParser::prepare(std::size_t bytes) {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() < end_ + bytes) buffer_.resize(end_ + bytes);
  return {reinterpret_cast<std::uint8_t*>(buffer_.data()) + end_, bytes};
}

void MultipartParser::commit(std::size_t bytes) {
  KADENZA_CHECK(end_ + bytes <= buffer_.size());
  end_ += bytes;
}

core::Result<MultipartParser::Event> MultipartParser::next() {
  switch (state_) {
    case State::kPreamble:
      return read_preamble();
    case State::kAfterBoundary:
      return read_after_boundary();
    case State::kHeaders:
      return read_headers();
    case State::kData:
      return read_data();
    case State::kDone:
      break;
  }
  return Event{Kind::kEnd, {}};
}

core::Result<MultipartParser::Event> MultipartParser::read_preamble() {
  const auto at = find(unread(), delimiter_);
  if (at == std::string_view::npos) {
    if (unread().size() > kPreambleBytesMax + delimiter_.size())
      return fail(Errc::kInvalidArgument,
                  "The form does not begin with the boundary that Content-Type names.");
    return Event{};
  }
  begin_ += at + delimiter_.size();
  state_ = State::kAfterBoundary;
  return read_after_boundary();
}

core::Result<MultipartParser::Event> MultipartParser::read_after_boundary() {
  const auto text = unread();
  if (text.starts_with("--")) {
    state_ = State::kDone;
    return Event{Kind::kEnd, {}};
  }
  const auto line_end = text.find_first_not_of(" \t");
  if (line_end == std::string_view::npos || text.substr(line_end).size() < 2) {
    if (text.size() > kPartHeaderBytesMax)
      return fail(Errc::kInvalidArgument, "A boundary line of the form is too long.");
    return Event{};
  }
  if (text.substr(line_end, 2) != "\r\n")
    return fail(Errc::kInvalidArgument,
                "A boundary of the form is followed by something else than a line break.");
  begin_ += line_end;  // the line break stays: an empty header is then CRLF CRLF as well
  state_ = State::kHeaders;
  return read_headers();
}

core::Result<MultipartParser::Event> MultipartParser::read_headers() {
  const auto text = unread();
  const auto end = find(text.substr(0, kPartHeaderBytesMax + 4), "\r\n\r\n");
  if (end == std::string_view::npos) {
    if (text.size() >= kPartHeaderBytesMax + 4)
      return fail(Errc::kInvalidArgument, "The header of a form part is too long.");
    return Event{};
  }
  auto name = part_name(text.substr(0, end));
  if (!name || !is_clean_utf8(*name))
    return fail(Errc::kInvalidArgument, "A form part has no Content-Disposition: form-data with a name.");
  if (++parts_ > kPartsMax) return fail(Errc::kInvalidArgument, "The form has too many parts.");
  name_ = std::move(*name);
  begin_ += end + 4;
  state_ = State::kData;
  return Event{Kind::kPartBegin, name_};
}

core::Result<MultipartParser::Event> MultipartParser::read_data() {
  const auto text = unread();
  const auto at = find(text, delimiter_);
  if (at == 0) {
    begin_ += delimiter_.size();
    state_ = State::kAfterBoundary;
    return Event{Kind::kPartEnd, {}};
  }
  auto length = at;
  if (at == std::string_view::npos) {
    if (text.size() < delimiter_.size()) return Event{};
    length = text.size() - delimiter_.size() + 1;  // the rest may be the start of a boundary
  }
  begin_ += length;
  return Event{Kind::kData, text.substr(0, length)};
}

}  // namespace kadenza::views
