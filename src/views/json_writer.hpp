// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace kadenza::views {

/// Writes JSON straight into one string, in the order given: answers have fixed shapes, so no tree of values
/// is built (a list of 500 songs has 15,000 values). Texts must be UTF-8.
class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  /// The name of a member of the object that is open; its value comes next.
  JsonWriter& key(std::string_view name) {
    separate();
    quote(name);
    out_ += ':';
    after_value_ = false;
    return *this;
  }

  JsonWriter& value(std::string_view text) {
    separate();
    quote(text);
    return *this;
  }
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool truth) { return raw(truth ? "true" : "false"); }
  JsonWriter& value(std::integral auto number) {
    char digits[24];
    return raw({digits, std::to_chars(digits, digits + sizeof digits, number).ptr});
  }
  JsonWriter& value(double number);  ///< null when it is not finite
  JsonWriter& null() { return raw("null"); }

  template <class T>
  JsonWriter& member(std::string_view name, const T& content) {
    key(name);
    return value(content);
  }

  std::string take() { return std::move(out_); }
  void reserve(std::size_t bytes) { out_.reserve(bytes); }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  JsonWriter& raw(std::string_view token);
  void separate() {
    if (after_value_) out_ += ',';
    after_value_ = true;
  }
  void quote(std::string_view text);

  std::string out_;
  bool after_value_ = false;
};

}  // namespace kadenza::views
