// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/database.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Exception.h>
#include <fmt/format.h>

#include "core/check.hpp"
#include "services/catalogue/connection.hpp"
#include "services/catalogue/schema.hpp"

namespace kadenza::services::catalogue {
namespace {

using core::Errc;
using core::Error;
using core::Result;

// A checkpoint copies the log into the file and fsyncs both; every 16 MiB keeps that rare in a burst of
// uploads.
constexpr const char* kWriterPragmas =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4096; "
    "PRAGMA journal_size_limit = 67108864;";

/// Runs what may throw SQLite's exceptions, or those of the caller's work.
template <class Work>
Result<void> guarded(const Work& work) {
  try {
    return work();
  } catch (const SQLite::Exception& exception) {
    return std::unexpected(to_error(exception));
  } catch (const std::exception& exception) {
    return core::fail(Errc::kInternal, fmt::format("library.db: {}", exception.what()));
  }
}

}  // namespace

struct Database::Waiting {
  const Write* work;
  std::optional<Result<void>> result;
};

Database::Database(std::filesystem::path file, Options options) : file_(std::move(file)), options_(options) {}

Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& directory, Options options) {
  KADENZA_CHECK(options.readers > 0);
  std::unique_ptr<Database> database(new Database(directory / "library.db", options));
  KADENZA_TRY_VOID(guarded([&] { return database->prepare(); }));
  return database;
}

Result<void> Database::prepare() {
  writer_ = std::make_unique<Connection>(file_, Connection::Mode::kReadWrite, options_.writer_cache_kib);
  // Nothing is written to a file of a newer version, not even its journal mode.
  if (const int found = writer_->raw().execAndGet("PRAGMA user_version").getInt(); found <= schema_version())
    writer_->raw().exec(kWriterPragmas);
  KADENZA_TRY_VOID(migrate(*writer_));
  Query query(*writer_, "SELECT value FROM meta WHERE key = 'identity'");
  if (!query.step() || query.blob(0).size() != identity_.size())
    return core::fail(Errc::kCorrupted, "library.db has no identity");
  std::ranges::copy(query.blob(0), identity_.begin());
  return {};
}

Result<void> Database::write(const Write& work) {
  Waiting mine{&work, std::nullopt};
  std::unique_lock lock(write_mutex_);
  waiting_.push_back(&mine);
  batch_done_.wait(lock, [&] { return mine.result || !leading_; });
  if (!mine.result) {
    leading_ = true;
    const auto batch = std::exchange(waiting_, {});
    lock.unlock();
    std::vector<Result<void>> results = commit_batch(batch);
    lock.lock();
    for (std::size_t i = 0; i < batch.size(); ++i) batch[i]->result = std::move(results[i]);
    leading_ = false;
    batch_done_.notify_all();
  }
  return std::move(*mine.result);
}

std::vector<Result<void>> Database::commit_batch(const std::vector<Waiting*>& batch) {
  std::vector<Result<void>> results(batch.size());
  const auto all_or_nothing = guarded([&]() -> Result<void> {
    writer_->raw().exec("BEGIN IMMEDIATE");
    for (std::size_t i = 0; i < batch.size(); ++i) {
      results[i] = run_in_savepoint(*batch[i]->work);
      if (!writer_->in_transaction()) return std::unexpected(results[i].error());
    }
    writer_->raw().exec("COMMIT");
    return {};
  });
  if (all_or_nothing) return results;
  if (writer_->in_transaction()) (void)writer_->raw().tryExec("ROLLBACK");
  for (auto& result : results) {
    if (result) result = all_or_nothing;
  }
  return results;
}

Result<void> Database::run_in_savepoint(const Write& work) {
  writer_->raw().exec("SAVEPOINT one");
  auto result = guarded([&] {
    Transaction transaction(*writer_);
    return work(transaction);
  });
  // A full disk or an I/O error makes SQLite roll back everything by itself.
  if (!result && writer_->in_transaction()) writer_->raw().exec("ROLLBACK TO one");
  if (writer_->in_transaction()) writer_->raw().exec("RELEASE one");
  return result;
}

Result<void> Database::run_read(const std::function<void(Connection&)>& work) const {
  return guarded([&]() -> Result<void> {
    auto reader = take_reader();
    const auto give_back = [&](Connection*) { return_reader(std::move(reader)); };
    const std::unique_ptr<Connection, decltype(give_back)> guard(reader.get(), give_back);
    const auto run = [&](std::string_view sql) {
      return guarded([&]() -> Result<void> {
        Query(*reader, sql).run();
        return {};
      });
    };
    KADENZA_TRY_VOID(run("BEGIN"));
    const auto done = guarded([&]() -> Result<void> {
      work(*reader);
      return {};
    });
    (void)run("COMMIT");
    return done;
  });
}

std::unique_ptr<Connection> Database::take_reader() const {
  std::unique_lock lock(readers_mutex_);
  reader_returned_.wait(lock, [&] { return !idle_readers_.empty() || open_readers_ < options_.readers; });
  if (!idle_readers_.empty()) {
    auto reader = std::move(idle_readers_.back());
    idle_readers_.pop_back();
    return reader;
  }
  ++open_readers_;
  lock.unlock();
  try {
    return std::make_unique<Connection>(file_, Connection::Mode::kReadOnly, options_.reader_cache_kib);
  } catch (...) {
    lock.lock();
    --open_readers_;
    reader_returned_.notify_one();
    throw;
  }
}

void Database::return_reader(std::unique_ptr<Connection> reader) const {
  const std::lock_guard lock(readers_mutex_);
  idle_readers_.push_back(std::move(reader));
  reader_returned_.notify_one();
}

}  // namespace kadenza::services::catalogue
