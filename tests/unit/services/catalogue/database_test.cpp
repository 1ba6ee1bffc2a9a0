// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/database.hpp"

#include <atomic>
#include <fstream>
#include <thread>

#include <SQLiteCpp/Column.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/catalogue/connection.hpp"
#include "services/catalogue/schema.hpp"
#include "unit/services/catalogue/catalogue_fixture.hpp"

namespace kadenza::services::catalogue {
namespace {

using core::Errc;
using core::Result;
using ::testing::HasSubstr;

class DatabaseTest : public ::testing::Test {
 protected:
  std::unique_ptr<Database> open() { return Database::open(folder.path()).value(); }

  std::int64_t count(const Database& database, const std::string& name) {
    return database
        .read([&](Connection& connection) -> Result<std::int64_t> {
          Query query(connection, "SELECT count(*) FROM meta WHERE key = ?1", name);
          query.step();
          return query.integer(0);
        })
        .value();
  }

  static Result<void> put(Transaction& transaction, const std::string& name) {
    Query(transaction.connection(), "INSERT INTO meta VALUES (?1, 1)", name).run();
    return {};
  }

  kadenza::testing::TemporaryFolder folder;
};

TEST_F(DatabaseTest, KeepsItsIdentity) {
  const auto identity = open()->identity();
  EXPECT_EQ(open()->identity(), identity);
  const kadenza::testing::TemporaryFolder other;
  EXPECT_NE(Database::open(other.path()).value()->identity(), identity);
}

TEST_F(DatabaseTest, RefusesAFileOfANewerVersionAndLeavesItAlone) {
  open();
  {
    SQLite::Database raw((folder.path() / "library.db").string(), SQLite::OPEN_READWRITE);
    raw.exec("PRAGMA user_version = 99");
  }
  const auto refused = Database::open(folder.path());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kInvalidArgument);
  EXPECT_THAT(refused.error().detail, HasSubstr("version 99"));
  SQLite::Database raw((folder.path() / "library.db").string(), SQLite::OPEN_READONLY);
  EXPECT_EQ(raw.execAndGet("PRAGMA user_version").getInt(), 99);
}

TEST_F(DatabaseTest, BringsAnEmptyFileUpToDate) {
  {
    SQLite::Database raw((folder.path() / "library.db").string(),
                         SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  }
  open();
  SQLite::Database raw((folder.path() / "library.db").string(), SQLite::OPEN_READONLY);
  EXPECT_EQ(raw.execAndGet("PRAGMA user_version").getInt(), schema_version());
}

TEST_F(DatabaseTest, SaysSoWhenTheFileIsNoDatabase) {
  std::ofstream(folder.path() / "library.db") << std::string(8192, 'x');
  EXPECT_EQ(Database::open(folder.path()).error().code, Errc::kCorrupted);
}

TEST_F(DatabaseTest, WritesInWalModeWithAnFsyncForEachCommit) {
  const auto database = open();
  const auto modes = database->write([](Transaction& transaction) -> Result<void> {
    auto& raw = transaction.connection().raw();
    EXPECT_EQ(raw.execAndGet("PRAGMA journal_mode").getString(), "wal");
    EXPECT_EQ(raw.execAndGet("PRAGMA synchronous").getInt(), 2);
    return {};
  });
  EXPECT_TRUE(modes);
}

TEST_F(DatabaseTest, AFailedWriteLeavesNothingBehind) {
  const auto database = open();
  const auto failed = database->write([](Transaction& transaction) -> Result<void> {
    EXPECT_TRUE(put(transaction, "half"));
    return core::fail(Errc::kConflict, "no");
  });
  EXPECT_EQ(failed.error(), (core::Error{Errc::kConflict, "no"}));
  const auto thrown = database->write([](Transaction& transaction) -> Result<void> {
    EXPECT_TRUE(put(transaction, "half"));
    throw std::runtime_error("broken");
  });
  EXPECT_EQ(thrown.error().code, Errc::kInternal);
  EXPECT_EQ(count(*database, "half"), 0);
  EXPECT_TRUE(database->write([](Transaction& transaction) { return put(transaction, "whole"); }));
  EXPECT_EQ(count(*database, "whole"), 1);
}

TEST_F(DatabaseTest, AReadSeesOneStateThroughout) {
  const auto database = open();
  const auto seen =
      database->read([&](Connection& connection) -> Result<std::pair<std::int64_t, std::int64_t>> {
        const auto rows = [&] {
          Query query(connection, "SELECT count(*) FROM meta");
          query.step();
          return query.integer(0);
        };
        const auto before = rows();
        EXPECT_TRUE(database->write([](Transaction& transaction) { return put(transaction, "meanwhile"); }));
        return std::pair(before, rows());
      });
  EXPECT_EQ(seen->first, seen->second);
  EXPECT_EQ(count(*database, "meanwhile"), 1);
}

TEST_F(DatabaseTest, WritesThatWaitShareACommitAndFailAlone) {
  const auto database = open();
  std::atomic<int> order{0};
  std::vector<std::thread> writers;
  std::vector<core::Result<void>> results(8);
  for (int i = 0; i < 8; ++i) {
    writers.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round) {
        auto result = database->write([&](Transaction& transaction) -> Result<void> {
          KADENZA_TRY_VOID(put(transaction, fmt::format("{} {}", i, round)));
          if (i == 3) return core::fail(Errc::kConflict, "always");
          ++order;
          return {};
        });
        if (!result) results[static_cast<std::size_t>(i)] = result;
      }
    });
  }
  for (auto& writer : writers) writer.join();
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(results[i].has_value(), i != 3);
  EXPECT_EQ(order, 7 * 20);
  EXPECT_EQ(count(*database, "3 0"), 0);
  EXPECT_EQ(count(*database, "7 19"), 1);
}

TEST_F(DatabaseTest, ReadersAndAWriterRunTogether) {
  const auto database = open();
  Catalogue rows(*database);
  const auto songs = many_songs(200, 1);
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 6; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        const auto page = rows.songs({.page = {.limit = 500}});
        const auto totals = rows.totals();
        ASSERT_TRUE(page && totals);
        EXPECT_LE(page->items.size(), totals->songs);
      }
    });
  }
  for (std::size_t i = 0; i < songs.size(); i += 4) EXPECT_TRUE(rows.merge(std::span(songs).subspan(i, 4)));
  done = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(rows.totals()->songs, songs.size());
}

}  // namespace
}  // namespace kadenza::services::catalogue
