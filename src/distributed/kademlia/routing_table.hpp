// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "distributed/kademlia/bucket.hpp"
#include "distributed/kademlia/config.hpp"
#include "distributed/kademlia/outbox.hpp"

namespace kadenza::distributed::kademlia {

/// The contacts of one node by how many leading bits they share with it: bucket i holds those that share
/// exactly i, the last one all that share more. Only a reply makes a contact live; what others say about a
/// node waits in its bucket's cache. Owned by KademliaNode. Every update costs O(k).
class RoutingTable {
 public:
  RoutingTable(const NodeId& self, const Config& config);

  /// Proof of life: `contact` answered a request of ours from its endpoint.
  enum class Admission : std::uint8_t {
    kUpdated,  ///< known and alive
    kAdded,
    kReplaced,  ///< took the place of a dead or far one
    kCached,    ///< its bucket is full of good ones
    kRefused,   ///< ourselves, a class 0 node, or an id whose known endpoint still answers
  };
  Admission on_reply(const Contact& contact, std::optional<Duration> rtt, Instant now);

  /// A live contact sent us a request from its endpoint: it is there.
  void on_request(const Contact& contact, Instant now);

  /// Hearsay: somebody named it. True when it would be welcome as a live contact and deserves a probe.
  bool on_heard(const Contact& contact, Instant now);

  /// A request to `id` at `endpoint` had no answer. Without the right endpoint nobody is blamed. A first
  /// failure is only noted; `may_exclude` says that others were heard meanwhile, so a second one counts.
  void on_failure(const NodeId& id, const Endpoint& endpoint, Instant now, bool may_exclude);

  /// The n live contacts nearest to `target` at the distance `from` or farther, nearest first, exactly:
  /// nobody nearer is in the table. Those that failed twice in a row are left out. `except` is left out too
  /// (the asking node).
  template <std::size_t N>
  void nearest(const Key& target, std::size_t n, const NodeId& except, ContactArray<N>& out,
               const Distance& from = {}) const {
    Nearest found;
    collect({target, from, except, n < N ? n : N}, found);
    out.clear();
    for (std::size_t i = 0; i < found.size; ++i) out.push_back(found.entries[i]->contact);
  }

  const Entry* find(const NodeId& id) const;

  /// The live contact that was neither heard nor tried for the longest time. Dead ones count too, so that
  /// they are seen to come back. O(size). nullptr when the table is empty.
  const Entry* longest_unheard() const;
  /// The live contact heard last, other than `except`: the best witness that our own link works.
  const Entry* last_heard(const NodeId& except) const;
  /// Takes a replacement out of a cache whose bucket has room or a dead contact, the nearest buckets first.
  std::optional<Contact> take_candidate();

  std::size_t size() const noexcept { return size_; }  ///< live contacts, dead ones included
  std::size_t excluded() const;
  std::span<const Bucket> buckets() const noexcept { return buckets_; }
  const NodeId& self() const noexcept { return self_; }

  /// Rules that hold between any two calls; for tests.
  void check_invariants() const;

 private:
  struct Nearest {
    const Entry* entries[kLookupNodesMax];
    std::size_t size = 0;
  };
  struct Query {
    const Key& target;
    const Distance& from;
    const NodeId& except;
    std::size_t n;
  };
  void collect(const Query& query, Nearest& out) const;
  static void collect_bucket(const Bucket& bucket, const Query& query, Nearest& out);
  std::size_t index_for(const NodeId& id) const noexcept;
  bool acceptable(const Contact& contact) const noexcept;
  void split_last();

  NodeId self_;
  const Config& config_;
  std::vector<Bucket> buckets_;
  std::size_t size_ = 0;
};

}  // namespace kadenza::distributed::kademlia
