// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include <boost/asio/any_io_executor.hpp>

#include "core/background.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/song.hpp"
#include "core/task.hpp"
#include "core/timers.hpp"
#include "distributed/cluster/settings.hpp"
#include "distributed/peers/handlers.hpp"
#include "distributed/peers/peers.hpp"
#include "distributed/placement/directory.hpp"
#include "distributed/streaming/demand.hpp"
#include "services/library/song_store.hpp"

namespace kadenza::v1 {
class CopyReply;
class CopyRequest;
}  // namespace kadenza::v1
namespace kadenza::distributed::streaming {
class RemoteSongs;
class SongCache;
}  // namespace kadenza::distributed::streaming

namespace kadenza::distributed::replication {

/// Further copies of songs that are in demand (docs/replication.md). As a holder: asks the nodes at the ranks
/// R+1… of the song's order to have it in their caches, so that readers, who are told how many ranks have it,
/// spread over them. As one of these: copies the songs, one after the other. They never count as replicas.
class FurtherCopies {
 public:
  /// Songs waiting to be copied here; more are refused, and asked for again.
  static constexpr std::size_t kPendingMax = 64;
  static constexpr auto kRound = std::chrono::seconds(5);

  /// All of it must outlive the object.
  struct Parts {
    placement::Directory& directory;
    peers::Peers& peers;
    services::library::SongStore& songs;
    streaming::Demand& demand;
    streaming::SongCache* cache;  ///< none: this node makes no such copies
    const core::Clock& clock;
    core::Timers& timers;
    boost::asio::any_io_executor strand;
    cluster::Settings settings;
  };
  FurtherCopies(Parts parts, std::shared_ptr<streaming::RemoteSongs> remote)
      : parts_(std::move(parts)), remote_(std::move(remote)), background_(parts_.strand) {}

  void add_methods(peers::Handlers& handlers);
  void start();
  core::Task<void> stop() { return background_.stop(); }

 private:
  core::Task<void> ask_for_copies();
  core::Task<std::size_t> have_copied(core::SongId id, std::size_t copies);
  core::Task<core::Result<v1::CopyReply>> serve(v1::CopyRequest request);
  core::Task<bool> is_here(core::SongId id);
  core::Task<void> copy_here();
  core::Task<void> copy(core::SongId id);

  const Parts parts_;
  const std::shared_ptr<streaming::RemoteSongs> remote_;
  core::Background background_;
  std::mutex mutex_;  // guards the one below
  std::deque<core::SongId> pending_;
};

}  // namespace kadenza::distributed::replication
