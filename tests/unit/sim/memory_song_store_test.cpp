// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/memory_song_store.hpp"

#include <chrono>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include "sim/coroutines.hpp"
#include "sim/engine.hpp"

namespace kadenza::sim {
namespace {

using core::Errc;
using core::Result;
using services::library::ExaminedSong;
using services::library::HeldSong;
using services::library::IncomingSong;
using services::library::OnConflict;
using services::library::SongStore;
using namespace std::chrono_literals;

constexpr core::Deadline kNever = core::Deadline::max();

class MemorySongStoreTest : public ::testing::Test {
 protected:
  template <class T>
  std::shared_ptr<std::optional<T>> begin(core::Task<T> task) {
    auto result = std::make_shared<std::optional<T>>();
    auto run = [](core::Task<T> inner, std::shared_ptr<std::optional<T>> out) -> core::Task<void> {
      *out = co_await std::move(inner);
    };
    boost::asio::co_spawn(coroutines.context(), run(std::move(task), result), boost::asio::detached);
    return result;
  }
  template <class T>
  T wait(core::Task<T> task) {
    const auto result = begin(std::move(task));
    while (!*result && engine.step()) {
    }
    return std::move(**result);
  }
  std::unique_ptr<IncomingSong> receive(const std::vector<std::uint8_t>& bytes) {
    auto incoming = wait(store.receive(bytes.size(), SongStore::Purpose::kUpload, kNever));
    EXPECT_TRUE(incoming && wait((*incoming)->write(bytes, kNever)));
    return std::move(*incoming);
  }
  ExaminedSong examine(IncomingSong& incoming) {
    core::TagOverrides none;
    return wait(incoming.examine(std::move(none), kNever)).value();
  }

  Engine engine{1};
  Coroutines coroutines{engine};
  SimClock clock{engine};
  SimTimers timers{engine};
  MemoryDisk disk;
  MemorySongStore store{disk, clock, timers};
  const std::vector<std::uint8_t> audio = pretended_audio("Title", "Artist", "Album", 7, 200'000, "cover");
};

TEST_F(MemorySongStoreTest, ACommitIsThereOnceItIsSyncedAndNotBefore) {
  disk.sync = 10ms;
  const auto incoming = receive(audio);
  const auto song = examine(*incoming);
  const auto id = song.record.song.id;
  const auto commit = begin(incoming->commit(song.record, song.cover, OnConflict::kKeep, kNever));
  engine.run_for(9ms);
  EXPECT_FALSE(*commit);
  EXPECT_FALSE(disk.holds(id));
  engine.run_for(2ms);
  ASSERT_TRUE(*commit && **commit);
  EXPECT_EQ(*disk.audio(id), audio);
  EXPECT_EQ(disk.used_bytes(), audio.size() + 5);
  EXPECT_EQ(wait(store.read(id, {65'530, 10}))->size(), 10u);
}

TEST_F(MemorySongStoreTest, ACrashBeforeTheSyncLeavesNothing) {
  disk.sync = 10ms;
  const auto incoming = receive(audio);
  const auto song = examine(*incoming);
  const auto commit = begin(incoming->commit(song.record, song.cover, OnConflict::kKeep, kNever));
  engine.run_for(9ms);
  disk.crash();
  engine.run_for(1s);
  ASSERT_TRUE(*commit);
  EXPECT_FALSE(**commit);
  EXPECT_EQ(disk.songs(), 0u);
}

TEST_F(MemorySongStoreTest, WhatIsReceivedTakesRoomAndGivesItBack) {
  disk.capacity = audio.size() + 100;
  {
    const auto incoming = receive(audio);
    EXPECT_EQ(wait(store.receive(101, SongStore::Purpose::kReplica, kNever)).error().code, Errc::kNoSpace);
  }
  EXPECT_TRUE(wait(store.receive(101, SongStore::Purpose::kReplica, kNever)));
}

TEST_F(MemorySongStoreTest, RotIsNoticed) {
  const auto incoming = receive(audio);
  const auto song = examine(*incoming);
  ASSERT_TRUE(wait(incoming->commit(song.record, song.cover, OnConflict::kKeep, kNever)));
  disk.rot(song.record.song.id, 70'000);
  EXPECT_TRUE(wait(store.read(song.record.song.id, {0, 65'536})));
  EXPECT_EQ(wait(store.read(song.record.song.id, {65'536, 1})).error().code, Errc::kCorrupted);
}

}  // namespace
}  // namespace kadenza::sim
