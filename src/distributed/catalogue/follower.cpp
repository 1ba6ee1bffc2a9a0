// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/catalogue/follower.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <spdlog/spdlog.h>

#include "distributed/catalogue/catalogue_methods.hpp"
#include "distributed/catalogue/limits.hpp"

namespace kadenza::distributed::catalogue {

using core::Errc;
using core::Result;

namespace {

/// What a waiting call has beyond its wait.
constexpr auto kAnswerTime = std::chrono::seconds(5);

constexpr auto kTerminal = boost::asio::cancellation_type::terminal;

/// A cancelled coroutine leaves by an exception; any other one is a fault of this program.
void rethrow_unless_cancelled(std::exception_ptr thrown) {
  if (!thrown) return;
  try {
    std::rethrow_exception(std::move(thrown));
  } catch (const boost::system::system_error& error) {
    if (error.code() != boost::asio::error::operation_aborted) throw;
  }
}

}  // namespace

Follower::Follower(Parts parts)
    : parts_(std::move(parts)), review_(parts_.strand, parts_.timers), ended_(parts_.strand, parts_.timers) {}

std::shared_ptr<boost::asio::cancellation_signal> Follower::spawn(std::function<core::Task<void>()> body) {
  auto signal = std::make_shared<boost::asio::cancellation_signal>();
  ++running_;
  auto finished = [this, owner = owner_, signal](std::exception_ptr thrown) {
    --running_;
    ended_.raise();
    rethrow_unless_cancelled(std::move(thrown));
  };
  boost::asio::co_spawn(parts_.strand, std::move(body),
                        boost::asio::bind_cancellation_slot(signal->slot(), std::move(finished)));
  return signal;
}

void Follower::start(std::shared_ptr<const void> owner) {
  owner_ = std::move(owner);
  reviewing_ = spawn([this] { return run(); });
}

core::Task<void> Follower::stop() {
  if (reviewing_) reviewing_->emit(kTerminal);
  for (const auto& [id, session] : std::exchange(sessions_, {})) session->signal->emit(kTerminal);
  while (running_ > 0) co_await ended_.wait(ended_.count(), core::Instant::max());
  owner_.reset();
}

core::Task<void> Follower::run() {
  while (true) {
    const auto seen = review_.count();
    const auto now_wanted = co_await wanted();
    apply(now_wanted);
    co_await review_.wait(seen, parts_.clock.now() + parts_.options.review);
  }
}

core::Task<std::map<core::NodeId, Follower::Wanted>> Follower::wanted() {
  std::map<core::NodeId, Wanted> wanted;
  const auto deadline = parts_.clock.now() + parts_.options.review;
  for (std::uint32_t shard = 0; shard < kShards; ++shard) {
    const auto order = co_await parts_.directory.order(placement::partition_of_shard(shard), deadline);
    const auto first = std::ranges::find_if(
        order, [](const auto& candidate) { return !candidate.self && !candidate.silent; });
    if (first == order.end()) continue;
    auto& node = wanted[first->contact.id];
    node.contact = first->contact;
    node.shards.set(shard);
  }
  co_return wanted;
}

void Follower::apply(const std::map<core::NodeId, Wanted>& wanted) {
  std::erase_if(sessions_, [&](const auto& entry) {
    const auto& [id, session] = entry;
    if (wanted.contains(id)) return false;
    ++session->run;
    session->signal->emit(kTerminal);
    return true;
  });
  for (const auto& [id, node] : wanted) {
    auto& session = sessions_[id];
    if (!session) session = std::make_shared<Session>();
    if (session->shards == node.shards && session->contact == node.contact) continue;
    session->contact = node.contact;
    session->shards = node.shards;
    session->compared &= node.shards;
    restart(session);
  }
}

void Follower::restart(const std::shared_ptr<Session>& session) {
  if (session->signal) session->signal->emit(kTerminal);
  const auto number = ++session->run;
  session->signal = spawn([this, session, number] { return follow(session, number); });
}

core::Task<void> Follower::follow(std::shared_ptr<Session> session, std::uint64_t run) {
  while (session->run == run) {
    const auto done = co_await follow_once(session, run);
    if (done || session->run != run) continue;
    const auto code = done.error().code;
    spdlog::debug("cannot follow a node's rows: {}", done.error().detail);
    if (code == Errc::kUnavailable || code == Errc::kDeadlineExceeded) {
      parts_.directory.failed(session->contact.id);
      review_.raise();
    }
    co_await parts_.timers.sleep_until(parts_.clock.now() + parts_.options.pause);
  }
}

core::Task<Result<void>> Follower::follow_once(std::shared_ptr<Session> session, std::uint64_t run) {
  if (session->compared != session->shards || parts_.clock.now() >= session->compare_at) {
    KADENZA_CO_TRY_VOID(co_await compare(session, run));
    if (session->run != run || session->compared != session->shards) co_return Result<void>();
  }
  const auto until_comparison = session->compare_at - parts_.clock.now();
  const auto wait = std::max(core::Duration::zero(), std::min(parts_.options.wait, until_comparison));
  v1::ChangesRequest request;
  request.set_database(session->database);
  request.set_after(session->last);
  request.set_shards(pack(session->shards));
  request.set_wait_ms(
      static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(wait).count()));
  const auto deadline = parts_.clock.now() + wait + kAnswerTime;
  const auto contact = session->contact;
  KADENZA_CO_TRY(const auto reply, co_await peers::call(parts_.peers, contact, std::move(request), deadline));
  if (session->run != run) co_return Result<void>();
  if (reply.database() != session->database) {
    session->compared.reset();
    co_return Result<void>();
  }
  KADENZA_CO_TRY(auto winners, co_await parts_.intake.take(reply.rows()));
  if (session->run == run) session->last = reply.last();
  if (!winners.empty()) KADENZA_CO_TRY_VOID(co_await parts_.reconciler.put(contact, std::move(winners)));
  co_return Result<void>();
}

core::Task<Result<void>> Follower::compare(std::shared_ptr<Session> session, std::uint64_t run) {
  const auto fresh = session->shards & ~session->compared;
  const auto shards = fresh.any() ? fresh : session->shards;
  KADENZA_CO_TRY(const auto place, co_await parts_.reconciler.reconcile(session->contact, shards));
  if (session->run != run) co_return Result<void>();
  if (session->database != place.database) {
    session->database = place.database;
    session->last = place.last;
    session->compared.reset();
  }
  session->compared |= shards;
  if (shards == session->shards) session->compare_at = parts_.clock.now() + until_next_comparison();
  co_return Result<void>();
}

/// Spread, so that nodes that started together do not go on together.
core::Duration Follower::until_next_comparison() {
  const auto base = parts_.options.compare.count();
  const auto spread = static_cast<std::uint64_t>(base) / 2 + 1;
  return core::Duration(base - base / 4 + static_cast<std::int64_t>(parts_.random.below(spread)));
}

}  // namespace kadenza::distributed::catalogue
