// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "distributed/cluster/settings.hpp"
#include "distributed/peers/peers.hpp"
#include "distributed/placement/directory.hpp"
#include "distributed/repair/branch.hpp"
#include "distributed/repair/held_copies.hpp"
#include "distributed/repair/promises.hpp"
#include "distributed/repair/repair_book.hpp"
#include "repair.pb.h"
#include "services/library/song_store.hpp"

namespace kadenza::distributed::repair {

/// A song that others shall have.
struct Offer {
  HeldCopy song;
  std::vector<core::NodeId> have;  ///< holders that are thought to have it; not asked without need
  bool no_room_here = false;       ///< this node shall hold it, and another one has to in its place
};

/// This node as one that hands songs over: offers those that it holds without being a holder or having room,
/// or that a holder lacks, to the holders, and lets go of what R of them have promised to keep. A holder
/// without room is passed over: the next one in the order takes its place. One coroutine at a time.
class HandOver {
 public:
  struct Parts {
    placement::Directory& directory;
    peers::Peers& peers;
    services::library::SongStore& songs;
    HeldCopies& held;
    Promises& promises;
    RepairBook& book;
    const core::Clock& clock;
    cluster::Settings settings;
  };
  explicit HandOver(Parts parts) : parts_(std::move(parts)) {}

  /// Offers all of them once, as far as promises are missing. True when it is worth asking again soon.
  core::Task<bool> offer(const std::vector<Offer>& offers);
  /// Drops those of them that R others have promised to keep, unless this node has promised so, too.
  core::Task<void> let_go(const std::vector<Offer>& offers);
  /// Tells every other member that this node leaves.
  core::Task<void> announce_leaving();

  /// How many others have promised to keep it, for a while from now.
  std::size_t promises_for(const core::SongId& id) const;
  bool is_safe(const core::SongId& id) const;
  /// Fewer than R others can take it, as far as was asked: they have no room, or there are too few of them.
  bool is_homeless(const core::SongId& id) const;

 private:
  /// What the others said of one song.
  struct Answers {
    RowVersion version;
    std::map<core::NodeId, core::Instant> promised_until;
    std::map<core::NodeId, core::Instant> no_room_until;
    bool homeless = false;
  };
  struct Recipient {
    kademlia::Contact contact;
    std::vector<core::NodeId> instead_of;
  };
  struct Batch {
    Recipient to;
    std::vector<HeldCopy> songs;
  };
  using Orders = std::map<placement::Partition, placement::Order>;

  /// A promise that ends sooner than this from now is not relied on.
  core::Duration margin() const { return parts_.promises.time() / 60; }
  /// One that ends sooner than this is asked for again.
  core::Duration renewal_time() const { return parts_.promises.time() / 2; }
  core::Duration no_room_time() const { return parts_.promises.time() / 12; }
  void forget_others(const std::vector<Offer>& offers);
  std::vector<core::NodeId> without_room(const Offer& offer) const;
  std::vector<Recipient> recipients(const Offer& offer, const placement::Order& order);
  core::Task<std::vector<Batch>> batches(const std::vector<Offer>& offers);
  core::Task<bool> ask(const Batch& batch);
  bool note(const HeldCopy& song, const core::NodeId& node, v1::Keeping answer, core::Instant promised_until);
  core::Task<void> drop(Offer offer);
  core::Task<placement::Order> order_of(const core::SongId& id);

  const Parts parts_;
  std::map<core::SongId, Answers> answers_;
};

}  // namespace kadenza::distributed::repair
