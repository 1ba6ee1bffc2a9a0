// SPDX-License-Identifier: AGPL-3.0-or-later
#include "views/router.hpp"

#include <optional>

#include "views/handlers.hpp"

namespace kadenza::views {

namespace {

const std::vector<Route>& table() {
  using enum Access;
  using http::verb;
  static const std::vector<Route> routes{
      {verb::get, "/healthz", kOpen, get_health, {}},
      {verb::get, "/readyz", kOpen, get_readiness, {}},
      {verb::get, "/metrics", kLogInUnlessLoopback, get_metrics, {}},
      {verb::get, "/ca.pem", kOpen, get_web_authority, {}},

      {verb::post, "/api/v1/session", kOpen, post_session, {}},
      {verb::get, "/api/v1/session", kLogIn, get_session, {}},
      {verb::delete_, "/api/v1/session", kLogIn, delete_session, {}},
      {verb::post, "/api/v1/session/code", kLogIn, post_session_code, {}},

      {verb::get,
       "/api/v1/songs",
       kLogIn,
       get_songs,
       {"order", "seed", "genre", "artist", "from", "to", "limit", "cursor"}},
      {verb::post,
       "/api/v1/songs",
       kUploader,
       post_song,
       {"title", "artist", "album", "album_artist", "track", "disc", "year", "genre"}},
      {verb::get, "/api/v1/songs/{id}", kLogIn, get_song, {}},
      {verb::get, "/api/v1/songs/{id}/audio", kLogIn, get_audio, {"access_token", "download"}},
      {verb::get, "/api/v1/songs/{id}/cover", kLogIn, get_cover, {"access_token", "size"}},
      {verb::get, "/api/v1/songs/{id}/waveform", kLogIn, get_waveform, {}},

      {verb::get,
       "/api/v1/search",
       kLogIn,
       get_search,
       {"q", "limit", "songs", "albums", "artists", "cursor"}},
      {verb::get,
       "/api/v1/albums",
       kLogIn,
       get_albums,
       {"order", "seed", "genre", "from", "to", "limit", "cursor"}},
      {verb::get, "/api/v1/albums/{id}", kLogIn, get_album, {}},
      {verb::get, "/api/v1/artists", kLogIn, get_artists, {"limit", "cursor"}},
      {verb::get, "/api/v1/artists/{id}", kLogIn, get_artist, {}},
      {verb::get, "/api/v1/genres", kLogIn, get_genres, {"limit", "cursor"}},
      {verb::get, "/api/v1/genres/{name}", kLogIn, get_genre, {}},
      {verb::get, "/api/v1/totals", kLogIn, get_totals, {}},

      {verb::get, "/api/v1/songs/{id}/holders", kLogIn, get_holders, {}},
      {verb::get, "/api/v1/network", kLogIn, get_network, {}},
      {verb::get, "/api/v1/network/lookup/{key}", kLogIn, get_lookup, {}},
  };
  return routes;
}

/// What stands for the pattern's {…}, or nullopt when the path is another one.
std::optional<std::vector<std::string>> match(std::string_view pattern,
                                              std::span<const std::string> segments) {
  std::vector<std::string> arguments;
  std::size_t used = 0;
  while (!pattern.empty()) {
    pattern.remove_prefix(1);  // the slash
    const auto part = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(part.size());
    const std::string_view segment = used < segments.size() ? std::string_view(segments[used]) : "";
    if (part.starts_with('{') && !segment.empty())
      arguments.emplace_back(segment);
    else if (part != segment)
      return std::nullopt;
    ++used;
  }
  if (used < segments.size()) return std::nullopt;
  return arguments;
}

/// Methods that the path takes, as the field Allow names them; empty when there is no such path.
std::string allowed(std::span<const Route> routes, std::span<const std::string> segments) {
  std::string methods;
  for (const auto& route : routes) {
    if (!match(route.pattern, segments)) continue;
    methods += std::string(http::to_string(route.method)) + ", ";
    if (route.method == http::verb::get) methods += "HEAD, ";
  }
  return methods.empty() ? methods : methods + "OPTIONS";
}

}  // namespace

std::span<const Route> routes() {
  return table();
}

Found find_route(std::span<const Route> routes, http::verb method, std::span<const std::string> segments) {
  const auto wanted = method == http::verb::head ? http::verb::get : method;
  for (const auto& route : routes) {
    if (route.method != wanted) continue;
    if (auto arguments = match(route.pattern, segments)) return {&route, std::move(*arguments), {}};
  }
  return {nullptr, {}, allowed(routes, segments)};
}

}  // namespace kadenza::views
