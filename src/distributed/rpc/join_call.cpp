// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/join_call.hpp"

#include <algorithm>
#include <optional>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include "core/await_on.hpp"
#include "distributed/rpc/client_connection.hpp"

namespace kadenza::distributed::rpc {

namespace asio = boost::asio;
using core::Errc;
using core::fail;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

/// What a person who starts a node waits for without seeing anything happen.
constexpr auto kPatienceMax = std::chrono::minutes(1);

struct Joining {
  asio::any_io_executor strand;
  kademlia::Endpoint to;
  tls::PeerCheck check;
  std::string path;
  std::string request;
  core::Duration patience;
};

/// It answered, and proved that it is not who was wanted.
bool somebody_else(const ClientConnection& connection) {
  const auto refusal = connection.refusal();
  return refusal == Refusal::kUnknownAuthority || refusal == Refusal::kWrongId ||
         refusal == Refusal::kExpired;
}

core::Task<core::Result<std::string>> run(Joining joining) {
  const auto deadline = std::chrono::steady_clock::now() + joining.patience;
  const auto connection =
      std::make_shared<ClientConnection>(joining.strand, std::move(joining.check), PeerTimes{},
                                         [](const ClientConnection*, const core::Error&) {});
  auto opening = connection->open(joining.to, std::min(deadline, deadline - joining.patience + kPatienceMax));
  const auto opened = co_await std::move(opening);
  if (!opened)
    co_return fail(somebody_else(*connection) ? Errc::kForbidden : Errc::kUnavailable, opened.error().detail);
  asio::steady_timer waiting(joining.strand, deadline);
  const auto reply = std::make_shared<std::optional<core::Result<std::string>>>();
  auto answered = [reply, &waiting](core::Result<std::string> result) {
    *reply = std::move(result);
    waiting.cancel();
  };
  const auto stream =
      connection->start(joining.path, std::move(joining.request), joining.patience, std::move(answered));
  if (!*reply) co_await waiting.async_wait(kAwait);
  connection->cancel(stream);
  connection->close({Errc::kUnavailable, "the call is over"});
  if (*reply) co_return std::move(**reply);
  co_return fail(Errc::kDeadlineExceeded, "the other node did not answer in time");
}

}  // namespace

core::Task<core::Result<std::string>> join_call(asio::any_io_executor executor, const core::Clock& clock,
                                                kademlia::Endpoint to, core::Digest authority,
                                                std::string_view path, std::string request,
                                                core::Deadline deadline) {
  Joining joining;
  joining.strand = asio::make_strand(executor);
  joining.to = to;
  KADENZA_CO_TRY(joining.check.contexts, tls::make_join_contexts());
  joining.check.authority = authority;
  joining.path = path;
  joining.request = std::move(request);
  joining.patience = std::min<core::Duration>(deadline - clock.now(), kPatienceMax);
  auto strand = joining.strand;
  auto running = [joining = std::move(joining)]() mutable { return run(std::move(joining)); };
  co_return co_await core::await_on(strand, std::move(running));
}

}  // namespace kadenza::distributed::rpc
