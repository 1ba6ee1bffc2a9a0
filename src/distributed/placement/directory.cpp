// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/placement/directory.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "distributed/kademlia/distance.hpp"
#include "distributed/placement/order.hpp"

namespace kadenza::distributed::placement {
namespace {

namespace asio = boost::asio;

/// Regions are small, but a reader of a large network's whole catalogue passes through many.
constexpr std::size_t kRegionsMax = 16'384;
constexpr auto kLookupPatience = std::chrono::seconds(3);

/// All partitions of a network that one lookup shows whole.
const Partition kEverywhere{};

}  // namespace

Order by_liveness(Order order) {
  std::ranges::stable_partition(order, [](const Candidate& candidate) { return !candidate.silent; });
  return order;
}

Order for_writing(Order order) {
  std::erase_if(order, [](const Candidate& candidate) { return candidate.leaving; });
  return by_liveness(std::move(order));
}

std::shared_ptr<Directory> Directory::create(Options options, asio::any_io_executor executor,
                                             const core::Clock& clock, Routing& routing) {
  return std::shared_ptr<Directory>(new Directory(std::move(options), std::move(executor), clock, routing));
}

Directory::Directory(Options options, asio::any_io_executor executor, const core::Clock& clock,
                     Routing& routing)
    : options_(std::move(options)), executor_(std::move(executor)), clock_(clock), routing_(routing) {}

core::Task<Order> Directory::order(Partition partition, core::Deadline deadline) {
  Partition region;
  bool stale = true;
  bool usable = false;
  {
    const std::lock_guard lock(mutex_);
    region = region_of(partition);
    if (const auto found = regions_.find(region.key); found != regions_.end()) {
      const auto age = clock_.now() - found->second.looked_up;
      stale = age > options_.fresh;
      usable = age <= options_.usable;
    }
  }
  if (!usable) {
    co_await look_up(region, deadline);
  } else if (stale) {
    renew_later(region);
  }
  const std::lock_guard lock(mutex_);
  co_return order_now(partition);
}

core::Task<void> Directory::renew(core::Deadline deadline) {
  {
    const std::lock_guard lock(mutex_);  // who answers now lives, whatever failed a moment ago
    for (auto& [id, member] : members_) member.failing_since.reset();
  }
  co_await look_up(kEverywhere, deadline);
}

Partition Directory::region_of(const Partition& partition) const {
  return whole_network_known_ ? kEverywhere : partition;
}

core::Task<void> Directory::look_up(Partition region, core::Deadline deadline) {
  const auto patience = std::min(deadline, clock_.now() + kLookupPatience);
  const auto found = co_await routing_.nearest(region.key, options_.candidates, patience);
  if (!found) co_return;
  const std::lock_guard lock(mutex_);
  whole_network_known_ = found->size() < options_.candidates;
  const auto now = clock_.now();
  note_live(*found, now);
  note_missing(region, *found, now);
  std::erase_if(members_, [this](const auto& entry) { return !in_grace(entry.second); });
  if (regions_.size() >= kRegionsMax) regions_.clear();
  regions_[region.key].looked_up = now;
  if (whole_network_known_) regions_[kEverywhere.key].looked_up = now;
}

void Directory::note_live(const std::vector<kademlia::Contact>& found, core::Instant now) {
  for (const auto& contact : found) {
    auto& member = members_[contact.id];
    member.contact = contact;
    member.heard = now;
    // A node that answers datagrams may still refuse calls: those decide for a while.
    if (member.failing_since && now - *member.failing_since > options_.fresh) member.failing_since.reset();
  }
}

/// Who should have been found and was not is silent.
void Directory::note_missing(const Partition& region, const std::vector<kademlia::Contact>& found,
                             core::Instant now) {
  const auto radius =
      whole_network_known_ ? kademlia::Distance::max() : kademlia::distance(found.back().id, region.key);
  for (auto& [id, member] : members_) {
    if (member.heard != now && kademlia::distance(id, region.key) < radius && !member.failing_since) {
      member.failing_since = now;
    }
  }
}

void Directory::renew_later(const Partition& region) {
  {
    const std::lock_guard lock(mutex_);
    auto& entry = regions_[region.key];
    if (std::exchange(entry.renewing, true)) return;
  }
  auto renewal = [self = shared_from_this(), region]() -> core::Task<void> {
    co_await self->look_up(region, core::Deadline::max());
    const std::lock_guard lock(self->mutex_);
    if (const auto entry = self->regions_.find(region.key); entry != self->regions_.end()) {
      entry->second.renewing = false;
    }
  };
  asio::co_spawn(executor_, std::move(renewal), asio::detached);
}

bool Directory::in_grace(const Member& member) const {
  return clock_.now() - member.heard <= options_.grace && options_.is_member(member.contact.id);
}

Order Directory::order_now(const Partition& partition) const {
  std::vector<kademlia::Contact> known;
  known.reserve(members_.size() + 1);
  for (const auto& [id, member] : members_) {
    if (in_grace(member)) known.push_back(member.contact);
  }
  known.push_back(options_.self);
  Order result;
  for (const auto& contact : placement::order(partition, known, options_.candidates)) {
    Candidate candidate{.contact = contact, .self = contact.id == options_.self.id};
    if (candidate.self) {
      candidate.leaving = leaving_;
    } else {
      const auto& member = members_.at(contact.id);
      candidate.silent = member.failing_since.has_value();
      candidate.leaving = member.leaving;
    }
    result.push_back(candidate);
  }
  std::ranges::stable_partition(result, [](const Candidate& candidate) { return !candidate.leaving; });
  return result;
}

std::vector<Candidate> Directory::members() const {
  const std::lock_guard lock(mutex_);
  std::vector<Candidate> result;
  for (const auto& [id, member] : members_) {
    if (!in_grace(member)) continue;
    result.push_back({member.contact, false, member.failing_since.has_value(), member.leaving});
  }
  return result;
}

std::optional<kademlia::Contact> Directory::contact(const core::NodeId& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = members_.find(id);
  return found == members_.end() ? std::nullopt : std::optional(found->second.contact);
}

void Directory::answered(const kademlia::Contact& contact, std::optional<core::Duration> took) {
  const std::lock_guard lock(mutex_);
  auto& member = members_[contact.id];
  member.contact = contact;
  member.heard = clock_.now();
  member.failing_since.reset();
  if (took) member.round_trip = member.round_trip ? (*member.round_trip * 7 + *took) / 8 : *took;
}

void Directory::failed(const core::NodeId& id) {
  const std::lock_guard lock(mutex_);
  const auto found = members_.find(id);
  if (found != members_.end() && !found->second.failing_since) found->second.failing_since = clock_.now();
}

void Directory::note_leaving(const core::NodeId& id, bool leaving) {
  const std::lock_guard lock(mutex_);
  if (const auto found = members_.find(id); found != members_.end()) found->second.leaving = leaving;
}

void Directory::set_leaving(bool leaving) {
  const std::lock_guard lock(mutex_);
  leaving_ = leaving;
}

bool Directory::is_leaving() const {
  const std::lock_guard lock(mutex_);
  return leaving_;
}

std::optional<core::Duration> Directory::round_trip(const core::NodeId& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = members_.find(id);
  return found == members_.end() ? std::nullopt : found->second.round_trip;
}

}  // namespace kadenza::distributed::placement
