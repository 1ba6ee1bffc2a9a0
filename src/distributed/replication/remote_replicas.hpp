// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "core/error.hpp"
#include "core/task.hpp"
#include "distributed/peers/peers.hpp"
#include "distributed/streaming/replicas.hpp"

namespace kadenza::distributed::replication {

/// Reading from other nodes by the calls of proto/replication.proto.
class RemoteReplicas final : public streaming::Replicas {
 public:
  /// In the background: nobody waits for what is read, and listeners go first.
  explicit RemoteReplicas(peers::Peers& peers, bool background = false)
      : peers_(peers), background_(background) {}

  core::Task<core::Result<streaming::RemotePiece>> read(kademlia::Contact from, core::SongId id,
                                                        core::ByteRange range, bool with_record,
                                                        core::Deadline deadline) override;
  core::Task<core::Result<core::Image>> cover(kademlia::Contact from, core::SongId id,
                                              core::Deadline deadline) override;
  core::Task<core::Result<core::DerivedFacts>> facts(kademlia::Contact from, core::SongId id,
                                                     core::Deadline deadline) override;

  /// The same for certain audio: what the node holds, or what it offers.
  core::Task<core::Result<std::vector<std::uint8_t>>> read_audio(kademlia::Contact from, core::Song song,
                                                                 core::ByteRange range,
                                                                 core::Deadline deadline);
  core::Task<core::Result<core::Image>> cover_of(kademlia::Contact from, core::Song song,
                                                 core::Deadline deadline);

 private:
  peers::Peers& peers_;
  const bool background_;
};

}  // namespace kadenza::distributed::replication
