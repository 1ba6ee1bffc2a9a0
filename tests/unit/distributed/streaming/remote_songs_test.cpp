// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/streaming/remote_songs.hpp"

#include <chrono>
#include <future>
#include <map>
#include <optional>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>

#include "core/random.hpp"
#include "core/sha256.hpp"
#include "distributed/kademlia/distance.hpp"
#include "distributed/streaming/remote_audio_stream.hpp"
#include "sim/coroutines.hpp"
#include "sim/engine.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/distributed/placement/known_nodes.hpp"

namespace kadenza::distributed::streaming {
namespace {

using core::Errc;
using core::Result;
using kademlia::Contact;
using namespace std::chrono_literals;

/// Nodes of which some hold the song, each with its own speed and faults.
class FakeReplicas final : public Replicas {
 public:
  struct Holder {
    bool holds = true;
    core::Duration delay = 1ms;
    bool hangs = false;
    bool corrupts = false;
    bool gone = false;
    std::uint32_t copies = 0;
    int asked = 0;
  };

  FakeReplicas(sim::Engine& engine, core::Timers& timers) : engine_(engine), timers_(timers) {}

  core::Task<Result<RemotePiece>> read(Contact from, core::SongId, core::ByteRange range, bool with_record,
                                       core::Deadline deadline) override {
    auto& holder = holders[from.id];
    ++holder.asked;
    co_await timers_.sleep_until(holder.hangs ? deadline : engine_.now() + holder.delay);
    if (holder.hangs) co_return core::fail(Errc::kDeadlineExceeded);
    if (holder.gone) co_return core::fail(Errc::kUnavailable, "nobody listens there");
    if (!holder.holds) co_return core::fail(Errc::kNotFound, "not held");
    RemotePiece piece;
    if (range.offset >= audio.size()) co_return core::fail(Errc::kInvalidArgument, "outside");
    const auto end = std::min<std::uint64_t>(range.offset + range.length, audio.size());
    piece.bytes.assign(audio.begin() + static_cast<std::ptrdiff_t>(range.offset),
                       audio.begin() + static_cast<std::ptrdiff_t>(end));
    if (holder.corrupts) piece.bytes[piece.bytes.size() / 2] ^= 1;
    if (with_record) piece.record = record;
    piece.copies = holder.copies;
    co_return piece;
  }
  core::Task<Result<core::Image>> cover(Contact from, core::SongId, core::Deadline) override {
    if (!holders[from.id].holds) co_return core::fail(Errc::kNotFound);
    co_return core::Image{"image/png", {1, 2, 3}};
  }
  core::Task<Result<core::DerivedFacts>> facts(Contact, core::SongId, core::Deadline) override {
    co_return core::fail(Errc::kNotFound);
  }

  std::map<core::NodeId, Holder> holders;
  std::vector<std::uint8_t> audio;
  std::shared_ptr<core::SongRecord> record = std::make_shared<core::SongRecord>();

 private:
  sim::Engine& engine_;
  core::Timers& timers_;
};

class RemoteSongsTest : public ::testing::Test {
 public:
  RemoteSongsTest() {
    core::SeededRandom random(3);
    replicas.audio.resize(10 * core::kChunkBytes + 777);
    for (auto& byte : replicas.audio) byte = static_cast<std::uint8_t>(random.next());
    auto& record = *replicas.record;
    record.song.id = core::SongId{core::sha256("a song").bytes};
    record.song.size = replicas.audio.size();
    record.song.audio = core::sha256(replicas.audio);
    for (std::size_t at = 0; at < replicas.audio.size(); at += core::kChunkBytes) {
      const auto length = std::min<std::size_t>(core::kChunkBytes, replicas.audio.size() - at);
      record.chunks.push_back(core::sha256(std::span(replicas.audio).subspan(at, length)));
    }
    self = {kademlia::random_key(random), kademlia::Endpoint::v4(0x0a000001, 4748), 8};
    for (int i = 0; i < 5; ++i) {
      const Contact node{kademlia::random_key(random), kademlia::Endpoint::v4(0x0a000002, 4748), 8};
      routing.nodes.emplace_back(node);
      replicas.holders[node.id] = {};
    }
    directory =
        placement::Directory::create({.self = self}, coroutines.context().get_executor(), clock, routing);
    make_songs(nullptr);
    // The first R of the order hold it.
    const auto order = wait(directory->order(placement::partition_of(record.song.id, 16), never));
    std::size_t rank = 0;
    for (const auto& candidate : order) {
      if (candidate.self) continue;
      replicas.holders[candidate.contact.id].holds = rank++ < 3;
      if (rank <= 3) holding.push_back(candidate.contact.id);
    }
  }

