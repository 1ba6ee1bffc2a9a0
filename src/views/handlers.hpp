// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "views/router.hpp"

namespace kadenza::views {

// One function for each operation of router.cpp's table. They run on the connection's strand and answer
// failures as problems.

core::Task<Response> get_health(Environment& environment, Request& request);
core::Task<Response> get_readiness(Environment& environment, Request& request);
core::Task<Response> get_metrics(Environment& environment, Request& request);
core::Task<Response> get_web_authority(Environment& environment, Request& request);

core::Task<Response> get_network(Environment& environment, Request& request);
core::Task<Response> get_holders(Environment& environment, Request& request);
core::Task<Response> get_lookup(Environment& environment, Request& request);

core::Task<Response> post_session(Environment& environment, Request& request);
core::Task<Response> get_session(Environment& environment, Request& request);
core::Task<Response> delete_session(Environment& environment, Request& request);
core::Task<Response> post_session_code(Environment& environment, Request& request);

core::Task<Response> post_song(Environment& environment, Request& request);
core::Task<Response> get_song(Environment& environment, Request& request);
core::Task<Response> get_songs(Environment& environment, Request& request);
core::Task<Response> get_audio(Environment& environment, Request& request);
core::Task<Response> get_cover(Environment& environment, Request& request);
core::Task<Response> get_waveform(Environment& environment, Request& request);

core::Task<Response> get_search(Environment& environment, Request& request);
core::Task<Response> get_albums(Environment& environment, Request& request);
core::Task<Response> get_album(Environment& environment, Request& request);
core::Task<Response> get_artists(Environment& environment, Request& request);
core::Task<Response> get_artist(Environment& environment, Request& request);
core::Task<Response> get_genres(Environment& environment, Request& request);
core::Task<Response> get_genre(Environment& environment, Request& request);
core::Task<Response> get_totals(Environment& environment, Request& request);

/// The id in the path, or kNotFound: a malformed id names nothing.
template <class IdType>
core::Result<IdType> id_argument(const Request& request, std::string_view what) {
  if (const auto id = IdType::parse(request.arguments.front())) return *id;
  return core::fail(core::Errc::kNotFound, "There is no " + std::string(what) + " with this id.");
}

}  // namespace kadenza::views
