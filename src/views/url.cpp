// SPDX-License-Identifier: AGPL-3.0-or-later
#include "views/url.hpp"

#include <algorithm>
#include <cctype>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <unicode/utf8.h>

namespace kadenza::views {

using core::Errc;
using core::fail;

bool is_clean_utf8(std::string_view text) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  const auto size = static_cast<std::int32_t>(text.size());
  for (std::int32_t i = 0; i < size;) {
    UChar32 c = 0;
    U8_NEXT(bytes, i, size, c);
    if (c <= 0) return false;
  }
  return true;
}

std::size_t code_points(std::string_view text, std::size_t bytes) {
  const auto part = text.substr(0, bytes);
  return static_cast<std::size_t>(std::count_if(
      part.begin(), part.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

namespace {

core::Result<Target> decoded(const boost::urls::url_view& url) {
  Target target;
  for (const auto& segment : url.segments()) target.segments.push_back(segment);
  for (const auto& parameter : url.params()) target.query.emplace_back(parameter.key, parameter.value);

  const auto clean = [](const auto& pair) { return is_clean_utf8(pair.first) && is_clean_utf8(pair.second); };
  if (!std::all_of(target.segments.begin(), target.segments.end(), is_clean_utf8) ||
      !std::all_of(target.query.begin(), target.query.end(), clean))
    return fail(Errc::kInvalidArgument, "The address must be percent-encoded UTF-8 without NUL.");
  return target;
}

/// Whether a path needs no decoding: segments of unreserved characters, none of them empty or beginning with
/// a dot.
bool is_plain_path(std::string_view raw) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '-' || c == '.' || c == '_' || c == '~';
  };
  return raw.starts_with('/') && !raw.ends_with('/') && raw.find("//") == std::string_view::npos &&
         raw.find("/.") == std::string_view::npos && std::ranges::all_of(raw, is_plain);
}

Target split(std::string_view path) {
  Target target;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    target.segments.emplace_back(path.substr(0, path.find('/')));
    path.remove_prefix(target.segments.back().size());
  }
  return target;
}

}  // namespace

core::Result<Target> parse_target(std::string_view raw) {
  if (is_plain_path(raw)) return split(raw);
  const bool origin_form = raw.starts_with('/');
  const auto parsed =
      origin_form ? boost::urls::parse_origin_form(raw) : boost::urls::parse_absolute_uri(raw);
  if (!parsed)
    return fail(
        Errc::kInvalidArgument,
        "The address of the request is malformed; characters outside of RFC 3986 must be percent-encoded.");
  const bool is_http = parsed->scheme() == "http" || parsed->scheme() == "https";
  if (!origin_form && (!is_http || parsed->host().empty()))
    return fail(Errc::kInvalidArgument,
                "The address of the request must be a path, or an http or https URL.");
  return decoded(*parsed);
}

std::string redacted(std::string_view raw_target) {
  constexpr std::string_view kMarker = "access_token=";
  std::string result(raw_target);
  for (std::size_t at = 0; (at = result.find(kMarker, at)) != std::string::npos;) {
    at += kMarker.size();
    const auto end = result.find('&', at);
    result.replace(at, end == std::string::npos ? std::string::npos : end - at, "***");
  }
  return result;
}

}  // namespace kadenza::views
