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
  auto map = std::make_shared<Map>();
  map->reserve(partitions.size());
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    const auto order = co_await directory_.order(partitions[i], deadline);
    map->emplace(partitions[i].key, duty_of(order, settings_));
    if (i % kPartitionsAtOnce == kPartitionsAtOnce - 1) {
      co_await boost::asio::post(executor, boost::asio::use_awaitable);
    }
  }
  const std::lock_guard lock(mutex_);
  current_ = std::move(map);
}

std::shared_ptr<const Duties::Map> Duties::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

std::function<bool(const placement::Partition&)> Duties::shared_with(const core::NodeId& other) const {
  return [duties = current(), self = directory_.self().id, other](const placement::Partition& partition) {
    const auto duty = duties->find(partition.key);
    return duty != duties->end() && duty->second.pairs(self, other);
  };
}

}  // namespace kadenza::distributed::repair
