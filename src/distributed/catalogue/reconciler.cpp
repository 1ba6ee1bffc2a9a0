// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/catalogue/reconciler.hpp"

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "core/planted_bugs.hpp"
#include "distributed/catalogue/catalogue_methods.hpp"
#include "distributed/catalogue/limits.hpp"
#include "distributed/messages/song_message.hpp"

namespace kadenza::distributed::catalogue {

using core::Errc;
using core::Result;
using services::library::kMergedMax;

namespace {

constexpr auto kCallTime = std::chrono::seconds(10);

std::vector<core::SongId> take_front(std::vector<core::SongId>& ids, std::size_t count) {
  const auto end = ids.begin() + static_cast<std::ptrdiff_t>(std::min(count, ids.size()));
  std::vector<core::SongId> front(ids.begin(), end);
  ids.erase(ids.begin(), end);
  return front;
}

Result<ShardSet> different(const v1::DigestsReply& theirs, const std::vector<RowsDigest>& ours,
                           const ShardSet& asked) {
  ShardSet different;
  for (const auto& digest : theirs.digests()) {
    RowsDigest there{.count = digest.count()};
    if (digest.shard() >= kShards || !asked[digest.shard()] || digest.sum().size() != there.sum.size())
      return core::fail(Errc::kUnavailable, "the other node answered with digests that cannot be");
    std::ranges::copy(digest.sum(), there.sum.begin());
    different[digest.shard()] = there != ours.at(digest.shard());
  }
  return different;
}

}  // namespace

core::Deadline Reconciler::soon() const {
  return clock_.now() + kCallTime;
}

core::Task<Result<Reconciler::Place>> Reconciler::reconcile(kademlia::Contact with, ShardSet shards) {
  v1::DigestsRequest request;
  request.set_shards(pack(shards));
  KADENZA_CO_TRY(const auto theirs, co_await peers::call(peers_, with, std::move(request), soon()));
  KADENZA_CO_TRY(const auto ours, co_await rows_.digests());
  KADENZA_CO_TRY(const auto unequal, different(theirs, ours, shards));
  ++intake_.counters().compared;
  intake_.counters().differences += unequal.count();
  if (core::planted(core::PlantedBug::kRowsNotCompared)) co_return Place{theirs.database(), theirs.last()};
  for (const auto shard : shards_in(unequal)) KADENZA_CO_TRY_VOID(co_await make_equal(with, shard));
  co_return Place{theirs.database(), theirs.last()};
}

core::Task<Result<void>> Reconciler::make_equal(kademlia::Contact with, std::uint32_t shard) {
  core::SongId after;
  bool more = true;
  while (more) {
    v1::VersionsRequest request;
    request.set_shard(shard);
    request.set_after(messages::bytes_of(after));
    KADENZA_CO_TRY(const auto reply, co_await peers::call(peers_, with, std::move(request), soon()));
    KADENZA_CO_TRY(auto theirs, unpack_versions(reply.rows()));
    more = reply.more();
    if (!theirs.empty() && !(after < theirs.front().id))
      co_return core::fail(Errc::kUnavailable, "the other node answered with a page of another place");
    if (more && theirs.empty())
      co_return core::fail(Errc::kUnavailable, "the other node answered with an empty page and more behind");
    const auto from = after;
    if (more) after = theirs.back().id;
    KADENZA_CO_TRY(auto differences, co_await compare(shard, from, !more, std::move(theirs)));
    KADENZA_CO_TRY_VOID(co_await settle(with, std::move(differences)));
  }
  co_return Result<void>();
}

core::Task<Result<Reconciler::Differences>> Reconciler::compare(std::uint32_t shard, core::SongId after,
                                                                bool to_the_end,
                                                                std::vector<RowVersion> theirs) {
  Differences differences;
  std::size_t there = 0;
  const auto fetch_up_to = [&](const core::SongId& id) {
    for (; there < theirs.size() && theirs[there].id < id; ++there)
      differences.fetch.push_back(theirs[there].id);
  };
  for (bool done = false; !done;) {
    KADENZA_CO_TRY(const auto ours, co_await rows_.versions(shard, after, kVersionsPerPage));
    done = ours.size() < kVersionsPerPage;
    if (!ours.empty()) after = ours.back().id;
    for (const auto& row : ours) {
      if (!to_the_end && theirs.back().id < row.id) {
        done = true;
        break;
      }
      fetch_up_to(row.id);
      if (there < theirs.size() && theirs[there].id == row.id) {
        if (theirs[there].version != row.version) differences.fetch.push_back(row.id);
        ++there;
      } else {
        differences.bring.push_back(row.id);
      }
    }
  }
  for (; there < theirs.size(); ++there) differences.fetch.push_back(theirs[there].id);
  co_return differences;
}

core::Task<Result<void>> Reconciler::settle(kademlia::Contact with, Differences differences) {
  std::vector<core::Song> fetched;
  while (!differences.fetch.empty()) {
    v1::RowsRequest request;
    request.set_ids(pack(take_front(differences.fetch, kRowsPerMessage)));
    KADENZA_CO_TRY(const auto reply, co_await peers::call(peers_, with, std::move(request), soon()));
    KADENZA_CO_TRY(auto rows, intake_.checked(reply.rows()));
    std::ranges::move(rows, std::back_inserter(fetched));
    if (!differences.fetch.empty() && fetched.size() + kRowsPerMessage <= kMergedMax) continue;
    auto batch = std::exchange(fetched, {});
    KADENZA_CO_TRY(const auto winners, co_await intake_.merge(std::move(batch)));
    for (const auto& winner : winners) differences.bring.push_back(winner.id);
  }
  while (!differences.bring.empty()) {
    auto ids = take_front(differences.bring, kRowsPerMessage);
    KADENZA_CO_TRY(auto rows, co_await rows_.rows(std::move(ids)));
    KADENZA_CO_TRY_VOID(co_await put(with, std::move(rows)));
  }
  co_return Result<void>();
}

core::Task<Result<void>> Reconciler::put(kademlia::Contact to, std::vector<core::Song> rows) {
  co_return co_await put(to, std::move(rows), soon());
}

core::Task<Result<void>> Reconciler::put(kademlia::Contact to, std::vector<core::Song> rows,
                                         core::Deadline deadline) {
  v1::PutRowsRequest request;
  fill(*request.mutable_rows(), rows);
  KADENZA_CO_TRY(const auto reply, co_await peers::call(peers_, to, std::move(request), deadline));
  KADENZA_CO_TRY_VOID(co_await intake_.take(reply.winners()));
  co_return Result<void>();
}

}  // namespace kadenza::distributed::catalogue
