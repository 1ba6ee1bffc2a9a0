// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/documents/copies.hpp"

#include <optional>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "distributed/documents/codec.hpp"
#include "sim/memory_document_store.hpp"

namespace kadenza::distributed::documents {
namespace {

using core::Errc;
using core::Result;
using namespace std::chrono_literals;

struct SetClock final : core::Clock {
  core::Instant now() const noexcept override { return {}; }
  core::WallTime wall_now() const noexcept override { return wall; }
  core::WallTime wall{std::chrono::days(20'000)};
};

/// A disk that can refuse what was already agreed on.
class FullDisk final : public services::documents::DocumentStore {
 public:
  core::Task<Result<State>> find(core::DocumentId id) override { return kept.find(id); }
  core::Task<Result<void>> update(core::DocumentId id, Change change) override {
    if (!full) co_return co_await kept.update(id, std::move(change));
    const auto before = co_await kept.find(id);
    (void)change(*before);
    co_return core::fail(Errc::kNoSpace, "full");
  }
  core::Task<Result<std::vector<Stored>>> page(std::optional<core::DocumentId> after,
                                               std::size_t limit) override {
    return kept.page(after, limit);
  }
  core::Task<Result<void>> discard_all() override { return kept.discard_all(); }
  core::Task<Result<std::optional<Presence>>> presence() override { return kept.presence(); }
  core::Task<Result<void>> note_presence(core::WallTime now) override { return kept.note_presence(now); }

  sim::MemoryDocumentStore kept;
  bool full = false;
};

class CopiesTest : public ::testing::Test {
 protected:
  CopiesTest() { copies.set_current(true); }

  template <class T>
  T run(core::Task<T> task) {
    std::optional<T> result;
    boost::asio::io_context io;
    auto body = [&]() -> core::Task<void> { result.emplace(co_await std::move(task)); };
    boost::asio::co_spawn(io, std::move(body), boost::asio::detached);
    io.run();
    return std::move(*result);
  }
  void forget() {
    run([](Copies& all) -> core::Task<bool> {
      co_await all.forget_removed();
      co_return true;
    }(copies));
  }
  /// As somebody who has written nothing before.
  crdt::Stamp stamp() { return {hybrid.tick(clock.wall).time, ++writers}; }
  Document with(const std::string& member) {
    Document document;
    document.members.add(member, stamp());
    return document;
  }

  SetClock clock;
  FullDisk store;
  Copies copies{{store, clock, 16}};
  crdt::HybridClock hybrid{0};
  crdt::Writer writers = 0;
  const core::DocumentId id = document_id("playlist/summer");
};

TEST_F(CopiesTest, WhatComesIsMergedAndNoted) {
  const auto first = run(copies.merge(id, with("a")));
  ASSERT_TRUE(first);
  const auto second = run(copies.merge(id, with("b")));
  ASSERT_TRUE(second);
  EXPECT_NE(first->version, second->version);
  EXPECT_EQ(copies.held().find(key_of(id))->version, *second);
  const auto state = run(copies.state(id));
  ASSERT_TRUE(state && *state);
  EXPECT_EQ(held_document(id, **state).version, *second);
  EXPECT_TRUE((*run(copies.read(id)))->members.contains("a"));
}

TEST_F(CopiesTest, NothingIsShownBeforeItIsKnownWhetherItIsUpToDate) {
  ASSERT_TRUE(run(copies.merge(id, with("a"))));
  copies.set_current(false);
  EXPECT_EQ(run(copies.state(id)).error().code, Errc::kUnavailable);
  EXPECT_EQ(run(copies.read(id)).error().code, Errc::kUnavailable);
  EXPECT_EQ(run(copies.merge(id, with("b"))).error().code, Errc::kUnavailable);
}

TEST_F(CopiesTest, WhatComesFromTheFutureIsRefused) {
  clock.wall += 61s;
  const auto document = with("a");
  clock.wall -= 61s;
  EXPECT_EQ(run(copies.merge(id, document)).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(copies.held().total().songs.count, 0U);
}

TEST_F(CopiesTest, AChangeThatTheDiskRefusesIsNotHeld) {
  const auto first = run(copies.merge(id, with("a")));
  ASSERT_TRUE(first);
  store.full = true;
  EXPECT_EQ(run(copies.merge(id, with("b"))).error().code, Errc::kNoSpace);
  EXPECT_EQ(copies.held().find(key_of(id))->version, *first);
  EXPECT_EQ(run(copies.drop(id, first->version)).error().code, Errc::kNoSpace);
  EXPECT_EQ(copies.held().find(key_of(id))->version, *first);
}

TEST_F(CopiesTest, OnlyWhatHasNotChangedIsDropped) {
  const auto first = run(copies.merge(id, with("a")));
  const auto second = run(copies.merge(id, with("b")));
  EXPECT_FALSE(*run(copies.drop(id, first->version)));
  EXPECT_EQ(copies.held().total().songs.count, 1U);
  EXPECT_TRUE(*run(copies.drop(id, second->version)));
  EXPECT_EQ(copies.held().total().songs.count, 0U);
}

TEST_F(CopiesTest, ARemovalIsRememberedForNinetyDays) {
  Document removed;
  removed.remove(stamp());
  ASSERT_TRUE(run(copies.merge(id, removed)));
  clock.wall += kRemovalsKept;
  forget();
  EXPECT_EQ(copies.held().total().songs.count, 1U);
  clock.wall += 1s;
  forget();
  EXPECT_EQ(copies.held().total().songs.count, 0U);
  const auto again = run(copies.merge(id, removed));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->version, 0U);
  EXPECT_FALSE(store.kept.states().contains(id));
}

}  // namespace
}  // namespace kadenza::distributed::documents
