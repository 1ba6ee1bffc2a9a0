// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <mutex>

#include <boost/asio/any_io_executor.hpp>

#include "services/catalogue/catalogue.hpp"
#include "services/catalogue/shard_reader.hpp"
#include "services/library/row_store.hpp"
#include "services/search/index_updater.hpp"

namespace kadenza::services::library {

/// A LocalLibrary's rows for the exchange with other nodes. `catalogue` must outlive it.
class LocalRows final : public RowStore {
 public:
  LocalRows(catalogue::Catalogue& catalogue, boost::asio::any_io_executor blocking)
      : catalogue_(catalogue), reader_(catalogue.database()), blocking_(std::move(blocking)) {}

  core::Task<core::Result<Merged>> merge(std::vector<core::Song> rows) override;
  core::Task<core::Result<std::vector<catalogue::RowsDigest>>> digests() override;
  core::Task<core::Result<std::vector<catalogue::RowVersion>>> versions(std::uint32_t shard,
                                                                        core::SongId after,
                                                                        std::size_t limit) override;
  core::Task<core::Result<std::vector<core::Song>>> rows(std::vector<core::SongId> ids) override;
  core::Task<core::Result<Changes>> changes(std::uint64_t after, std::vector<std::uint32_t> shards,
                                            std::size_t limit) override;
  core::Task<core::Result<Head>> head() override;
  void on_change(std::function<void()> listener) override;

  /// Search is told of changes from now on.
  void start(search::IndexUpdater& index) { index_ = &index; }
  /// The catalogue has been written to. Never blocks.
  void changed();

 private:
  catalogue::Catalogue& catalogue_;
  catalogue::ShardReader reader_;
  boost::asio::any_io_executor blocking_;
  search::IndexUpdater* index_ = nullptr;
  std::mutex mutex_;  // guards the listener, also while it runs
  std::function<void()> listener_;
};

}  // namespace kadenza::services::library
