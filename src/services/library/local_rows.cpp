// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/library/local_rows.hpp"

#include <utility>

#include <fmt/format.h>

#include "core/blocking.hpp"

namespace kadenza::services::library {

using core::Result;

core::Task<Result<RowStore::Merged>> LocalRows::merge(std::vector<core::Song> rows) {
  if (rows.size() > kMergedMax) {
    co_return core::fail(core::Errc::kTooLarge,
                         fmt::format("at most {} rows can be merged at once", kMergedMax));
  }
  auto work = [this, rows = std::move(rows)] { return catalogue_.merge(rows); };
  auto merged = co_await core::run_on(blocking_, std::move(work));
  if (merged && merged->changed()) changed();
  co_return merged;
}

core::Task<Result<std::vector<catalogue::RowsDigest>>> LocalRows::digests() {
  auto work = [this] { return reader_.digests(); };
  co_return co_await core::run_on(blocking_, std::move(work));
}

core::Task<Result<std::vector<catalogue::RowVersion>>> LocalRows::versions(std::uint32_t shard,
                                                                           core::SongId after,
                                                                           std::size_t limit) {
  auto work = [this, shard, after, limit] { return reader_.versions(shard, after, limit); };
  co_return co_await core::run_on(blocking_, std::move(work));
}

core::Task<Result<std::vector<core::Song>>> LocalRows::rows(std::vector<core::SongId> ids) {
  auto work = [this, ids = std::move(ids)] { return reader_.find(ids); };
  co_return co_await core::run_on(blocking_, std::move(work));
}

core::Task<Result<RowStore::Changes>> LocalRows::changes(std::uint64_t after,
                                                         std::vector<std::uint32_t> shards,
                                                         std::size_t limit) {
  auto work = [this, after, shards = std::move(shards), limit] {
    return reader_.changes(after, shards, limit);
  };
  co_return co_await core::run_on(blocking_, std::move(work));
}

core::Task<Result<RowStore::Head>> LocalRows::head() {
  auto work = [this]() -> Result<Head> {
    KADENZA_TRY(const auto sequence, catalogue_.last_change());
    return Head{catalogue_.database().identity(), sequence};
  };
  co_return co_await core::run_on(blocking_, std::move(work));
}

void LocalRows::on_change(std::function<void()> listener) {
  const std::lock_guard lock(mutex_);
  listener_ = std::move(listener);
}

void LocalRows::changed() {
  index_->notify();
  const std::lock_guard lock(mutex_);
  if (listener_) listener_();
}

}  // namespace kadenza::services::library
