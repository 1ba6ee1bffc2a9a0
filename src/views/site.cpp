// SPDX-License-Identifier: AGPL-3.0-or-later
// The web player's files.
#include "views/site.hpp"

#include <algorithm>

#include <boost/beast/core/string.hpp>

#include "views/range.hpp"

namespace kadenza::views {

namespace {

/// Scripts and styles only from here, none in the page itself. Other nodes may be asked, whatever their
/// address; the style attribute is how positions and sizes are set.
constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; font-src "
    "'self'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self' http: https:; manifest-src "
    "'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

struct Encoded {
  std::string_view bytes;
  std::string_view name;  ///< of the Content-Encoding; empty: none
};

/// Whether a field such as "gzip, br;q=0.8" accepts a coding. "*" is not heeded: all browsers name theirs.
bool accepts(std::string_view field, std::string_view coding) {
  while (!field.empty()) {
    auto one = field.substr(0, field.find(','));
    field.remove_prefix(std::min(field.size(), one.size() + 1));
    one.remove_prefix(std::min(one.size(), one.find_first_not_of(' ')));
    const auto name = one.substr(0, one.find_first_of("; "));
    const auto weight = one.find("q=0");
    const bool refused = weight != std::string_view::npos &&
                         one.find_first_of("123456789", weight + 3) == std::string_view::npos;
    if (boost::beast::iequals(name, coding)) return !refused;
  }
  return false;
}

Encoded best_encoding(const SiteFile& file, std::string_view accepted) {
  if (!file.brotli.empty() && accepts(accepted, "br")) return {file.brotli, "br"};
  if (!file.gzip.empty() && accepts(accepted, "gzip")) return {file.gzip, "gzip"};
  return {file.plain, ""};
}

const SiteFile* file_at(Site site, std::string_view path) {
  const auto found = std::ranges::find(site, path, &SiteFile::path);
  return found == site.end() ? nullptr : &*found;
}

/// The file for an address: itself, or the one page behind all addresses of pages.
const SiteFile* file_for(Site site, const Request& request) {
  std::string path;
  for (const auto& segment : request.target.segments) path += "/" + segment;
  if (path.empty() || path == "/") return file_at(site, "/index.html");
  if (const auto* file = file_at(site, path)) return file;
  const auto& first = request.target.segments.front();
  const bool is_page = first != "api" && first != "rest" && first != "assets";
  const bool wants_html =
      request.field(http::field::accept).value_or("").find("text/html") != std::string_view::npos;
  return is_page && wants_html ? file_at(site, "/index.html") : nullptr;
}

}  // namespace

std::optional<Response> site_answer(Site site, const Request& request) {
  if (request.method != http::verb::get && request.method != http::verb::head) return std::nullopt;
  const auto* file = file_for(site, request);
  if (file == nullptr) return std::nullopt;

  const auto encoded = best_encoding(*file, request.field(http::field::accept_encoding).value_or(""));
  auto etag = std::string(file->etag);
  if (!encoded.name.empty()) etag.insert(etag.size() - 1, "-" + std::string(encoded.name));
  const Conditions conditions{.if_none_match = request.field(http::field::if_none_match)};
  const bool known = evaluate(conditions, {.etag = etag}) == Precondition::kNotModified;

  Response response{known ? http::status::not_modified : http::status::ok, {}, {}};
  response.policy = kPagePolicy;
  response.add("ETag", etag).add("Vary", "Accept-Encoding");
  response.add("Cache-Control", file->immutable ? "public, max-age=31536000, immutable" : "no-cache");
  if (known) return response;
  response.add("Content-Type", file->content_type);
  if (!encoded.name.empty()) response.add("Content-Encoding", encoded.name);
  response.body = encoded.bytes;
  return response;
}

}  // namespace kadenza::views