  void make_songs(SongCache* cache) {
    songs = std::make_shared<RemoteSongs>(RemoteSongs::Parts{*directory, replicas, clock, timers, cache,
                                                             disk.get_executor(), cluster::Settings{}});
  }
  FakeReplicas::Holder& holder(std::size_t rank) { return replicas.holders[holding[rank]]; }

  template <class T>
  T wait(core::Task<T> task) {
    std::optional<T> out;
    auto run = [](core::Task<T> inner, std::optional<T>& result) -> core::Task<void> {
      result = co_await std::move(inner);
    };
    boost::asio::co_spawn(coroutines.context(), run(std::move(task), out), boost::asio::detached);
    while (!out && engine.step()) {
    }
    return std::move(*out);
  }

  core::Task<Result<std::vector<std::uint8_t>>> read_all(core::ByteRange range) {
    auto stream = co_await songs->open(replicas.record->song.id, range, engine.now() + 10s);
    if (!stream) co_return std::unexpected(stream.error());
    std::vector<std::uint8_t> all;
    std::vector<std::uint8_t> buffer(50'000);
    while (true) {
      const auto before = engine.now();
      auto got = co_await (*stream)->read(buffer, engine.now() + 10s);
      longest_wait = std::max(longest_wait, engine.now() - before);
      if (!got) co_return std::unexpected(got.error());
      if (*got == 0) co_return all;
      all.insert(all.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*got));
    }
  }
  void expect_plays(core::ByteRange range) {
    const auto got = wait(read_all(range));
    ASSERT_TRUE(got) << got.error().detail;
    const auto begin = replicas.audio.begin() + static_cast<std::ptrdiff_t>(range.offset);
    EXPECT_EQ(*got, std::vector<std::uint8_t>(begin, begin + static_cast<std::ptrdiff_t>(range.length)));
  }
  void expect_all_plays() { expect_plays({0, replicas.audio.size()}); }

