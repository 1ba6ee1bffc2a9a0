// SPDX-License-Identifier: AGPL-3.0-or-later
#include "views/range.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include <boost/beast/core/string.hpp>

#include "views/http_date.hpp"

namespace kadenza::views {

namespace {

constexpr RangeAnswer kWhole{RangeAnswer::Kind::kWhole, {}};
constexpr RangeAnswer kUnsatisfiable{RangeAnswer::Kind::kUnsatisfiable, {}};

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Calls `visit` with each element of a comma-separated list that is not empty; quoted commas do not split.
template <class Visit>
void for_each_element(std::string_view list, Visit&& visit) {
  bool quoted = false;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= list.size(); ++i) {
    if (i < list.size() && list[i] == '"') quoted = !quoted;
    if (i < list.size() && (list[i] != ',' || quoted)) continue;
    if (const auto element = trimmed(list.substr(start, i - start)); !element.empty()) visit(element);
    start = i + 1;
  }
}

/// Digits only; a number beyond 64 bits counts as the largest.
std::optional<std::uint64_t> parse_position(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || end != digits.data() + digits.size()) return std::nullopt;
  return error == std::errc::result_out_of_range ? std::numeric_limits<std::uint64_t>::max() : value;
}

RangeAnswer select_suffix(std::uint64_t length, std::uint64_t size) {
  if (length == 0 || size == 0) return kUnsatisfiable;
  length = std::min(length, size);
  return {RangeAnswer::Kind::kPart, {size - length, length}};
}

RangeAnswer select_one(std::string_view spec, std::uint64_t size) {
  const auto dash = spec.find('-');
  if (dash == std::string_view::npos) return kWhole;
  const auto first = parse_position(spec.substr(0, dash));
  const auto last = parse_position(spec.substr(dash + 1));
  if (dash == 0) return last ? select_suffix(*last, size) : kWhole;
  if (!first || (!last && dash + 1 != spec.size()) || (last && *last < *first)) return kWhole;
  if (*first >= size) return kUnsatisfiable;
  const auto end = last ? std::min(*last, size - 1) : size - 1;
  return {RangeAnswer::Kind::kPart, {*first, end - *first + 1}};
}

/// Whether a list of entity tags, or "*", names the representation; weak tags match only weakly.
bool names(std::string_view list, std::string_view etag, bool weak_comparison) {
  if (trimmed(list) == "*") return true;
  bool found = false;
  for_each_element(list, [&](std::string_view tag) {
    if (weak_comparison && tag.starts_with("W/")) tag.remove_prefix(2);
    found = found || tag == etag;
  });
  return found;
}

}  // namespace

RangeAnswer select_range(std::string_view field, std::uint64_t size) {
  const auto equals = field.find('=');
  if (equals == std::string_view::npos || !boost::beast::iequals(trimmed(field.substr(0, equals)), "bytes"))
    return kWhole;
  std::size_t count = 0;
  std::string_view only;
  for_each_element(field.substr(equals + 1), [&](std::string_view spec) {
    ++count;
    only = spec;
  });
  return count == 1 ? select_one(only, size) : kWhole;
}

Precondition evaluate(const Conditions& conditions, const Validators& validators) {
  const auto modified = std::chrono::floor<std::chrono::seconds>(validators.last_modified);
  if (conditions.if_match) {
    if (!names(*conditions.if_match, validators.etag, false)) return Precondition::kFailed;
  } else if (conditions.if_unmodified_since) {
    const auto since = parse_http_date(*conditions.if_unmodified_since);
    if (since && modified > *since) return Precondition::kFailed;
  }
  if (conditions.if_none_match) {
    if (names(*conditions.if_none_match, validators.etag, true)) return Precondition::kNotModified;
  } else if (conditions.if_modified_since) {
    const auto since = parse_http_date(*conditions.if_modified_since);
    if (since && modified <= *since) return Precondition::kNotModified;
  }
  return Precondition::kProceed;
}

bool range_applies(const Conditions& conditions, const Validators& validators) {
  if (!conditions.if_range) return true;
  const auto field = trimmed(*conditions.if_range);
  if (field.starts_with('"') || field.starts_with("W/")) return field == validators.etag;
  const auto date = parse_http_date(field);
  return date && *date == std::chrono::floor<std::chrono::seconds>(validators.last_modified);
}

}  // namespace kadenza::views
