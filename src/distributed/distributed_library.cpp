// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/distributed_library.hpp"

#include "distributed/replication/replicated_upload.hpp"
#include "distributed/replication/replicator.hpp"
#include "distributed/streaming/failover_stream.hpp"
#include "distributed/streaming/remote_songs.hpp"
#include "services/library/local_library.hpp"
#include "services/library/song_store.hpp"

namespace kadenza::distributed {

using core::Errc;
using core::Result;
using core::Task;

Task<Result<std::unique_ptr<core::Upload>>> DistributedLibrary::start_upload(
    std::optional<std::uint64_t> expected_size, core::Deadline deadline) {
  using Purpose = services::library::SongStore::Purpose;
  KADENZA_CO_TRY_VOID(co_await replicator_->check_quorum(deadline));
  auto incoming = co_await local_.songs().receive(expected_size, Purpose::kUpload, deadline);
  if (!incoming) co_return std::unexpected(std::move(incoming).error());
  co_return std::make_unique<replication::ReplicatedUpload>(replicator_, std::move(*incoming));
}

Task<Result<core::Song>> DistributedLibrary::song(core::SongId id, core::Deadline deadline) {
  auto row = co_await local_.song(id, deadline);
  if (row || row.error().code != Errc::kNotFound) co_return row;
  const auto record = co_await remote_->record(id, deadline);
  if (!record) co_return std::unexpected(record.error());
  co_return (*record)->song;
}

Task<Result<std::unique_ptr<core::AudioStream>>> DistributedLibrary::open(core::SongId id,
                                                                          core::ByteRange range,
                                                                          core::Deadline deadline) {
  auto local = co_await local_.open(id, range, deadline);
  if (local) {
    co_return std::make_unique<streaming::FailoverStream>(std::move(*local), remote_, id, range);
  }
  const bool elsewhere =
      local.error().code != Errc::kInvalidArgument && local.error().code != Errc::kDeadlineExceeded;
  if (!elsewhere) co_return std::unexpected(std::move(local).error());
  auto remote = co_await remote_->open(id, range, deadline);
  if (remote || remote.error().code != Errc::kNotFound) co_return remote;
  const auto known = co_await local_.song(id, deadline);
  if (!known) co_return remote;
  // Its holders may have come back a moment ago, as after a partition.
  co_await remote_->look_around(id, deadline);
  remote = co_await remote_->open(id, range, deadline);
  if (!remote && remote.error().code == Errc::kNotFound) {
    co_return core::fail(Errc::kUnavailable, "no node that has this song can be reached now; try again soon");
  }
  co_return remote;
}

Task<Result<core::Image>> DistributedLibrary::cover(core::SongId id, std::uint32_t pixels,
                                                    core::Deadline deadline) {
  auto local = co_await local_.cover(id, pixels, deadline);
  if (local) co_return local;
  const auto known = co_await song(id, deadline);
  if (!known) co_return std::unexpected(known.error());
  if (!known->cover) co_return core::fail(Errc::kNotFound, "this song has no cover");
  auto original = [remote = remote_, id, deadline] { return remote->cover(id, deadline); };
  co_return co_await local_.scaled_cover(*known->cover, pixels, deadline, std::move(original));
}

Task<Result<core::DerivedFacts>> DistributedLibrary::derived_facts(core::SongId id, core::Deadline deadline) {
  auto local = co_await local_.derived_facts(id, deadline);
  if (local || local.error().code != Errc::kNotFound) co_return local;
  co_return co_await remote_->facts(id, deadline);
}

Task<Result<core::SearchResults>> DistributedLibrary::search(core::SearchRequest request,
                                                             core::Deadline deadline) {
  return local_.search(std::move(request), deadline);
}
Task<Result<core::Page<core::Song>>> DistributedLibrary::songs(core::SongListRequest request,
                                                               core::Deadline deadline) {
  return local_.songs(std::move(request), deadline);
}
Task<Result<core::Page<core::Album>>> DistributedLibrary::albums(core::AlbumListRequest request,
                                                                 core::Deadline deadline) {
  return local_.albums(std::move(request), deadline);
}
Task<Result<core::AlbumDetail>> DistributedLibrary::album(core::AlbumId id, core::Deadline deadline) {
  return local_.album(id, deadline);
}
Task<Result<core::Page<core::Artist>>> DistributedLibrary::artists(core::PageRequest page,
                                                                   core::Deadline deadline) {
  return local_.artists(std::move(page), deadline);
}
Task<Result<core::ArtistDetail>> DistributedLibrary::artist(core::ArtistId id, core::Deadline deadline) {
  return local_.artist(id, deadline);
}
Task<Result<core::Page<core::Genre>>> DistributedLibrary::genres(core::PageRequest page,
                                                                 core::Deadline deadline) {
  return local_.genres(std::move(page), deadline);
}
Task<Result<core::LibraryTotals>> DistributedLibrary::totals(core::Deadline deadline) {
  return local_.totals(deadline);
}

}  // namespace kadenza::distributed