  static constexpr core::Deadline never = core::Deadline::max();
  testing::TemporaryFolder folder;
  sim::Engine engine{1};
  sim::Coroutines coroutines{engine};
  sim::SimClock clock{engine};
  sim::SimTimers timers{engine};
  boost::asio::thread_pool disk{1};
  placement::KnownNodes routing;
  FakeReplicas replicas{engine, timers};
  Contact self;
  std::shared_ptr<placement::Directory> directory;
  std::shared_ptr<RemoteSongs> songs;
  std::vector<core::NodeId> holding;
  core::Duration longest_wait{};
};

TEST_F(RemoteSongsTest, PlaysByteIdentical) {
  expect_all_plays();
  expect_plays({0, 1});
  expect_plays({core::kChunkBytes - 1, 2});
  expect_plays({replicas.audio.size() - 1, 1});
  expect_plays({123'456, 300'000});
}

TEST_F(RemoteSongsTest, RefusesARangeOutsideTheSong) {
  const auto outside = wait(read_all({replicas.audio.size() - 1, 2}));
  ASSERT_FALSE(outside);
  EXPECT_EQ(outside.error().code, Errc::kInvalidArgument);
}

TEST_F(RemoteSongsTest, OneHungReplicaIsNotFelt) {
  holder(0).hangs = true;
  expect_all_plays();
  EXPECT_LE(longest_wait, 60ms);
  EXPECT_GE(songs->counters().hedged, 1u);
  // It is known now: nobody waits for it again.
  longest_wait = {};
  expect_all_plays();
  EXPECT_LE(longest_wait, 10ms);
}

TEST_F(RemoteSongsTest, ASlowReplicaIsPassedBy) {
  holder(1).delay = 5s;
  holder(2).delay = 5s;
  expect_all_plays();
  const int asked = holder(1).asked + holder(2).asked;
  expect_all_plays();
  EXPECT_EQ(holder(1).asked + holder(2).asked, asked);
}

TEST_F(RemoteSongsTest, WhatIsInDemandIsReadWhereItsFurtherCopiesAre) {
  std::vector<core::NodeId> further;
  for (auto& [id, node] : replicas.holders) {
    if (std::ranges::find(holding, id) == holding.end()) further.push_back(id);
  }
  ASSERT_EQ(further.size(), 2u);
  for (const auto& id : holding) replicas.holders[id].delay = 50ms;
  const auto asked = [&] { return replicas.holders[further[0]].asked + replicas.holders[further[1]].asked; };
  expect_all_plays();
  EXPECT_EQ(asked(), 0);
  // The holders say that it has further copies, which are nearer.
  for (const auto& id : further) replicas.holders[id].holds = true;
  for (const auto& id : holding) replicas.holders[id].copies = 6;
  expect_all_plays();
  expect_all_plays();
  EXPECT_GT(asked(), 0);
  // Gone again: nobody hears it.
  for (const auto& id : further) replicas.holders[id].holds = false;
  expect_all_plays();
}

TEST_F(RemoteSongsTest, FlippedBitsNeverReachTheListener) {
  holder(0).corrupts = true;
  holder(1).corrupts = true;
  expect_all_plays();
  EXPECT_GE(songs->counters().corrupt, 1u);
}

TEST_F(RemoteSongsTest, AStandInIsFoundWhenAllHoldersAreGone) {
  for (std::size_t rank = 0; rank < 3; ++rank) holder(rank).gone = true;
  for (auto& [id, node] : replicas.holders) node.holds = true;
  expect_all_plays();
}

TEST_F(RemoteSongsTest, NotFoundOnlyWhenEverybodyHasSaidSo) {
  for (auto& [id, node] : replicas.holders) node.holds = false;
  EXPECT_EQ(wait(read_all({0, 1})).error().code, Errc::kNotFound);
  holder(0).gone = true;
  EXPECT_EQ(wait(read_all({0, 1})).error().code, Errc::kUnavailable);
}

TEST_F(RemoteSongsTest, AHolderThatComesBackInTimeEndsTheWait) {
  for (auto& [id, node] : replicas.holders) node.gone = true;
  auto waiting = [](RemoteSongsTest& test) -> core::Task<void> {
    co_await test.timers.sleep_until(test.engine.now() + 2s);
    for (auto& [id, node] : test.replicas.holders) node.gone = false;
  };
  boost::asio::co_spawn(coroutines.context(), waiting(*this), boost::asio::detached);
  expect_all_plays();
}

TEST_F(RemoteSongsTest, FetchesABoundedPartAhead) {
  auto open = [](RemoteSongsTest& test) -> core::Task<std::unique_ptr<core::AudioStream>> {
    auto stream =
        co_await test.songs->open(test.replicas.record->song.id, {0, test.replicas.audio.size()}, never);
    co_return std::move(*stream);
  };
  auto take = [](core::AudioStream& stream, std::size_t bytes) -> core::Task<bool> {
    std::vector<std::uint8_t> some(bytes);
    for (std::size_t got = 0; got < bytes;) {
      got += *co_await stream.read(std::span(some).subspan(got), never);
    }
    co_return true;
  };
  replicas.audio.resize(4 << 20);
  auto& record = *replicas.record;
  record.song.size = replicas.audio.size();
  record.chunks.clear();
  for (std::size_t at = 0; at < replicas.audio.size(); at += core::kChunkBytes) {
    record.chunks.push_back(core::sha256(std::span(replicas.audio).subspan(at, core::kChunkBytes)));
  }
  const auto stream = wait(open(*this));
  (void)wait(take(*stream, 1));
  engine.run_for(10s);
  EXPECT_LE(songs->counters().bytes, RemoteAudioStream::kAheadAtFirst + RemoteAudioStream::kPieceMax);
  const std::size_t taken = 1 << 20;
  (void)wait(take(*stream, taken));
  (void)wait(take(*stream, 1));
  engine.run_for(10s);
  EXPECT_LE(songs->counters().bytes, taken + RemoteAudioStream::kAheadMax + RemoteAudioStream::kPieceMax);
  EXPECT_GE(songs->counters().bytes, taken + RemoteAudioStream::kAheadMax / 2);
}

class ManyListeners : public RemoteSongsTest {
 public:
  void listen(core::Duration delay) {
    auto one = [](ManyListeners& test, core::Duration later) -> core::Task<void> {
      co_await test.timers.sleep_until(test.engine.now() + later);
      auto got = co_await test.read_all({0, test.replicas.audio.size()});
      if (got && *got == test.replicas.audio) ++test.heard_all;
    };
    boost::asio::co_spawn(coroutines.context(), one(*this, delay), boost::asio::detached);
  }
  /// The disk's threads are outside of virtual time.
  void play_until_heard(int listeners) {
    while (heard_all < listeners && (engine.step() || coroutines.context().run_one_for(5s) > 0)) {
    }
    EXPECT_EQ(heard_all, listeners);
  }
  int heard_all = 0;
};

TEST_F(ManyListeners, WhatAllWantAtOnceIsFetchedOnce) {
  for (int i = 0; i < 30; ++i) listen(0ms);
  play_until_heard(30);
  EXPECT_EQ(songs->counters().bytes, replicas.audio.size());
}

TEST_F(ManyListeners, OneWhoLeavesLeavesTheFetchToTheOthers) {
  for (auto& [id, node] : replicas.holders) node.delay = 20ms;
  boost::asio::cancellation_signal leave;
  auto first = [](ManyListeners& test) -> core::Task<void> {
    (void)co_await test.read_all({0, test.replicas.audio.size()});
  };
  boost::asio::co_spawn(coroutines.context(), first(*this),
                        boost::asio::bind_cancellation_slot(leave.slot(), boost::asio::detached));
  listen(1ms);
  engine.run_for(10ms);
  leave.emit(boost::asio::cancellation_type::terminal);
  play_until_heard(1);
}

TEST_F(ManyListeners, TheOthersGoOnWhenTheirFetcherRunsOutOfTime) {
  for (auto& [id, node] : replicas.holders) node.gone = true;
  auto impatient = [](ManyListeners& test) -> core::Task<void> {
    (void)co_await test.songs->open(test.replicas.record->song.id, {0, 1}, test.engine.now() + 300ms);
  };
  boost::asio::co_spawn(coroutines.context(), impatient(*this), boost::asio::detached);
  listen(1ms);
  engine.run_for(1s);
  for (auto& [id, node] : replicas.holders) node.gone = false;
  play_until_heard(1);
}

TEST_F(ManyListeners, WhoComesALittleLaterReadsWhatTheFirstOneFetched) {
  auto cache = SongCache::open({.folder = folder.path() / "cache"});
  ASSERT_TRUE(cache);
  make_songs(cache->get());
  auto open = [](ManyListeners& test) -> core::Task<std::unique_ptr<core::AudioStream>> {
    auto stream =
        co_await test.songs->open(test.replicas.record->song.id, {0, test.replicas.audio.size()}, never);
    co_return std::move(*stream);
  };
  const std::shared_ptr<core::AudioStream> later = wait(open(*this));  // while nothing is cached
  listen(0ms);
  play_until_heard(1);
  std::promise<void> written;
  boost::asio::post(disk, [&written] { written.set_value(); });
  written.get_future().wait();  // the disk has one thread, which does one thing after the other
  ASSERT_EQ((*cache)->used_bytes(), replicas.audio.size());
  for (auto& [id, node] : replicas.holders) node.gone = true;
  auto rest = [later](ManyListeners& test) -> core::Task<void> {
    std::vector<std::uint8_t> buffer(test.replicas.audio.size());
    std::size_t got = 0;
    while (got < buffer.size()) {
      const auto read = co_await later->read(std::span(buffer).subspan(got), test.engine.now() + 10s);
      if (!read) co_return;
      got += *read;
    }
    if (buffer == test.replicas.audio) ++test.heard_all;
  };
  boost::asio::co_spawn(coroutines.context(), rest(*this), boost::asio::detached);
  play_until_heard(2);
}

TEST_F(RemoteSongsTest, WhatWasPlayedOnceComesFromTheCache) {
  auto cache = SongCache::open({.folder = folder.path() / "cache"});
  ASSERT_TRUE(cache);
  make_songs(cache->get());
  expect_all_plays();
  disk.wait();
  EXPECT_EQ((*cache)->used_bytes(), replicas.audio.size());
  for (auto& [id, node] : replicas.holders) node.gone = true;
  expect_all_plays();
}

TEST_F(RemoteSongsTest, TheCacheKeepsToItsSizeAndForgetsTheOldestFirst) {
  auto cache = SongCache::open({.folder = folder.path() / "cache", .capacity_bytes = 3 * core::kChunkBytes});
  ASSERT_TRUE(cache);
  const std::vector<std::uint8_t> chunk(core::kChunkBytes);
  std::vector<core::SongId> ids;
  for (int i = 0; i < 4; ++i) {
    auto record = std::make_shared<core::SongRecord>(*replicas.record);
    record->song.id = core::SongId{core::sha256(std::to_string(i)).bytes};
    record->song.audio = core::sha256("audio " + std::to_string(i));
    ids.push_back(record->song.id);
    (*cache)->entry(record)->put(0, chunk);
    if (i == 2) (void)(*cache)->find(ids[0]);  // used again
  }
  EXPECT_LE((*cache)->used_bytes(), 3 * core::kChunkBytes);
  EXPECT_TRUE((*cache)->find(ids[0]));
  EXPECT_FALSE((*cache)->find(ids[1]));
  EXPECT_TRUE((*cache)->find(ids[3]));
}

TEST_F(RemoteSongsTest, CoversComeFromWhoeverHoldsTheSong) {
  for (auto& [id, node] : replicas.holders) node.holds = false;
  holder(2).holds = true;
  const auto image = wait(songs->cover(replicas.record->song.id, engine.now() + 1s));
  ASSERT_TRUE(image);
  EXPECT_EQ(image->bytes.size(), 3u);
}

}  // namespace
}  // namespace kadenza::distributed::streaming
