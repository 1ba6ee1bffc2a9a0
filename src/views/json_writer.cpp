// SPDX-License-Identifier: AGPL-3.0-or-later
#include "views/json_writer.hpp"

#include <cmath>
#include <iterator>

#include <fmt/format.h>

namespace kadenza::views {

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
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out_.append(text, start, i - start);
    start = i + 1;
    if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += static_cast<char>(c);
    } else if (c == '\n') {
      out_ += "\\n";
    } else {
      fmt::format_to(std::back_inserter(out_), "\\u{:04x}", c);
    }
  }
  out_.append(text, start);
  out_ += '"';
}

}  // namespace kadenza::views
