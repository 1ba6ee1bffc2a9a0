// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/any_io_executor.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "distributed/kademlia/endpoint.hpp"
#include "distributed/peers/peers.hpp"

namespace kadenza::distributed::rpc {

/// One call of a node that lets others join (RpcServer::set_joining), by one that has no certificate yet,
/// over a connection of its own. The other side has to be a node that the authority with this fingerprint
/// certified. `executor` is an io_context's; `clock` is the machine's own and outlives the call. Errors: what
/// the other node answered; kDeadlineExceeded; kForbidden (it is not of that cluster); kUnavailable (nobody
/// answers there, or nobody can join there).
core::Task<core::Result<std::string>> join_call(boost::asio::any_io_executor executor,
                                                const core::Clock& clock, kademlia::Endpoint to,
                                                core::Digest authority, std::string_view path,
                                                std::string request, core::Deadline deadline);

/// The typed form.
template <class Request>
core::Task<core::Result<typename peers::MethodOf<Request>::Reply>> join_call(
    boost::asio::any_io_executor executor, const core::Clock& clock, kademlia::Endpoint to,
    core::Digest authority, Request request, core::Deadline deadline) {
  auto encoded = request.SerializeAsString();
  auto calling = join_call(executor, clock, to, authority, peers::MethodOf<Request>::kPath,
                           std::move(encoded), deadline);
  auto answer = co_await std::move(calling);
  if (!answer) co_return std::unexpected(std::move(answer).error());
  typename peers::MethodOf<Request>::Reply reply;
  if (!reply.ParseFromString(*answer))
    co_return core::fail(core::Errc::kUnavailable, "the other node answered with something unreadable");
  co_return reply;
}

}  // namespace kadenza::distributed::rpc
