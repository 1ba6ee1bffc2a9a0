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

constexpr std::size_t kLookedAtMax = 16'384;
constexpr std::size_t kRankingsMax = 1024;  // about 3 MB
constexpr auto kLookupPatience = std::chrono::seconds(3);

/// All nodes whose distance from the key can matter to its order: those that share as many bits with it as
/// the farthest of its candidates. With fewer than `candidates`, everybody matters.
Region region_of(const Partition& partition, const Order& order, std::size_t candidates) {
  int bits = order.size() < candidates ? 0 : kademlia::kIdBits;
  for (const auto& candidate : order) {
    bits = std::min(bits, kademlia::distance(candidate.contact.id, partition.key).leading_zeros());
  }
  return Region::around(partition.key, bits);
}

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
  std::optional<Order> known;
  std::optional<kademlia::Key> stale;
  {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.now();
    const auto& ranked = ranking(partition);
    const auto part = regions_.stalest_in(ranked.region);
    regions_.note_use(ranked.region, now);
    auto seen = part.seen;
    if (const auto own = looked_at_.find(partition.key); own != looked_at_.end()) {
      seen = std::max(seen, std::optional(own->second));
    }
    if (seen && now - *seen <= usable()) {
      known = ranked.order;
      stale = due(part, now);
    }
  }
  if (stale) renew_in_background(*stale);
  if (known) co_return std::move(*known);
  co_await look_up(partition.key, deadline);
  const std::lock_guard lock(mutex_);
  co_return ranking(partition).order;
}

core::Task<void> Directory::renew(Partition partition, core::Deadline deadline) {
  {
    const std::lock_guard lock(mutex_);  // who answers now lives, whatever failed a moment ago
    for (auto& [id, member] : members_) set_heard(member);
  }
  co_await look_up(partition.key, deadline);
}

core::Duration Directory::usable() const {
  return std::max(options_.usable, 2 * pace() * static_cast<core::Duration::rep>(regions_.size()));
}

core::Duration Directory::pace() const {
  const auto regions = std::max<core::Duration::rep>(1, static_cast<core::Duration::rep>(regions_.size()));
  return std::min(options_.fresh, options_.grace / (2 * regions));
}

core::Task<void> Directory::look_up(kademlia::Key key, core::Deadline deadline) {
  const auto patience = std::min(deadline, clock_.now() + kLookupPatience);
  const auto found = co_await routing_.nearest(key, options_.candidates, patience);
  if (!found) co_return;
  const std::lock_guard lock(mutex_);
  const auto now = clock_.now();
  note_live(*found, now);
  note_missing(key, *found, now);
  note_seen(key, *found, now);
  std::erase_if(members_, [this](const auto& entry) { return !in_grace(entry.second); });
}

Directory::Member& Directory::heard(const kademlia::Contact& contact, core::Instant now) {
  auto& member = members_[contact.id];
  if (member.contact != contact) rankings_.clear();
  member.contact = contact;
  member.heard = now;
  return member;
}

void Directory::set_silent(Member& member) {
  if (member.failing_since) return;
  member.failing_since = clock_.now();
  rankings_.clear();
}

void Directory::set_heard(Member& member) {
  if (!member.failing_since) return;
  member.failing_since.reset();
  rankings_.clear();
}

void Directory::Member::note_round_trip(core::Duration took) {
  round_trip = round_trip ? (*round_trip * 7 + took) / 8 : took;
}

void Directory::note_live(const std::vector<Found>& found, core::Instant now) {
  for (const auto& [contact, round_trip] : found) {
    auto& member = heard(contact, now);
    if (round_trip) member.note_round_trip(*round_trip);
    // A node that answers datagrams may still refuse calls: those decide for a while.
    if (member.failing_since && now - *member.failing_since > options_.fresh) set_heard(member);
  }
}

/// Who should have been found and was not is silent.
void Directory::note_missing(const kademlia::Key& key, const std::vector<Found>& found, core::Instant now) {
  const auto radius = found.size() < options_.candidates ? kademlia::Distance::max()
                                                         : kademlia::distance(found.back().contact.id, key);
  for (auto& [id, member] : members_) {
    if (member.heard != now && kademlia::distance(id, key) < radius) set_silent(member);
  }
}

