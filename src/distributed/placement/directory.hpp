// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "distributed/kademlia/contact.hpp"
#include "distributed/placement/partition.hpp"
#include "distributed/placement/routing.hpp"

namespace kadenza::distributed::placement {

/// One member in a partition's order.
struct Candidate {
  kademlia::Contact contact;
  bool self = false;
  /// It did not answer lately. It keeps its place for the grace period, but writes pass it by and reads ask
  /// it last.
  bool silent = false;
  /// It empties itself. Nothing more is placed on it; behind all others in the order, it is still read from.
  bool leaving = false;
};

/// A partition's candidates, the most willing first: the first R are its holders, the others stand in.
using Order = std::vector<Candidate>;

/// The live ones in their order, then those that seem silent: all could be mistaken.
Order by_liveness(Order order);
/// Those that something may be placed on: by_liveness(), without those that leave.
Order for_writing(Order order);

/// What this node knows of the other members and who holds what. Lookups bring members in, and so does every
/// call's outcome; the order of a partition is computed from the members that were heard within the grace
/// period. Answers come from memory while they are fresh; older ones are renewed in the background.
///
/// Thread-safe: one lock, never held across a suspension, because every read of a song passes here on its way
/// and a strand would cost two hops.
class Directory : public std::enable_shared_from_this<Directory> {
 public:
  struct Options {
    kademlia::Contact self;
    std::size_t candidates = 40;                       ///< C
    core::Duration grace = std::chrono::minutes(15);   ///< how long a silent member keeps its place
    core::Duration fresh = std::chrono::seconds(5);    ///< an older lookup is renewed in the background
    core::Duration usable = std::chrono::seconds(60);  ///< an older one is waited for
    /// Answers whether a node is a member; asked at every use, so that a removed one is out at once.
    std::function<bool(const core::NodeId&)> is_member = [](const core::NodeId&) { return true; };
  };

  /// `executor` runs background renewals. `clock` and `routing` must outlive it.
  static std::shared_ptr<Directory> create(Options options, boost::asio::any_io_executor executor,
                                           const core::Clock& clock, Routing& routing);

  /// The order of `partition`. Waits for a lookup only when nothing usable is known of its region; with no
  /// answer in time it is what is known. Never empty: this node knows itself, unless it stores nothing.
  core::Task<Order> order(Partition partition, core::Deadline deadline);

  /// Looks around now, however fresh what is known may be.
  core::Task<void> renew(core::Deadline deadline);

  /// Every member heard within the grace period, without this one, in no order.
  std::vector<Candidate> members() const;
  /// Nothing for a node that was never heard of.
  std::optional<kademlia::Contact> contact(const core::NodeId& id) const;
  bool is_member(const core::NodeId& id) const { return options_.is_member(id); }

  /// A call to the member was answered, whatever the answer; `took` when that says how near it is.
  void answered(const kademlia::Contact& member, std::optional<core::Duration> took);
  /// It was not: nobody there, somebody else there, or not in time.
  void failed(const core::NodeId& member);
  /// The member's own word that it leaves, or stays after all. Holds until it is forgotten.
  void note_leaving(const core::NodeId& member, bool leaving);
  /// Whether this node leaves: from then on it is nobody's holder in its own eyes.
  void set_leaving(bool leaving);
  bool is_leaving() const;

  /// Smoothed over the calls answered lately; nothing when there were none.
  std::optional<core::Duration> round_trip(const core::NodeId& member) const;

  const kademlia::Contact& self() const noexcept { return options_.self; }

 private:
  struct Member {
    kademlia::Contact contact;
    core::Instant heard{};
    std::optional<core::Instant> failing_since;
    std::optional<core::Duration> round_trip;
    bool leaving = false;
  };
  struct Region {
    core::Instant looked_up{};
    bool renewing = false;
  };

  Directory(Options options, boost::asio::any_io_executor executor, const core::Clock& clock,
            Routing& routing);

  /// Which lookup serves the partition: one for all in a network that fits into a single answer.
  Partition region_of(const Partition& partition) const;
  core::Task<void> look_up(Partition region, core::Deadline deadline);
  void note_live(const std::vector<kademlia::Contact>& found, core::Instant now);
  void note_missing(const Partition& region, const std::vector<kademlia::Contact>& found, core::Instant now);
  void renew_later(const Partition& region);
  Order order_now(const Partition& partition) const;
  bool in_grace(const Member& member) const;

  const Options options_;
  const boost::asio::any_io_executor executor_;
  const core::Clock& clock_;
  Routing& routing_;

  mutable std::mutex mutex_;  // guards all below
  std::unordered_map<core::NodeId, Member> members_;
  std::unordered_map<core::NodeId, Region> regions_;  ///< by the key of the region's partition
  bool whole_network_known_ = false;
  bool leaving_ = false;
};

}  // namespace kadenza::distributed::placement
