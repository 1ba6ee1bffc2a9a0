// SPDX-License-Identifier: AGPL-3.0-or-later
#include "views/json_writer.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>

#include <fmt/format.h>

namespace kadenza::views {
namespace {

constexpr bool is_plain(char c) {
  return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
}

constexpr std::uint64_t kOnes = 0x0101010101010101, kHighBits = kOnes << 7;

/// The high bit of each byte that is below `limit`, at most 0x80; of bytes above such a one perhaps, too.
constexpr std::uint64_t below(std::uint64_t bytes, std::uint64_t limit) {
  return (bytes - kOnes * limit) & ~bytes & kHighBits;
}

/// is_plain() of eight characters.
constexpr bool are_plain(std::uint64_t eight) {
  return (below(eight, 0x20) | below(eight ^ (kOnes * '"'), 1) | below(eight ^ (kOnes * '\\'), 1)) == 0;
}

/// Where the first character stands that has to be escaped, or the end.
const char* skip_plain(const char* at, const char* end) {
  for (std::uint64_t eight = 0; end - at >= 8; at += 8) {
    std::memcpy(&eight, at, 8);
    if (!are_plain(eight)) break;
  }
  return std::find_if_not(at, end, is_plain);
}

}  // namespace

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  after_value_ = false;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  after_value_ = true;
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view token) {
  separate();
  out_ += token;
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  if (!std::isfinite(number)) return null();
  char digits[32];
  return raw({digits, std::to_chars(digits, digits + sizeof digits, number).ptr});
}

void JsonWriter::quote(std::string_view text) {
  out_ += '"';
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    const char* const special = skip_plain(at, end);
    out_.append(at, special);
    if (special == end) break;
    if (*special == '"' || *special == '\\') {
      out_ += '\\';
      out_ += *special;
    } else if (*special == '\n') {
      out_ += "\\n";
    } else {
      fmt::format_to(std::back_inserter(out_), "\\u{:04x}", static_cast<unsigned char>(*special));
    }
    at = special + 1;
  }
  out_ += '"';
}

}  // namespace kadenza::views
