// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/fetcher.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "distributed/placement/partition.hpp"

namespace kadenza::distributed::repair {

using core::Errc;
using core::Result;
using services::library::OnConflict;

namespace {

constexpr auto kRecordTime = std::chrono::seconds(10);
/// How many times slower than its pace a copy may be: others share it, and it yields to listeners.
constexpr double kSlackness = 32;

}  // namespace

core::Deadline Fetcher::limit_for(std::uint64_t bytes) const {
  const std::chrono::duration<double> takes(kSlackness * static_cast<double>(bytes) /
                                            static_cast<double>(parts_.bytes_per_second));
  return parts_.clock.now() + std::chrono::minutes(1) + std::chrono::duration_cast<core::Duration>(takes);
}

core::Task<Result<std::uint64_t>> Fetcher::fetch(HeldCopy wanted, kademlia::Contact source) {
  const auto id = wanted.version.id;
  const auto by = parts_.clock.now() + kRecordTime;
  const auto found = co_await parts_.records.read(source, id, {0, 1}, true, by);
  if (!found) co_return std::unexpected(found.error());
  const auto& record = *found->record;
  if (held_song(record.song).version != wanted.version) {
    co_return core::fail(Errc::kConflict, "the other node holds something else by now");
  }
  const auto ours = co_await parts_.songs.record(id);
  if (ours && !services::library::wins_over(record.song, (*ours)->song)) co_return std::uint64_t{0};
  std::vector<kademlia::Contact> sources{source};
  const auto stored = co_await parts_.holder.store(record, std::move(sources), OnConflict::kMerge,
                                                   limit_for(record.song.size), parts_.replicas);
  if (!stored) co_return std::unexpected(stored.error());
  co_return stored->added ? record.song.size : 0;
}

core::Task<Result<void>> Fetcher::mend(core::SongId id) {
  const auto record = co_await parts_.songs.record(id);
  if (!record) co_return std::unexpected(record.error());
  const auto partition = placement::partition_of(id, parts_.settings.partition_bits);
  const auto order = co_await parts_.directory.order(partition, parts_.clock.now() + kRecordTime);
  std::vector<kademlia::Contact> sources;
  for (const auto& candidate : order) {
    if (!candidate.self && !candidate.silent) sources.push_back(candidate.contact);
  }
  co_return co_await parts_.holder.mend(**record, std::move(sources), limit_for((*record)->song.size),
                                        parts_.replicas);
}

}  // namespace kadenza::distributed::repair
