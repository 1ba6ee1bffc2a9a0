// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/enrolment/key_keeper.hpp"

#include <chrono>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/blocking.hpp"
#include "distributed/enrolment/methods.hpp"

namespace kadenza::distributed::enrolment {
namespace {

namespace asio = boost::asio;
using core::Result;
using core::Task;
using identity::ClusterKeys;

constexpr std::chrono::seconds kTellPatience{2};
/// A rotation that stands still so long has lost whoever began it.
constexpr std::chrono::seconds kRotationPatience{15};
/// Somebody else began one at the same moment: theirs may be the one that holds, and ours has to be repeated.
constexpr int kRotationAttempts = 3;

}  // namespace

KeyKeeper::KeyKeeper(Options options)
    : options_(std::move(options)),
      owner_(asio::make_strand(options_.blocking)),
      keys_(std::move(options_.keys)),
      changed_at_(options_.clock->now()) {}

Task<ClusterKeys> KeyKeeper::current() {
  auto read = [this] { return keys_; };
  co_return co_await core::run_on(owner_, std::move(read));
}

Result<void> KeyKeeper::set(ClusterKeys keys) {
  KADENZA_TRY_VOID(keys.save(options_.file));
  keys_ = std::move(keys);
  changed_at_ = options_.clock->now();
  if (options_.changed) options_.changed(keys_);
  return {};
}

Task<Result<ClusterKeys>> KeyKeeper::take_if_newer(ClusterKeys offered) {
  auto take = [this, offered = std::move(offered)]() mutable -> Result<ClusterKeys> {
    if (offered.newer_than(keys_)) KADENZA_TRY_VOID(set(std::move(offered)));
    return keys_;
  };
  co_return co_await core::run_on(owner_, std::move(take));
}

Task<Result<ClusterKeys>> KeyKeeper::begin() {
  auto change = [this]() -> Result<ClusterKeys> {
    ClusterKeys next = keys_;
    next.begin_rotation();
    KADENZA_TRY_VOID(set(std::move(next)));
    return keys_;
  };
  co_return co_await core::run_on(owner_, std::move(change));
}

Task<Result<void>> KeyKeeper::advance_from(ClusterKeys known) {
  auto change = [this, known = std::move(known)]() -> Result<void> {
    if (keys_ != known || keys_.stage == ClusterKeys::Stage::kSettled) return {};
    ClusterKeys next = keys_;
    next.advance();
    return set(std::move(next));
  };
  co_return co_await core::run_on(owner_, std::move(change));
}

Task<Result<void>> KeyKeeper::offer(ClusterKeys keys, kademlia::Contact with, core::Deadline deadline) {
  v1::ExchangeKeysRequest request;
  request.set_keys(keys.text());
  auto answer = co_await peers::call(*options_.peers, with, std::move(request), deadline);
  if (!answer) co_return std::unexpected(std::move(answer).error());
  KADENZA_CO_TRY(ClusterKeys theirs, ClusterKeys::parse(answer->keys()));
  auto taken = co_await take_if_newer(std::move(theirs));
  if (!taken) co_return std::unexpected(std::move(taken).error());
  co_return Result<void>();
}

Task<Result<void>> KeyKeeper::exchange(kademlia::Contact with) {
  ClusterKeys ours = co_await current();
  co_return co_await offer(std::move(ours), with, options_.clock->now() + kTellPatience);
}

Task<Result<void>> KeyKeeper::tell(core::NodeId member, ClusterKeys keys) {
  const core::Deadline deadline = options_.clock->now() + kTellPatience;
  auto contact = co_await options_.find_contact(member, deadline);
  if (!contact) co_return std::unexpected(std::move(contact).error());
  co_return co_await offer(std::move(keys), *contact, deadline);
}

Task<std::vector<core::NodeId>> KeyKeeper::tell_all(ClusterKeys keys) {
  std::vector<core::NodeId> members;
  for (const Member& member : options_.membership->members()) {
    if (member.id != options_.self) members.push_back(member.id);
  }
  std::vector<core::NodeId> unreached;
  if (members.empty()) co_return unreached;

  const auto executor = co_await asio::this_coro::executor;
  using Telling = decltype(asio::co_spawn(executor, tell(members.front(), keys), asio::deferred));
  std::vector<Telling> telling;
  for (const core::NodeId& member : members) {
    telling.push_back(asio::co_spawn(executor, tell(member, keys), asio::deferred));
  }
  auto group = asio::experimental::make_parallel_group(std::move(telling));
  auto [order, thrown, told] =
      co_await group.async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (thrown[i]) std::rethrow_exception(thrown[i]);
    if (!told[i]) unreached.push_back(members[i]);
  }
  co_return unreached;
}

Task<Result<std::vector<core::NodeId>>> KeyKeeper::carry_through() {
  std::vector<core::NodeId> unreached;
  while (true) {
    const ClusterKeys stage = co_await current();
    unreached = co_await tell_all(stage);
    if (stage.stage == ClusterKeys::Stage::kSettled) co_return unreached;
    auto advanced = co_await advance_from(stage);
    if (!advanced) co_return std::unexpected(std::move(advanced).error());
  }
}

Task<Result<std::vector<core::NodeId>>> KeyKeeper::rotate() {
  for (int attempt = 1;; ++attempt) {
    auto begun = co_await begin();
    if (!begun) co_return std::unexpected(std::move(begun).error());
    const identity::ClusterKey ours = begun->cluster.keys[1];
    auto unreached = co_await carry_through();
    const ClusterKeys ended = co_await current();
    if (!unreached || ended.cluster.current() == ours || attempt == kRotationAttempts) co_return unreached;
  }
}

Task<Result<void>> KeyKeeper::finish_rotation() {
  auto look = [this] {
    return keys_.stage != ClusterKeys::Stage::kSettled &&
           options_.clock->now() - changed_at_ > kRotationPatience;
  };
  if (!co_await core::run_on(owner_, std::move(look))) co_return Result<void>();
  auto carried = co_await carry_through();
  if (!carried) co_return std::unexpected(std::move(carried).error());
  co_return Result<void>();
}

void KeyKeeper::serve(peers::Handlers& handlers) {
  handlers.add<v1::ExchangeKeysRequest>(
      [this](peers::Caller, v1::ExchangeKeysRequest request) -> Task<Result<v1::ExchangeKeysReply>> {
        auto offered = ClusterKeys::parse(request.keys());
        if (!offered) co_return core::fail(core::Errc::kInvalidArgument, offered.error().detail);
        auto held = co_await take_if_newer(std::move(*offered));
        if (!held) co_return std::unexpected(std::move(held).error());
        v1::ExchangeKeysReply reply;
        reply.set_keys(held->text());
        co_return reply;
      });
}

}  // namespace kadenza::distributed::enrolment
