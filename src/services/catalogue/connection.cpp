// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/connection.hpp"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Exception.h>
#include <fmt/format.h>
#include <sqlite3.h>

namespace kadenza::services::catalogue {
namespace {

constexpr int kBusyTimeoutMs = 10'000;  // only another process, such as a backup, can make us wait

int open_flags(Connection::Mode mode) {
  // A connection has one owner at a time, so SQLite's own lock per connection is left out.
  return (mode == Connection::Mode::kReadWrite ? SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE
                                               : SQLite::OPEN_READONLY) |
         SQLite::OPEN_NOMUTEX;
}

}  // namespace

Connection::Connection(const std::filesystem::path& file, Mode mode, std::uint32_t cache_kib)
    : database_(file.string(), open_flags(mode), kBusyTimeoutMs) {
  sqlite3_extended_result_codes(database_.getHandle(), 0);
  database_.exec(fmt::format("PRAGMA cache_size = -{}", cache_kib));
  database_.exec("PRAGMA temp_store = MEMORY");
}

SQLite::Statement& Connection::prepared(std::string_view sql) {
  const auto found = statements_.find(sql);
  if (found != statements_.end()) return *found->second;
  auto statement = std::make_unique<SQLite::Statement>(database_, std::string(sql));
  return *statements_.emplace(std::string(sql), std::move(statement)).first->second;
}

bool Connection::in_transaction() const noexcept {
  return sqlite3_get_autocommit(const_cast<SQLite::Database&>(database_).getHandle()) == 0;
}

Query::~Query() {
  statement_.tryReset();
  try {
    statement_.clearBindings();
  } catch (const SQLite::Exception&) {
    // The next run binds every parameter anew.
  }
}

std::span<const std::uint8_t> Query::blob(int column) const {
  const auto value = statement_.getColumn(column);
  const auto* bytes = static_cast<const std::uint8_t*>(value.getBlob());
  return {bytes, static_cast<std::size_t>(value.getBytes())};
}

void Query::bind(int index, std::span<const std::uint8_t> value) {
  // A null pointer would bind NULL instead of an empty blob.
  static constexpr std::uint8_t kNothing = 0;
  statement_.bindNoCopy(index, value.empty() ? &kNothing : value.data(), static_cast<int>(value.size()));
}

void Query::throw_corrupt(const char* what) {
  throw SQLite::Exception(what, SQLITE_CORRUPT);
}

core::Error to_error(const SQLite::Exception& exception) {
  const auto detail = fmt::format("library.db: {}", exception.what());
  switch (exception.getErrorCode()) {
    case SQLITE_FULL:
      return {core::Errc::kNoSpace, detail + "; free space on the disk that holds the data directory"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {core::Errc::kCorrupted, detail};
    default:
      return {core::Errc::kInternal, detail};
  }
}

}  // namespace kadenza::services::catalogue
