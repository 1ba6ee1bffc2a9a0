// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"
#include "distributed/kademlia/contact.hpp"

namespace kadenza::distributed::peers {

/// Longest request and longest reply, encoded. Whoever moves more does it in pieces of at most
/// kPieceBytes of audio.
inline constexpr std::size_t kMessageBytesMax = 4 << 20;
inline constexpr std::size_t kPieceBytes = 256 << 10;

/// Calls to other nodes: mutual TLS in production, the simulator's network in sim/. Every call is one request
/// and one reply. Thread-safe; calls resume on their caller's executor and may be cancelled, which cancels
/// the coroutine that serves them.
class Peers {
 public:
  virtual ~Peers() = default;

  /// Calls `path` ("/kadenza.v1.Replicas/Store") of the node `to` and nobody else: a node with another id at
  /// that endpoint is refused. Errors: what the other node answered; kDeadlineExceeded; kUnavailable (nobody
  /// answers there, or not as that node).
  virtual core::Task<core::Result<std::string>> call(kademlia::Contact to, std::string_view path,
                                                     std::string request, core::Deadline deadline) = 0;
};

/// Which method a request message belongs to, and what answers it: specialised beside each service's
/// messages by KADENZA_METHOD.
template <class Request>
struct MethodOf;

/// In the global namespace: KADENZA_METHOD(proto::StoreRequest, proto::StoreReply,
/// "/kadenza.v1.Replicas/Store").
#define KADENZA_METHOD(request, reply, method_path)        \
  template <>                                              \
  struct kadenza::distributed::peers::MethodOf<request> {  \
    using Reply = reply;                                   \
    static constexpr std::string_view kPath = method_path; \
  }

/// The typed form of Peers::call.
template <class Request>
core::Task<core::Result<typename MethodOf<Request>::Reply>> call(Peers& peers, kademlia::Contact to,
                                                                 Request request, core::Deadline deadline) {
  auto encoded = request.SerializeAsString();
  auto answer = co_await peers.call(to, MethodOf<Request>::kPath, std::move(encoded), deadline);
  if (!answer) co_return std::unexpected(std::move(answer).error());
  typename MethodOf<Request>::Reply reply;
  if (!reply.ParseFromString(*answer)) {
    co_return core::fail(core::Errc::kUnavailable, "the other node answered with something unreadable");
  }
  co_return reply;
}

}  // namespace kadenza::distributed::peers
