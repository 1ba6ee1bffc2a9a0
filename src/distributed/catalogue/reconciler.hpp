// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/song.hpp"
#include "core/task.hpp"
#include "distributed/catalogue/row_intake.hpp"
#include "distributed/catalogue/row_messages.hpp"
#include "distributed/kademlia/contact.hpp"
#include "distributed/peers/peers.hpp"
#include "services/library/row_store.hpp"

namespace kadenza::distributed::catalogue {

/// Makes shards equal on two nodes, this one and another (anti-entropy, Demers et al. 1987): compares
/// digests, then the versions of the rows where these differ; fetches what is missing here or differs, and
/// brings what is missing there. On one strand.
class Reconciler {
 public:
  Reconciler(services::library::RowStore& rows, RowIntake& intake, peers::Peers& peers,
             const core::Clock& clock)
      : rows_(rows), intake_(intake), peers_(peers), clock_(clock) {}

  /// Where the other node's changes go on after what was compared.
  struct Place {
    std::string database;
    std::uint64_t last = 0;
  };
  core::Task<core::Result<Place>> reconcile(kademlia::Contact with, ShardSet shards);

  /// Brings rows to the other node; those of its own that win come back and are taken.
  core::Task<core::Result<void>> put(kademlia::Contact to, std::vector<core::Song> rows,
                                     core::Deadline deadline);
  core::Task<core::Result<void>> put(kademlia::Contact to, std::vector<core::Song> rows);

 private:
  struct Differences {
    std::vector<core::SongId> fetch;  ///< missing here, or different
    std::vector<core::SongId> bring;  ///< missing there
  };
  core::Task<core::Result<void>> make_equal(kademlia::Contact with, std::uint32_t shard);
  core::Task<core::Result<Differences>> compare(std::uint32_t shard, core::SongId after, bool to_the_end,
                                                std::vector<RowVersion> theirs);
  core::Task<core::Result<void>> settle(kademlia::Contact with, Differences differences);
  core::Deadline soon() const;

  services::library::RowStore& rows_;
  RowIntake& intake_;
  peers::Peers& peers_;
  const core::Clock& clock_;
};

}  // namespace kadenza::distributed::catalogue
