// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/documents/local_documents.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <SQLiteCpp/Database.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "services/catalogue/connection.hpp"
#include "services/catalogue/database.hpp"
#include "support/temporary_folder.hpp"

namespace kadenza::services::documents {
namespace {

using core::Errc;
using core::Result;
using State = DocumentStore::State;

class LocalDocumentsTest : public ::testing::Test {
 protected:
  LocalDocumentsTest() { open(); }

  void open() {
    documents.reset();
    database.reset();
    auto opened = catalogue::Database::open(folder.path());
    ASSERT_TRUE(opened) << opened.error().detail;
    database = std::move(*opened);
    documents.emplace(*database, pool.get_executor());
  }
  template <class T>
  T wait(core::Task<T> task) {
    return boost::asio::co_spawn(pool, std::move(task), boost::asio::use_future).get();
  }
  static core::DocumentId id(std::uint8_t number) {
    core::DocumentId id;
    id.bytes[0] = number;
    return id;
  }
  void put(std::uint8_t number, const std::string& state) {
    ASSERT_TRUE(wait(documents->update(id(number), [&](const State&) -> Result<State> { return state; })));
  }
  State find(std::uint8_t number) {
    const auto found = wait(documents->find(id(number)));
    EXPECT_TRUE(found);
    return found ? *found : std::nullopt;
  }

  kadenza::testing::TemporaryFolder folder;
  boost::asio::thread_pool pool{2};
  std::unique_ptr<catalogue::Database> database;
  std::optional<LocalDocuments> documents;
};

TEST_F(LocalDocumentsTest, WhatWasPutIsThereAfterARestart) {
  EXPECT_EQ(find(1), std::nullopt);
  put(1, std::string("a\0b", 3));
  open();
  EXPECT_EQ(find(1), std::string("a\0b", 3));
}

TEST_F(LocalDocumentsTest, AChangeSeesWhatIsThere) {
  put(1, "a");
  ASSERT_TRUE(
      wait(documents->update(id(1), [](const State& before) -> Result<State> { return *before + "b"; })));
  EXPECT_EQ(find(1), "ab");
  ASSERT_TRUE(wait(documents->update(id(1), [](const State&) -> Result<State> { return State(); })));
  EXPECT_EQ(find(1), std::nullopt);
}

TEST_F(LocalDocumentsTest, AChangeThatFailsLeavesEverythingAsItWas) {
  put(1, "a");
  const auto refused = wait(documents->update(
      id(1), [](const State&) -> Result<State> { return core::fail(Errc::kTooLarge, "too large"); }));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kTooLarge);
  EXPECT_EQ(find(1), "a");
}

TEST_F(LocalDocumentsTest, PagesInTheOrderOfIds) {
  for (const std::uint8_t number : {3, 1, 2}) put(number, std::to_string(number));
  const auto first = wait(documents->page(std::nullopt, 2));
  ASSERT_TRUE(first);
  ASSERT_EQ(first->size(), 2U);
  EXPECT_EQ((*first)[1].state, "2");
  const auto rest = wait(documents->page(first->back().id, 2));
  ASSERT_TRUE(rest);
  ASSERT_EQ(rest->size(), 1U);
  EXPECT_EQ((*rest)[0].id, id(3));
}

TEST_F(LocalDocumentsTest, SpoiltBytesCountAsNone) {
  put(1, "a");
  documents.reset();
  database.reset();
  {
    SQLite::Database raw(folder.path() / "library.db", SQLite::OPEN_READWRITE);
    raw.exec("UPDATE documents SET state = x'62'");
  }
  open();
  EXPECT_EQ(find(1), std::nullopt);
  const auto page = wait(documents->page(std::nullopt, 2));
  ASSERT_TRUE(page);
  ASSERT_EQ(page->size(), 1U);
  EXPECT_EQ((*page)[0].state, std::nullopt);
  put(1, "c");
  EXPECT_EQ(find(1), "c");
}

TEST_F(LocalDocumentsTest, RemembersWhenItFirstAndLastTookPart) {
  const auto none = wait(documents->presence());
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
  const core::WallTime first(std::chrono::milliseconds(1000)), last(std::chrono::milliseconds(5000));
  ASSERT_TRUE(wait(documents->note_presence(first)));
  ASSERT_TRUE(wait(documents->note_presence(last)));
  open();
  const auto presence = wait(documents->presence());
  ASSERT_TRUE(presence && *presence);
  EXPECT_EQ((*presence)->first, first);
  EXPECT_EQ((*presence)->last, last);
}

TEST_F(LocalDocumentsTest, AllCanBeDiscarded) {
  put(1, "a");
  put(2, "b");
  ASSERT_TRUE(wait(documents->discard_all()));
  EXPECT_EQ(find(1), std::nullopt);
  EXPECT_EQ(find(2), std::nullopt);
}

}  // namespace
}  // namespace kadenza::services::documents
