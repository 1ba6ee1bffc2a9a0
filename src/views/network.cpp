// SPDX-License-Identifier: AGPL-3.0-or-later
// The network of nodes, and the way of a lookup through it.
#include "views/handlers.hpp"
#include "views/network_json.hpp"
#include "views/problem.hpp"

namespace kadenza::views {

namespace {

Response no_network() {
  return problem({core::Errc::kNotFound,
                  "This node runs alone (kadenza serve --standalone), so there is no network to show."});
}

template <class T>
Response fresh(const core::Result<T>& result) {
  if (!result) return problem(result.error());
  auto response = json_response(to_json(*result));
  response.add("Cache-Control", "no-store");
  return response;
}

}  // namespace

core::Task<Response> get_network(Environment& environment, Request& request) {
  if (environment.network == nullptr) co_return no_network();
  const auto seen = co_await environment.network->snapshot(request.deadline);
  co_return fresh(seen);
}

core::Task<Response> get_holders(Environment& environment, Request& request) {
  if (environment.network == nullptr) co_return no_network();
  const auto id = id_argument<core::SongId>(request, "song");
  if (!id) co_return problem(id.error());
  const auto found = co_await environment.network->holders(*id, request.deadline);
  co_return fresh(found);
}

core::Task<Response> get_lookup(Environment& environment, Request& request) {
  if (environment.network == nullptr) co_return no_network();
  const auto key = core::NodeId::parse(request.arguments.front());
  if (!key) {
    co_return problem({core::Errc::kInvalidArgument,
                       "The key of a lookup is an id: 52 characters of lower-case base32 (a-z, 2-7)."});
  }
  const auto trace = co_await environment.network->lookup(*key, request.deadline);
  co_return fresh(trace);
}

}  // namespace kadenza::views
