// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/routing_table.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "core/planted_bugs.hpp"

namespace kadenza::distributed::kademlia {
namespace {

/// Dead contacts without a replacement are kept this long: after an outage they may be all that we know.
constexpr std::uint8_t kFailuresMax = 20;

}  // namespace

RoutingTable::RoutingTable(const NodeId& self, const Config& config)
    : self_(self), config_(config), buckets_(1) {}

std::size_t RoutingTable::index_for(const NodeId& id) const noexcept {
  const auto shared = static_cast<std::size_t>(distance(self_, id).leading_zeros());
  return std::min(shared, buckets_.size() - 1);
}

bool RoutingTable::acceptable(const Contact& contact) const noexcept {
  return contact.id != self_ && contact.routable();
}

const Entry* RoutingTable::find(const NodeId& id) const {
  return buckets_[index_for(id)].find_live(id);
}

RoutingTable::Admission RoutingTable::on_reply(const Contact& contact, std::optional<Duration> rtt,
                                               Instant now) {
  if (contact.id == self_) return Admission::kRefused;
  Bucket* bucket = &buckets_[index_for(contact.id)];
  if (Entry* known = bucket->find_live(contact.id)) {
    if (contact.capacity_class == 0) {  // it became a listener
      bucket->live.erase(bucket->live.begin() + (known - bucket->live.data()));
      --size_;
      return Admission::kRefused;
    }
    if (known->contact.endpoint != contact.endpoint) {
      if (!known->excluded()) return Admission::kRefused;
      known->rtt = {};
    }
    known->contact = contact;
    known->checked = now;
    known->failures = 0;
    if (rtt) known->rtt.add(*rtt);
    return Admission::kUpdated;
  }
  if (!acceptable(contact)) return Admission::kRefused;

  Entry entry{.checked = now, .contact = contact};
  if (const Entry* cached = bucket->find_cached(contact.id)) {
    if (cached->contact.endpoint == contact.endpoint) entry.rtt = cached->rtt;
    bucket->forget_cached(contact.id);
  }
  if (rtt) entry.rtt.add(*rtt);

  while (bucket == &buckets_.back() && bucket->live.size() == config_.bucket_size &&
         buckets_.size() < static_cast<std::size_t>(kIdBits)) {
    split_last();
    bucket = &buckets_[index_for(contact.id)];
  }
  if (bucket->live.size() < config_.bucket_size) {
    make_room(bucket->live, config_.bucket_size);
    bucket->live.push_back(entry);
    ++size_;
    return Admission::kAdded;
  }
  if (Entry* dead = bucket->dead()) {
    *dead = entry;
    return Admission::kReplaced;
  }
  if (Entry* far = bucket->much_farther_than(entry.rtt)) {
    const Entry displaced = *far;
    *far = entry;
    bucket->remember(displaced, config_.cache_size);
    return Admission::kReplaced;
  }
  bucket->remember(entry, config_.cache_size);
  return Admission::kCached;
}

void RoutingTable::on_request(const Contact& contact, Instant now) {
  Bucket& bucket = buckets_[index_for(contact.id)];
  Entry* known = bucket.find_live(contact.id);
  if (!known || known->contact.endpoint != contact.endpoint) return;
  if (contact.capacity_class == 0) {
    bucket.live.erase(bucket.live.begin() + (known - bucket.live.data()));
    --size_;
    return;
  }
  known->contact.capacity_class = contact.capacity_class;
  // Only a reply proves that our datagrams reach it: a failing contact stays one.
  if (known->failures == 0) known->checked = now;
}

bool RoutingTable::on_heard(const Contact& contact, Instant now) {
  if (!acceptable(contact)) return false;
  Bucket& bucket = buckets_[index_for(contact.id)];
  if (const Entry* known = bucket.find_live(contact.id)) {
    return known->excluded() && known->contact.endpoint != contact.endpoint;
  }
  if (core::planted(core::PlantedBug::kHearsayIsLive) && bucket.live.size() < config_.bucket_size) {
    bucket.forget_cached(contact.id);
    bucket.live.push_back(Entry{.checked = now, .contact = contact});
    ++size_;
    return false;
  }
  bucket.remember(Entry{.checked = now, .contact = contact}, config_.cache_size);
  return bucket.live.size() < config_.bucket_size || &bucket == &buckets_.back() || bucket.dead() != nullptr;
}

void RoutingTable::on_failure(const NodeId& id, const Endpoint& endpoint, Instant now, bool may_exclude) {
  Bucket& bucket = buckets_[index_for(id)];
  Entry* known = bucket.find_live(id);
  if (!known) {
    const Entry* cached = bucket.find_cached(id);
    if (cached && cached->contact.endpoint == endpoint) bucket.forget_cached(id);
    return;
  }
  if (known->contact.endpoint != endpoint) return;
  known->checked = now;
  if (known->failures == 0) {
    known->failures = 1;
  } else if (may_exclude && ++known->failures >= kFailuresMax) {
    bucket.live.erase(bucket.live.begin() + (known - bucket.live.data()));
    --size_;
  }
}

void RoutingTable::split_last() {
  const std::size_t depth = buckets_.size() - 1;
  Bucket deeper;
  const auto is_deeper = [&](const Entry& entry) {
    return static_cast<std::size_t>(distance(self_, entry.contact.id).leading_zeros()) > depth;
  };
  Bucket& last = buckets_.back();
  for (auto [from, to] : {std::pair{&last.live, &deeper.live}, std::pair{&last.cache, &deeper.cache}}) {
    const auto middle = std::stable_partition(from->begin(), from->end(), std::not_fn(is_deeper));
    to->insert(to->end(), middle, from->end());
    from->erase(middle, from->end());
  }
  buckets_.push_back(std::move(deeper));
}

void RoutingTable::collect_bucket(const Bucket& bucket, const Query& query, Nearest& out) {
  struct Ranked {
    Distance distance;
    const Entry* entry;
  };
  Ranked ranked[kBucketSizeMax];
  std::size_t count = 0;
  for (const Entry& entry : bucket.live) {
    if (entry.excluded() || entry.contact.id == query.except) continue;
    const Distance found = distance(query.target, entry.contact.id);
    if (found >= query.from) ranked[count++] = {found, &entry};
  }
  std::sort(ranked, ranked + count, [](const Ranked& a, const Ranked& b) { return a.distance < b.distance; });
  for (std::size_t i = 0; i < count && out.size < query.n; ++i) out.entries[out.size++] = ranked[i].entry;
}

void RoutingTable::collect(const Query& query, Nearest& out) const {
  // All of bucket j is nearer to the target than everything deeper exactly if our distance to the target has
  // bit j set; otherwise it is farther. So: the set bits downwards, the last bucket, the clear bits back up.
  const Distance own = distance(self_, query.target);
  const std::size_t last = buckets_.size() - 1;
  for (std::size_t j = 0; j < last && out.size < query.n; ++j) {
    if (own.bit(static_cast<int>(j)) || core::planted(core::PlantedBug::kInexactNearest))
      collect_bucket(buckets_[j], query, out);
  }
  collect_bucket(buckets_[last], query, out);
  for (std::size_t j = last; j-- > 0 && out.size < query.n;) {
    if (!own.bit(static_cast<int>(j)) && !core::planted(core::PlantedBug::kInexactNearest))
      collect_bucket(buckets_[j], query, out);
  }
}

const Entry* RoutingTable::longest_unheard() const {
  const Entry* found = nullptr;
  for (const Bucket& bucket : buckets_) {
    for (const Entry& entry : bucket.live) {
      if (!found || entry.checked < found->checked) found = &entry;
    }
  }
  return found;
}

const Entry* RoutingTable::last_heard(const NodeId& except) const {
  const Entry* found = nullptr;
  for (const Bucket& bucket : buckets_) {
    for (const Entry& entry : bucket.live) {
      if (entry.failures != 0 || entry.contact.id == except) continue;
      if (!found || entry.checked > found->checked) found = &entry;
    }
  }
  return found;
}

std::optional<Contact> RoutingTable::take_candidate() {
  for (std::size_t i = buckets_.size(); i-- > 0;) {
    Bucket& bucket = buckets_[i];
    const bool open = bucket.live.size() < config_.bucket_size || bucket.dead() != nullptr;
    if (!open || bucket.cache.empty()) continue;
    const auto newest =
        std::max_element(bucket.cache.begin(), bucket.cache.end(), [](const Entry& a, const Entry& b) {
          return a.rtt.known() != b.rtt.known() ? b.rtt.known() : a.checked < b.checked;
        });
    const Contact contact = newest->contact;
    bucket.cache.erase(newest);
    return contact;
  }
  return std::nullopt;
}

std::size_t RoutingTable::excluded() const {
  std::size_t count = 0;
  for (const Bucket& bucket : buckets_) {
    count += static_cast<std::size_t>(
        std::count_if(bucket.live.begin(), bucket.live.end(), [](const Entry& e) { return e.excluded(); }));
  }
  return count;
}

void RoutingTable::check_invariants() const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    const Bucket& bucket = buckets_[i];
    KADENZA_CHECK(bucket.live.size() <= config_.bucket_size && bucket.cache.size() <= config_.cache_size);
    for (const Entry& entry : bucket.live) {
      KADENZA_CHECK(acceptable(entry.contact) && index_for(entry.contact.id) == i);
      KADENZA_CHECK(bucket.find_live(entry.contact.id) == &entry);
      KADENZA_CHECK(bucket.find_cached(entry.contact.id) == nullptr);
    }
    for (const Entry& entry : bucket.cache) KADENZA_CHECK(index_for(entry.contact.id) == i);
    count += bucket.live.size();
  }
  KADENZA_CHECK(count == size_);
}

}  // namespace kadenza::distributed::kademlia
