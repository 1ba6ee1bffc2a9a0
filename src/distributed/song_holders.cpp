// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/song_holders.hpp"

#include "distributed/placement/partition.hpp"

namespace kadenza::distributed {

core::Task<core::Result<std::vector<core::SongHolder>>> song_holders(
    core::SongId id, services::library::SongStore& own, streaming::Replicas& replicas,
    placement::Directory& directory, cluster::Settings settings, core::Deadline deadline) {
  std::vector<core::SongHolder> holders;
  std::size_t asked = 0;
  const auto partition = placement::partition_of(id, settings.partition_bits);
  for (const auto& candidate : co_await directory.order(partition, deadline)) {
    if (candidate.silent) continue;
    if (asked++ == 2 * settings.replicas) break;
    if (candidate.self) {
      const auto record = co_await own.record(id);
      if (record) holders.push_back({candidate.contact.id, true});
    } else {
      const auto byte = co_await replicas.read(candidate.contact, id, {0, 1}, false, deadline);
      if (byte) holders.push_back({candidate.contact.id, false});
    }
  }
  if (holders.empty()) co_return core::fail(core::Errc::kNotFound, "no node that answers has this song");
  co_return holders;
}

}  // namespace kadenza::distributed
