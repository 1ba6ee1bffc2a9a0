// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"

namespace kadenza::services::catalogue {

/// One connection to library.db with its prepared statements. One owner at a time; SQLite's errors leave it
/// as SQLite::Exception and are turned into core::Error by Database.
class Connection {
 public:
  enum class Mode { kReadWrite, kReadOnly };
  Connection(const std::filesystem::path& file, Mode mode, std::uint32_t cache_kib);

  /// The statement for `sql`, prepared at its first use and kept: only for texts of this program.
  SQLite::Statement& prepared(std::string_view sql);
  SQLite::Database& raw() noexcept { return database_; }
  bool in_transaction() const noexcept;

 private:
  struct TextHash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  SQLite::Database database_;
  std::unordered_map<std::string, std::unique_ptr<SQLite::Statement>, TextHash, std::equal_to<>> statements_;
};

/// One run of a prepared statement, given free when it goes. Parameters are counted from ?1, columns from 0.
/// Bound texts and blobs are not copied: they must outlive the run.
class Query {
 public:
  template <class... Values>
  Query(Connection& connection, std::string_view sql, const Values&... values)
      : statement_(connection.prepared(sql)) {
    int index = 0;
    (bind(++index, values), ...);
  }
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  bool step() { return statement_.executeStep(); }
  void run() {
    while (step()) {
    }
  }

  std::int64_t integer(int column) const { return statement_.getColumn(column).getInt64(); }
  bool is_null(int column) const { return statement_.getColumn(column).isNull(); }
  /// Valid until the next step.
  std::span<const std::uint8_t> blob(int column) const;
  std::string text(int column) const { return statement_.getColumn(column).getString(); }

  /// A column that this program wrote as an id.
  template <class Id>
  Id id(int column) const {
    return read_id<Id>(blob(column));
  }

 private:
  template <class Id>
  static Id read_id(std::span<const std::uint8_t> raw) {
    const auto id = Id::from_bytes(raw);
    if (!id) throw_corrupt("an id does not have 32 bytes");
    return *id;
  }
  [[noreturn]] static void throw_corrupt(const char* what);

  void bind(int index, std::int64_t value) { statement_.bind(index, value); }
  void bind(int index, std::uint64_t value) { statement_.bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, std::int32_t value) { statement_.bind(index, value); }
  void bind(int index, std::uint32_t value) { statement_.bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, const std::string& value) { statement_.bindNoCopy(index, value); }
  void bind(int index, std::span<const std::uint8_t> value);
  void bind(int index, std::nullptr_t) { statement_.bind(index); }
  template <class Tag>
  void bind(int index, const core::Id<Tag>& id) {
    bind(index, std::span<const std::uint8_t>(id.bytes));
  }
  template <class T>
  void bind(int index, const std::optional<T>& value) {
    if (value) {
      bind(index, *value);
    } else {
      bind(index, nullptr);
    }
  }

  SQLite::Statement& statement_;
};

/// As times are stored.
inline std::int64_t milliseconds(core::WallTime time) {
  return time.time_since_epoch().count();
}

/// What an SQLite error means to callers.
core::Error to_error(const SQLite::Exception& exception);

}  // namespace kadenza::services::catalogue
