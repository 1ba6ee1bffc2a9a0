// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "services/documents/document_store.hpp"

namespace kadenza::services::catalogue {
class Database;
}

namespace kadenza::services::documents {

/// Documents in the node's library.db. `database` must outlive it.
class LocalDocuments final : public DocumentStore {
 public:
  LocalDocuments(catalogue::Database& database, boost::asio::any_io_executor blocking)
      : database_(database), blocking_(std::move(blocking)) {}

  core::Task<core::Result<State>> find(core::DocumentId id) override;
  core::Task<core::Result<void>> update(core::DocumentId id, Change change) override;
  core::Task<core::Result<std::vector<Stored>>> page(std::optional<core::DocumentId> after,
                                                     std::size_t limit) override;
  core::Task<core::Result<void>> discard_all() override;
  core::Task<core::Result<std::optional<Presence>>> presence() override;
  core::Task<core::Result<void>> note_presence(core::WallTime now) override;

 private:
  catalogue::Database& database_;
  boost::asio::any_io_executor blocking_;
};

}  // namespace kadenza::services::documents
