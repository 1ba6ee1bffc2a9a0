// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>
#include <utility>

#include "core/music_library.hpp"

namespace kadenza::services::library {
class LocalLibrary;
}
namespace kadenza::distributed::replication {
class Replicator;
}
namespace kadenza::distributed::streaming {
class RemoteSongs;
}

namespace kadenza::distributed {

/// The music of the whole network: uploads go to their holders, songs come from this node's disk or from the
/// best replica, and the catalogue, which follows that of all nodes, answers search and lists here.
/// Thread-safe.
class DistributedLibrary final : public core::MusicLibrary {
 public:
  /// `local` outlives the library.
  DistributedLibrary(services::library::LocalLibrary& local,
                     std::shared_ptr<replication::Replicator> replicator,
                     std::shared_ptr<streaming::RemoteSongs> remote)
      : local_(local), replicator_(std::move(replicator)), remote_(std::move(remote)) {}

  core::Task<core::Result<std::unique_ptr<core::Upload>>> start_upload(
      std::optional<std::uint64_t> expected_size, core::Deadline deadline) override;
  core::Task<core::Result<core::Song>> song(core::SongId id, core::Deadline deadline) override;
  core::Task<core::Result<std::unique_ptr<core::AudioStream>>> open(core::SongId id, core::ByteRange range,
                                                                    core::Deadline deadline) override;
  core::Task<core::Result<core::Image>> cover(core::SongId id, std::uint32_t pixels,
                                              core::Deadline deadline) override;
  core::Task<core::Result<core::DerivedFacts>> derived_facts(core::SongId id,
                                                             core::Deadline deadline) override;
  core::Task<core::Result<core::SearchResults>> search(core::SearchRequest request,
                                                       core::Deadline deadline) override;
  core::Task<core::Result<core::Page<core::Song>>> songs(core::SongListRequest request,
                                                         core::Deadline deadline) override;
  core::Task<core::Result<core::Page<core::Album>>> albums(core::AlbumListRequest request,
                                                           core::Deadline deadline) override;
  core::Task<core::Result<core::AlbumDetail>> album(core::AlbumId id, core::Deadline deadline) override;
  core::Task<core::Result<core::Page<core::Artist>>> artists(core::PageRequest page,
                                                             core::Deadline deadline) override;
  core::Task<core::Result<core::ArtistDetail>> artist(core::ArtistId id, core::Deadline deadline) override;
  core::Task<core::Result<core::Page<core::Genre>>> genres(core::PageRequest page,
                                                           core::Deadline deadline) override;
  core::Task<core::Result<core::LibraryTotals>> totals(core::Deadline deadline) override;

 private:
  services::library::LocalLibrary& local_;
  const std::shared_ptr<replication::Replicator> replicator_;
  const std::shared_ptr<streaming::RemoteSongs> remote_;
};

}  // namespace kadenza::distributed
