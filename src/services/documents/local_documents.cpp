// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/documents/local_documents.hpp"

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include <spdlog/spdlog.h>

#include "core/blocking.hpp"
#include "core/sha256.hpp"
#include "services/catalogue/connection.hpp"
#include "services/catalogue/database.hpp"

namespace kadenza::services::documents {
namespace {

using catalogue::Connection;
using catalogue::Query;
using core::Result;

std::string text_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// The columns hash and state of the row that `query` is at.
DocumentStore::State state_in(const Query& query, int hash, int state) {
  auto text = text_of(query.blob(state));
  if (std::ranges::equal(core::sha256(text).bytes, query.blob(hash))) return text;
  spdlog::warn("a document in library.db is damaged; it is fetched from another node");
  return std::nullopt;
}

DocumentStore::State find_in(Connection& connection, const core::DocumentId& id) {
  Query query(connection, "SELECT hash, state FROM documents WHERE id = ?1", id);
  return query.step() ? state_in(query, 0, 1) : std::nullopt;
}

Result<void> change_in(Connection& connection, const core::DocumentId& id,
                       const DocumentStore::Change& change) {
  const auto before = find_in(connection, id);
  KADENZA_TRY(const auto after, change(before));
  if (after == before) return {};
  if (after) {
    Query(connection, "INSERT OR REPLACE INTO documents VALUES (?1, ?2, ?3)", id, core::sha256(*after),
          bytes_of(*after))
        .run();
  } else {
    Query(connection, "DELETE FROM documents WHERE id = ?1", id).run();
  }
  return {};
}

}  // namespace

core::Task<Result<DocumentStore::State>> LocalDocuments::find(core::DocumentId id) {
  auto work = [this, id] {
    return database_.read([&](Connection& connection) -> Result<State> { return find_in(connection, id); });
  };
  co_return co_await core::run_on(blocking_, std::move(work));
}

core::Task<Result<void>> LocalDocuments::update(core::DocumentId id, Change change) {
  auto work = [this, id, change = std::move(change)] {
    return database_.write(
        [&](catalogue::Transaction& transaction) { return change_in(transaction.connection(), id, change); });
  };
  co_return co_await core::run_on(blocking_, std::move(work));
}

core::Task<Result<std::vector<DocumentStore::Stored>>> LocalDocuments::page(
    std::optional<core::DocumentId> after, std::size_t limit) {
  auto work = [this, after, limit] {
    return database_.read([&](Connection& connection) -> Result<std::vector<Stored>> {
      std::vector<Stored> page;
      Query query(connection,
                  "SELECT id, hash, state FROM documents WHERE ?1 IS NULL OR id > ?1 ORDER BY id LIMIT ?2",
                  after, std::uint64_t{limit});
      while (query.step()) page.push_back({query.id<core::DocumentId>(0), state_in(query, 1, 2)});
      return page;
    });
  };
  co_return co_await core::run_on(blocking_, std::move(work));
}

core::Task<Result<void>> LocalDocuments::discard_all() {
  auto work = [this] {
    return database_.write([](catalogue::Transaction& transaction) -> Result<void> {
      Query(transaction.connection(), "DELETE FROM documents").run();
      return {};
    });
  };
  co_return co_await core::run_on(blocking_, std::move(work));
}

core::Task<Result<std::optional<DocumentStore::Presence>>> LocalDocuments::presence() {
  auto work = [this] {
    return database_.read([](Connection& connection) -> Result<std::optional<Presence>> {
      Query query(connection,
                  "SELECT first.value, last.value FROM meta AS first, meta AS last "
                  "WHERE first.key = 'first_present_ms' AND last.key = 'last_present_ms'");
      if (!query.step()) return std::nullopt;
      return Presence{core::WallTime(std::chrono::milliseconds(query.integer(0))),
                      core::WallTime(std::chrono::milliseconds(query.integer(1)))};
    });
  };
  co_return co_await core::run_on(blocking_, std::move(work));
}

core::Task<Result<void>> LocalDocuments::note_presence(core::WallTime now) {
  auto work = [this, now] {
    return database_.write([&](catalogue::Transaction& transaction) -> Result<void> {
      auto& connection = transaction.connection();
      const auto time = catalogue::milliseconds(now);
      Query(connection, "INSERT OR IGNORE INTO meta VALUES ('first_present_ms', ?1)", time).run();
      Query(connection, "INSERT OR REPLACE INTO meta VALUES ('last_present_ms', ?1)", time).run();
      return {};
    });
  };
  co_return co_await core::run_on(blocking_, std::move(work));
}

}  // namespace kadenza::services::documents