void Directory::note_seen(const kademlia::Key& key, const std::vector<Found>& found, core::Instant now) {
  const int bits = found.size() < options_.candidates
                       ? 0
                       : kademlia::distance(found.back().contact.id, key).leading_zeros() + 1;
  regions_.seen(Region::around(key, std::min(bits, kademlia::kIdBits)), now);
  if (looked_at_.size() >= kLookedAtMax) looked_at_.clear();
  looked_at_[key] = now;
}

/// What was never seen comes at once; for the rest there is one look in each period, at what was seen longest
/// ago of all that is used.
std::optional<kademlia::Key> Directory::due(const KnownRegions::Part& stalest, core::Instant now) {
  if (renewing_) return std::nullopt;
  auto next = stalest;
  if (stalest.seen) {
    if (now - *stalest.seen <= pace() || now - last_look_ <= pace()) return std::nullopt;
    next = regions_.stalest_used(now - usable()).value_or(stalest);
  }
  renewing_ = true;
  last_look_ = now;
  return next.region.prefix;
}

void Directory::renew_in_background(const kademlia::Key& key) {
  auto renewal = [self = shared_from_this(), key]() -> core::Task<void> {
    co_await self->look_up(key, core::Deadline::max());
    const std::lock_guard lock(self->mutex_);
    self->renewing_ = false;
  };
  asio::co_spawn(executor_, std::move(renewal), asio::detached);
}

bool Directory::in_grace(const Member& member) const {
  return clock_.now() - member.heard <= options_.grace && options_.is_member(member.contact.id);
}

const Directory::Ranking& Directory::ranking(const Partition& partition) {
  const auto known = rankings_.find(partition.key);
  if (known != rankings_.end() && is_valid(known->second)) return known->second;
  if (rankings_.size() >= kRankingsMax) rankings_.clear();
  return rankings_.insert_or_assign(partition.key, rank(partition)).first->second;
}

bool Directory::is_valid(const Ranking& ranking) const {
  return clock_.now() <= ranking.valid_until &&
         std::ranges::all_of(ranking.order, [this](const auto& candidate) {
           return candidate.self || options_.is_member(candidate.contact.id);
         });
}

Directory::Ranking Directory::rank(const Partition& partition) const {
  Ranking result{.order = {}, .region = {}, .valid_until = core::Instant::max()};
  std::vector<kademlia::Contact> known;
  known.reserve(members_.size() + 1);
  for (const auto& [id, member] : members_) {
    const bool counts = in_grace(member);
    if (counts) known.push_back(member.contact);
    // Who is not a member yet may be one the next moment.
    result.valid_until = std::min(result.valid_until, counts ? member.heard + options_.grace : clock_.now());
  }
  known.push_back(options_.self);
  for (const auto& contact : placement::order(partition, known, options_.candidates)) {
    Candidate candidate{.contact = contact, .self = contact.id == options_.self.id};
    if (candidate.self) {
      candidate.leaving = leaving_;
    } else {
      const auto& member = members_.at(contact.id);
      candidate.silent = member.failing_since.has_value();
      candidate.leaving = member.leaving;
    }
    result.order.push_back(candidate);
  }
  std::ranges::stable_partition(result.order, [](const Candidate& candidate) { return !candidate.leaving; });
  result.region = region_of(partition, result.order, options_.candidates);
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

void Directory::answered(const kademlia::Contact& contact) {
  const std::lock_guard lock(mutex_);
  set_heard(heard(contact, clock_.now()));
}

void Directory::failed(const core::NodeId& id) {
  const std::lock_guard lock(mutex_);
  const auto found = members_.find(id);
  if (found != members_.end()) set_silent(found->second);
}

void Directory::note_leaving(const core::NodeId& id, bool leaving) {
  const std::lock_guard lock(mutex_);
  const auto found = members_.find(id);
  if (found == members_.end() || found->second.leaving == leaving) return;
  found->second.leaving = leaving;
  rankings_.clear();
}

void Directory::set_leaving(bool leaving) {
  const std::lock_guard lock(mutex_);
  leaving_ = leaving;
  rankings_.clear();
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
