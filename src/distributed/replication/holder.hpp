// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <mutex>
#include <set>
#include <variant>

#include <boost/asio/any_io_executor.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/song.hpp"
#include "core/task.hpp"
#include "core/timers.hpp"
#include "distributed/kademlia/contact.hpp"
#include "distributed/peers/handlers.hpp"
#include "distributed/replication/claims.hpp"
#include "distributed/replication/offers.hpp"
#include "distributed/replication/remote_replicas.hpp"
#include "distributed/replication/served_time.hpp"
#include "services/library/song_store.hpp"

namespace kadenza::v1 {
class ClaimReply;
class ClaimRequest;
class CoverReply;
class CoverRequest;
class FactsReply;
class FactsRequest;
class ReadReply;
class ReadRequest;
class StoreReply;
class StoreRequest;
}  // namespace kadenza::v1

namespace kadenza::distributed::placement {
class Directory;
}
namespace kadenza::distributed::streaming {
class Demand;
class SongCache;
}  // namespace kadenza::distributed::streaming

namespace kadenza::distributed::replication {

/// What a claim came to: the time from which the song is stored, the audio of an upload under way, or the
/// song that is there.
using ClaimOutcome = std::variant<core::WallTime, core::Digest, core::Song>;

/// This node as a holder of songs: it serves the Replicas service (docs/replication.md). Thread-safe;
/// outlives the server that calls it.
class Holder {
 public:
  static constexpr std::size_t kStoresAtOnce = 64;
  static constexpr std::size_t kSourcesMax = 8;
  /// A first-stored time further ahead of this node's clock is refused: it would lose against everything.
  static constexpr auto kClockErrorMax = std::chrono::seconds(60);

  struct Parts {
    services::library::SongStore& store;
    Offers& offers;
    RemoteReplicas& replicas;
    const core::Clock& clock;
    core::Timers& timers;
    boost::asio::any_io_executor blocking;
    streaming::SongCache* cache = nullptr;  ///< what it has can be read, too
    /// Knows where a source is that does not know its own address; none: such sources are not usable.
    const placement::Directory* directory = nullptr;
    streaming::Demand* demand = nullptr;  ///< hears of every read by a listener
  };
  explicit Holder(Parts parts) : parts_(std::move(parts)), claims_(parts_.clock), served_(parts_.clock) {}

  void add_methods(peers::Handlers& handlers);

  /// The first live node of the song's order decides among uploads of it.
  core::Task<core::Result<ClaimOutcome>> claim(core::SongId song, core::Digest audio);

  /// kInvalidArgument when a song's time is to come: somebody's clock is wrong.
  core::Result<void> check_time(core::WallTime first_stored) const;

  /// Copies the song from `sources` and becomes a holder; when it is one, or another call is making it one,
  /// that is all. Yes means durable.
  core::Task<core::Result<services::library::HeldSong>> store(core::SongRecord record,
                                                              std::vector<kademlia::Contact> sources,
                                                              services::library::OnConflict on_conflict,
                                                              core::Deadline deadline);
  /// The same, reading from the sources by other means: repair's, which go slowly.
  core::Task<core::Result<services::library::HeldSong>> store(core::SongRecord record,
                                                              std::vector<kademlia::Contact> sources,
                                                              services::library::OnConflict on_conflict,
                                                              core::Deadline deadline,
                                                              RemoteReplicas& through);

  /// Copies a song that this node holds once more, because the disk lost bytes of it; what is right stays.
  core::Task<core::Result<void>> mend(core::SongRecord record, std::vector<kademlia::Contact> sources,
                                      core::Deadline deadline, RemoteReplicas& through);

  /// For how long other nodes have been reading here what somebody listens to or uploads, all in all.
  core::Duration served() const { return served_.total(); }
  std::size_t stores_under_way() const;

 private:
  class Storing;
  void locate(std::vector<kademlia::Contact>& sources) const;
  core::Task<core::Result<services::library::HeldSong>> copy(const core::SongRecord& record,
                                                             std::vector<kademlia::Contact> sources,
                                                             services::library::OnConflict on_conflict,
                                                             core::Deadline deadline,
                                                             RemoteReplicas& through);
  core::Task<core::Result<v1::ClaimReply>> serve_claim(v1::ClaimRequest request);
  core::Task<core::Result<v1::StoreReply>> serve_store(peers::Caller caller, v1::StoreRequest request);
  core::Task<core::Result<v1::ReadReply>> serve_read(peers::Caller caller, v1::ReadRequest request);
  core::Task<core::Result<v1::CoverReply>> serve_cover(v1::CoverRequest request);
  core::Task<core::Result<v1::FactsReply>> serve_facts(v1::FactsRequest request);
  core::Task<core::Result<std::vector<std::uint8_t>>> read_cached(core::SongId id, core::ByteRange range,
                                                                  const core::SongRecord& record);

  const Parts parts_;
  Claims claims_;
  ServedTime served_;
  mutable std::mutex mutex_;  // guards the one below
  std::set<core::SongId> storing_;
};

}  // namespace kadenza::distributed::replication
