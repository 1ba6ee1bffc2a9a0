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
#include "distributed/placement/known_regions.hpp"
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
/// period. Answers come from memory while the part of the id space that they depend on is known; what is used
/// is looked at again in the background, one region after the other, so that the cost does not grow with the
/// network.
///
/// Thread-safe: one lock, never held across a suspension, because every read of a song passes here on its way
/// and a strand would cost two hops.
class Directory : public std::enable_shared_from_this<Directory> {
 public:
  struct Options {
    kademlia::Contact self;
    std::size_t candidates = 40;                       ///< C
    core::Duration grace = std::chrono::minutes(15);   ///< how long a silent member keeps its place
    core::Duration fresh = std::chrono::seconds(5);    ///< between two looks in the background
    core::Duration usable = std::chrono::seconds(60);  ///< what was seen longer ago is looked at before it is
                                                       ///< used, if it would have been renewed meanwhile
    /// Answers whether a node is a member; asked at every use, so that a removed one is out at once.
    std::function<bool(const core::NodeId&)> is_member = [](const core::NodeId&) { return true; };
  };

  /// `executor` runs background renewals. `clock` and `routing` must outlive it.
  static std::shared_ptr<Directory> create(Options options, boost::asio::any_io_executor executor,
                                           const core::Clock& clock, Routing& routing);

  /// The order of `partition`. Waits for a lookup only when nothing usable is known of its region; with no
  /// answer in time it is what is known. Never empty: this node knows itself, unless it stores nothing.
  core::Task<Order> order(Partition partition, core::Deadline deadline);

  /// Looks for the partition's members now, however fresh what is known may be.
  core::Task<void> renew(Partition partition, core::Deadline deadline);

  /// Every member heard within the grace period, without this one, in no order.
  std::vector<Candidate> members() const;
  /// Nothing for a node that was never heard of.
  std::optional<kademlia::Contact> contact(const core::NodeId& id) const;
  bool is_member(const core::NodeId& id) const { return options_.is_member(id); }

  /// A call to the member was answered, whatever the answer.
  void answered(const kademlia::Contact& member);
  /// It was not: nobody there, somebody else there, or not in time.
  void failed(const core::NodeId& member);
  /// The member's own word that it leaves, or stays after all. Holds until it is forgotten.
  void note_leaving(const core::NodeId& member, bool leaving);
  /// Whether this node leaves: from then on it is nobody's holder in its own eyes.
  void set_leaving(bool leaving);
  bool is_leaving() const;

  /// Smoothed over the lookups that it answered lately; nothing when none was measured.
  std::optional<core::Duration> round_trip(const core::NodeId& member) const;

  const kademlia::Contact& self() const noexcept { return options_.self; }

 private:
  struct Member {
    void note_round_trip(core::Duration took);

    kademlia::Contact contact;
    core::Instant heard{};
    std::optional<core::Instant> failing_since;
    std::optional<core::Duration> round_trip;
    bool leaving = false;
  };
  Directory(Options options, boost::asio::any_io_executor executor, const core::Clock& clock,
            Routing& routing);

  /// An order, for as long as nothing that it was computed from changes.
  struct Ranking {
    Order order;
    Region region;                ///< whose members matter to it
    core::Instant valid_until{};  ///< when the grace of one of them ends, unless it is heard again
  };

  core::Task<void> look_up(kademlia::Key key, core::Deadline deadline);
  void note_live(const std::vector<Found>& found, core::Instant now);
  void note_missing(const kademlia::Key& key, const std::vector<Found>& found, core::Instant now);
  void note_seen(const kademlia::Key& key, const std::vector<Found>& found, core::Instant now);
  /// Where to look in the background now, if anywhere; renew_in_background() has to follow.
  std::optional<kademlia::Key> due(const KnownRegions::Part& stalest, core::Instant now);
  /// Without the lock: the coroutine begins at once.
  void renew_in_background(const kademlia::Key& key);
  /// Between two looks in the background: in a very large network, so often that all are heard in their
  /// grace.
  core::Duration pace() const;
  /// How old what is known may be: all that is used takes one look for each region.
  core::Duration usable() const;
  /// As of now; valid until the next call.
  const Ranking& ranking(const Partition& partition);
  Ranking rank(const Partition& partition) const;
  bool is_valid(const Ranking& ranking) const;
  bool in_grace(const Member& member) const;
  Member& heard(const kademlia::Contact& contact, core::Instant now);
  void set_silent(Member& member);
  void set_heard(Member& member);

  const Options options_;
  const boost::asio::any_io_executor executor_;
  const core::Clock& clock_;
  Routing& routing_;

  mutable std::mutex mutex_;  // guards all below
  std::unordered_map<core::NodeId, Member> members_;
  /// Cleared by every change of the members: few partitions are asked for so often that computing it each
  /// time would count, as the catalogue's are every second.
  std::unordered_map<kademlia::Key, Ranking> rankings_;
  KnownRegions regions_;
  /// When a key's own C nearest were looked for: enough for its partition before all around it is known.
  std::unordered_map<kademlia::Key, core::Instant> looked_at_;
  bool renewing_ = false;
  core::Instant last_look_{};
  bool leaving_ = false;
};

}  // namespace kadenza::distributed::placement
