// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <type_traits>
#include <vector>

#include "core/error.hpp"

namespace kadenza::services::catalogue {

class Connection;

/// What a write runs in: statements on the one writing connection. Valid only inside Database::write().
class Transaction {
 public:
  explicit Transaction(Connection& connection) : connection_(connection) {}
  Connection& connection() noexcept { return connection_; }

 private:
  Connection& connection_;
};

/// One node's library.db (docs/formats/library-db.md): SQLite in WAL mode with synchronous=FULL, so what
/// write() acknowledged survives the machine's crash. Thread-safe; every call may block on the disk, so
/// call it from a pool for blocking work. Errors: kNoSpace when the disk is full, kCorrupted when the file
/// is not a sound database, kInternal otherwise.
class Database {
 public:
  struct Options {
    std::size_t readers = 4;  ///< most read connections kept open
    std::uint32_t writer_cache_kib = 4096;
    std::uint32_t reader_cache_kib = 2048;  ///< of each read connection
  };
  using Write = std::function<core::Result<void>(Transaction&)>;

  /// Opens or creates `directory`/library.db and brings its schema up to date. A file written by a newer
  /// version is left untouched: kInvalidArgument.
  static core::Result<std::unique_ptr<Database>> open(const std::filesystem::path& directory,
                                                      Options options);
  static core::Result<std::unique_ptr<Database>> open(const std::filesystem::path& directory) {
    return open(directory, Options{});
  }
  ~Database();

  /// Runs `work` in a transaction and returns once it is durable. All of `work` happens, or, when it
  /// returns an error or throws, nothing of it. Calls that wait at the same time share one commit and thus
  /// one fsync (group commit); `work` may run on another caller's thread, one at a time, in order of arrival.
  core::Result<void> write(const Write& work);

  /// Runs `work` (Connection& → Result<T>) on a read connection, in one snapshot, and returns what it does.
  /// Waits when all connections are in use.
  template <class Work>
  auto read(const Work& work) const -> std::invoke_result_t<const Work&, Connection&> {
    std::invoke_result_t<const Work&, Connection&> result;
    const auto done = run_read([&](Connection& connection) { result = work(connection); });
    if (!done) return std::unexpected(done.error());
    return result;
  }

  /// A random identity, made with the file: derived data names it to tell whose it is.
  const std::array<std::uint8_t, 16>& identity() const noexcept { return identity_; }

 private:
  struct Waiting;

  Database(std::filesystem::path file, Options options);
  core::Result<void> prepare();
  core::Result<void> run_read(const std::function<void(Connection&)>& work) const;
  std::vector<core::Result<void>> commit_batch(const std::vector<Waiting*>& batch);
  core::Result<void> run_in_savepoint(const Write& work);
  std::unique_ptr<Connection> take_reader() const;
  void return_reader(std::unique_ptr<Connection> reader) const;

  const std::filesystem::path file_;
  const Options options_;
  std::array<std::uint8_t, 16> identity_{};

  std::unique_ptr<Connection> writer_;  // used by the caller that leads a batch
  std::mutex write_mutex_;              // guards the two below
  std::vector<Waiting*> waiting_;
  bool leading_ = false;
  std::condition_variable batch_done_;

  mutable std::mutex readers_mutex_;  // guards the two below
  mutable std::vector<std::unique_ptr<Connection>> idle_readers_;
  mutable std::size_t open_readers_ = 0;
  mutable std::condition_variable reader_returned_;
};

}  // namespace kadenza::services::catalogue
