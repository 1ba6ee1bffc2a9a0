// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/cluster/exchange.hpp"

#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/blocking.hpp"
#include "core/planted_bugs.hpp"
#include "distributed/cluster/cluster_methods.hpp"

namespace kadenza::distributed::cluster {
namespace asio = boost::asio;

using core::Errc;
using core::Result;
using core::Task;

void ClusterExchange::serve(peers::Handlers& handlers) {
  auto exchange = [this](peers::Caller caller,
                         v1::ExchangeRequest request) -> Task<Result<v1::ExchangeReply>> {
    // A caller that is not known yet was enrolled elsewhere a moment ago, as its certificate proves.
    if (parts_.document.is_removed(caller.id)) {
      co_return core::fail(Errc::kForbidden, "This node was removed from the cluster, which is final.");
    }
    if (!request.state().empty()) {
      auto taken = co_await take(std::move(*request.mutable_state()));
      if (!taken) co_return std::unexpected(std::move(taken).error());
    }
    const auto view = parts_.document.view();
    v1::ExchangeReply reply;
    reply.set_digest(std::string(key_of(view->digest)));
    if (!request.digest().empty() && request.digest() != reply.digest()) reply.set_state(view->bytes);
    co_return reply;
  };
  handlers.add<v1::ExchangeRequest>(std::move(exchange));
}

Task<void> ClusterExchange::run() {
  while (true) {
    const auto jitter = parts_.random.below(static_cast<std::uint64_t>(parts_.period.count()) * 2 / 5 + 1);
    const core::Duration wait = parts_.period * 4 / 5 + core::Duration(jitter);
    co_await parts_.timers.sleep_until(parts_.clock.now() + wait);
    co_await spread();
    auto contacts = parts_.contacts();
    if (contacts.empty() || core::planted(core::PlantedBug::kMembersNotCompared)) continue;
    kademlia::Contact chosen = contacts[parts_.random.below(contacts.size())];
    (void)co_await compare_with(std::move(chosen));  // whom this one misses, the next round brings
  }
}

Task<void> ClusterExchange::spread() {
  auto delta = parts_.document.take_delta();
  if (!delta) co_return;
  const auto shared = std::make_shared<const std::string>(std::move(*delta));
  const auto contacts = parts_.contacts();
  const auto executor = co_await asio::this_coro::executor;
  using Answers = asio::experimental::concurrent_channel<void(boost::system::error_code)>;
  const auto answers = std::make_shared<Answers>(executor, contacts.size());
  for (const auto& member : contacts) {
    Task<void> one = push(member, shared);
    auto answered = [answers](std::exception_ptr) { answers->try_send(boost::system::error_code()); };
    asio::co_spawn(executor, std::move(one), std::move(answered));
  }
  for (std::size_t i = 0; i < contacts.size(); ++i) co_await answers->async_receive(asio::use_awaitable);
}

Task<void> ClusterExchange::push(kademlia::Contact member, std::shared_ptr<const std::string> delta) {
  v1::ExchangeRequest request;
  request.set_state(*delta);
  const core::Deadline deadline = parts_.clock.now() + parts_.push_patience;
  (void)co_await peers::call(parts_.peers, member, std::move(request), deadline);
}

Task<Result<void>> ClusterExchange::compare_with(kademlia::Contact member) {
  auto mine = parts_.document.view();
  v1::ExchangeRequest ask;
  ask.set_digest(std::string(key_of(mine->digest)));
  auto reply =
      co_await peers::call(parts_.peers, member, std::move(ask), parts_.clock.now() + parts_.patience);
  if (!reply) co_return std::unexpected(std::move(reply).error());
  if (reply->state().empty()) co_return Result<void>();
  const std::string theirs = reply->digest();
  auto taken = co_await take(std::move(*reply->mutable_state()));
  if (!taken) co_return taken;
  mine = parts_.document.view();
  if (theirs == key_of(mine->digest)) co_return Result<void>();
  v1::ExchangeRequest give;
  give.set_state(mine->bytes);
  auto given =
      co_await peers::call(parts_.peers, member, std::move(give), parts_.clock.now() + parts_.patience);
  if (!given) co_return std::unexpected(std::move(given).error());
  co_return Result<void>();
}

Task<Result<void>> ClusterExchange::take(std::string state) {
  auto work = [document = &parts_.document, state = std::move(state)]() -> Result<void> {
    KADENZA_TRY(const bool brought, document->merge(state));
    // A copy that cannot be saved is still the newest that this node knows; the others have theirs.
    if (brought) (void)document->save();
    return {};
  };
  co_return co_await core::run_on(parts_.blocking, std::move(work));
}

}  // namespace kadenza::distributed::cluster
