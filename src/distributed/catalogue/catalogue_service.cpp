// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/catalogue/catalogue_service.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "catalogue.pb.h"
#include "distributed/catalogue/limits.hpp"
#include "distributed/catalogue/row_messages.hpp"
#include "distributed/messages/song_message.hpp"

namespace kadenza::distributed::catalogue {

using core::Errc;
using core::Result;

namespace {

/// What is left of a caller's time for the way back.
constexpr auto kWayBack = std::chrono::milliseconds(500);

std::string text_of(const std::array<std::uint8_t, 16>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Counts a caller's waiting calls.
class Place {
 public:
  Place(std::map<core::NodeId, std::size_t>& waiting, const core::NodeId& caller)
      : waiting_(waiting), caller_(caller) {
    ++waiting_[caller_];
  }
  Place(const Place&) = delete;
  ~Place() {
    if (--waiting_[caller_] == 0) waiting_.erase(caller_);
  }

 private:
  std::map<core::NodeId, std::size_t>& waiting_;
  const core::NodeId caller_;
};

}  // namespace

core::Task<Result<v1::PutRowsReply>> CatalogueService::put_rows(v1::PutRowsRequest request) {
  KADENZA_CO_TRY(const auto winners, co_await parts_.intake.take(request.rows()));
  v1::PutRowsReply reply;
  fill(*reply.mutable_winners(), winners);
  co_return reply;
}

core::Task<Result<v1::ChangesReply>> CatalogueService::changes(peers::Caller caller,
                                                               v1::ChangesRequest request) {
  KADENZA_CO_TRY(const auto shards, unpack_shards(request.shards()));
  if (const auto there = waiting_.find(caller.id);
      there != waiting_.end() && there->second >= kWaitingPerPeer)
    co_return core::fail(Errc::kTooManyRequests, "too many calls of this node wait for changes");
  const Place place(waiting_, caller.id);

  KADENZA_CO_TRY(auto head, co_await parts_.rows.head());
  v1::ChangesReply reply;
  reply.set_database(text_of(head.database));
  reply.set_last(head.sequence);
  if (request.database() != reply.database()) co_return reply;

  const core::Duration wait = std::chrono::milliseconds(request.wait_ms());
  auto until = parts_.clock.now() + std::min(wait, kWaitMax);
  if (caller.deadline != core::Deadline::max()) until = std::min(until, caller.deadline - kWayBack);
  auto after = request.after();
  while (true) {
    const auto seen = parts_.changed.count();
    auto wanted = shards_in(shards);
    KADENZA_CO_TRY(const auto found, co_await parts_.rows.changes(after, std::move(wanted), kRowsPerMessage));
    after = found.last;
    const bool in_time = parts_.clock.now() < until;
    if (!found.songs.empty() || !in_time) {
      reply.set_last(found.last);
      fill(*reply.mutable_rows(), found.songs);
      co_return reply;
    }
    KADENZA_CO_TRY(head, co_await parts_.rows.head());
    if (after < head.sequence) continue;
    co_await parts_.changed.wait(seen, until);
    if (parts_.changed.count() != seen)
      co_await parts_.timers.sleep_until(std::min(until, parts_.clock.now() + parts_.gather));
  }
}

core::Task<Result<v1::DigestsReply>> CatalogueService::digests(v1::DigestsRequest request) {
  KADENZA_CO_TRY(const auto shards, unpack_shards(request.shards()));
  // First the number, so that whatever is missing from the digests comes after it.
  KADENZA_CO_TRY(const auto head, co_await parts_.rows.head());
  KADENZA_CO_TRY(const auto digests, co_await parts_.rows.digests());
  v1::DigestsReply reply;
  reply.set_database(text_of(head.database));
  reply.set_last(head.sequence);
  for (const auto shard : shards_in(shards)) {
    auto& digest = *reply.add_digests();
    digest.set_shard(shard);
    digest.set_count(digests.at(shard).count);
    digest.set_sum(text_of(digests.at(shard).sum));
  }
  co_return reply;
}

core::Task<Result<v1::VersionsReply>> CatalogueService::versions(v1::VersionsRequest request) {
  if (request.shard() >= kShards) co_return core::fail(Errc::kInvalidArgument, "there is no such shard");
  core::SongId after;
  if (!request.after().empty()) {
    KADENZA_CO_TRY(after, messages::id_from<core::SongId>(request.after()));
  }
  KADENZA_CO_TRY(const auto rows, co_await parts_.rows.versions(request.shard(), after, kVersionsPerPage));
  v1::VersionsReply reply;
  reply.set_rows(pack(rows));
  reply.set_more(rows.size() == kVersionsPerPage);
  co_return reply;
}

core::Task<Result<v1::RowsReply>> CatalogueService::find_rows(v1::RowsRequest request) {
  KADENZA_CO_TRY(auto ids, unpack_ids(request.ids()));
  KADENZA_CO_TRY(const auto rows, co_await parts_.rows.rows(std::move(ids)));
  v1::RowsReply reply;
  fill(*reply.mutable_rows(), rows);
  co_return reply;
}

}  // namespace kadenza::distributed::catalogue
