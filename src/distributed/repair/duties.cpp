// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/duties.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace kadenza::distributed::repair {
namespace {

/// Others get the thread after so many partitions: a millisecond.
constexpr std::size_t kPartitionsAtOnce = 200;

}  // namespace

bool Duty::keeps(const core::NodeId& node) const {
  return std::ranges::find(keepers, node) != keepers.end();
}

bool Duty::pairs(const core::NodeId& a, const core::NodeId& b) const {
  return (driver == a || driver == b) && keeps(a) && keeps(b);
}

Duty duty_of(const placement::Order& order, const cluster::Settings& settings,
             const std::vector<core::NodeId>& without) {
  Duty duty;
  std::size_t live = 0;
  std::size_t rank = 0;
  for (const auto& candidate : order) {
    if (candidate.leaving || std::ranges::find(without, candidate.contact.id) != without.end()) continue;
    const bool holder = rank++ < settings.replicas;
    if (!holder && (candidate.silent || live >= settings.write_quorum)) continue;
    duty.keepers.push_back(candidate.contact.id);
    if (candidate.silent) {
      ++duty.silent;
      continue;
    }
    ++live;
    if (!duty.driver) duty.driver = candidate.contact.id;
  }
  return duty;
}

core::Task<void> Duties::renew(std::vector<placement::Partition> partitions, core::Deadline deadline) {
  const auto executor = co_await boost::asio::this_coro::executor;
  auto view = std::make_shared<View>();
  view->duties.reserve(partitions.size());
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    const auto order = co_await directory_.order(partitions[i], deadline);
    add(*view, partitions[i], duty_of(order, settings_));
    if (i % kPartitionsAtOnce == kPartitionsAtOnce - 1) {
      co_await boost::asio::post(executor, boost::asio::use_awaitable);
    }
  }
  const std::lock_guard lock(mutex_);
  view_ = std::move(view);
}

void Duties::add(View& view, const placement::Partition& partition, Duty duty) const {
  const auto& self = directory_.self().id;
  for (const auto& keeper : duty.keepers) {
    if (keeper != self && duty.pairs(self, keeper)) view.shared[keeper].push_back(partition);
  }
  view.duties.emplace(partition.key, std::move(duty));
}

std::shared_ptr<const Duties::View> Duties::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

std::shared_ptr<const Duties::Map> Duties::current() const {
  auto current = view();
  return {current, &current->duties};
}

std::shared_ptr<const Duties::Partitions> Duties::shared_with(const core::NodeId& other) const {
  static const auto kNone = std::make_shared<const Partitions>();
  auto current = view();
  const auto shared = current->shared.find(other);
  if (shared == current->shared.end()) return kNone;
  return {current, &shared->second};
}

}  // namespace kadenza::distributed::repair
