// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/messages/song_message.hpp"
#include "distributed/replication/methods.hpp"
#include "tests/unit/distributed/replication/world.hpp"

namespace kadenza::distributed::replication {
namespace {

using services::library::HeldSong;
using services::library::OnConflict;

/// A song as a node received it.
struct Made {
  explicit Made(std::uint64_t version = 0, core::WallTime first_stored = core::WallTime(1s),
                std::size_t bytes = 600'000)
      : audio(pretended_audio("Title", "Artist", "Album", version, bytes, "a picture")) {
    auto& song = record.song;
    song.tags.title = "Title";
    song.tags.artist = "Artist";
    song.tags.album = "Album";
    song.id = core::song_id("Title", "Artist", "Album");
    song.size = audio.size();
    song.audio = core::sha256(audio);
    song.cover = core::sha256("a picture");
    song.first_stored = first_stored;
    for (std::size_t at = 0; at < audio.size(); at += core::kChunkBytes) {
      const auto length = std::min<std::size_t>(core::kChunkBytes, audio.size() - at);
      record.chunks.push_back(core::sha256(std::span(audio).subspan(at, length)));
    }
  }
  Bytes audio;
  core::SongRecord record;
  core::Image cover{"image/png", {'a', ' ', 'p', 'i', 'c', 't', 'u', 'r', 'e'}};
};

class HolderTest : public ::testing::Test {
 protected:
  /// Puts it on the node's disk.
  void give(std::size_t node, const Made& made) {
    auto& store = world.nodes[node].process().store;
    auto incoming = world.wait(
        store.receive(made.audio.size(), services::library::SongStore::Purpose::kReplica, World::kNever));
    ASSERT_TRUE(world.wait((*incoming)->write(made.audio, World::kNever)));
    ASSERT_TRUE(world.wait((*incoming)->commit(made.record, made.cover, OnConflict::kKeep, World::kNever)));
  }
  Result<HeldSong> store(std::size_t node, const Made& made, std::vector<std::size_t> sources,
                         OnConflict on_conflict = OnConflict::kKeep, core::Duration time = 60s) {
    std::vector<kademlia::Contact> contacts;
    for (const auto source : sources) contacts.push_back(world.contact(source));
    auto& holder = world.nodes[node].process().holder;
    return world.wait(holder.store(made.record, std::move(contacts), on_conflict, world.engine.now() + time));
  }
  template <class Request>
  auto ask(Request request) {
    return world.wait(peers::call(*world.nodes[1].process().peers, world.contact(0), std::move(request),
                                  world.engine.now() + 10s));
  }
  const core::SongRecord* stored(std::size_t node) {
    return world.nodes[node].disk.record(Made().record.song.id);
  }

  World world{4};
};

TEST_F(HolderTest, CopiesFromASourceThatHoldsTheSong) {
  const Made song;
  give(0, song);
  const auto held = store(1, song, {0});
  ASSERT_TRUE(held) << held.error().detail;
  EXPECT_TRUE(held->added);
  EXPECT_EQ(*stored(1), song.record);
  EXPECT_EQ(*world.nodes[1].disk.audio(song.record.song.id), song.audio);
  const auto again = store(1, song, {0});
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->added);
  EXPECT_TRUE(world.at_rest());
}

TEST_F(HolderTest, GoesOnWithTheNextSourceWhenOneIsRottenGoneOrWithoutIt) {
  const Made song(0, core::WallTime(1s), 3'000'000);
  give(0, song);
  give(1, song);
  world.nodes[0].disk.rot(song.record.song.id, 1'500'000);
  world.crash(2);
  ASSERT_TRUE(store(3, song, {2, 0, 1}));
  EXPECT_EQ(*world.nodes[3].disk.audio(song.record.song.id), song.audio);
}

TEST_F(HolderTest, ASourceThatDiesInTheMiddleIsReplacedAtTheSameByte) {
  const Made song(0, core::WallTime(1s), 20'000'000);
  give(0, song);
  give(1, song);
  auto& holder = world.nodes[3].process().holder;
  const auto storing = world.begin(
      holder.store(song.record, {world.contact(0), world.contact(1)}, OnConflict::kKeep, World::kNever));
  world.engine.run_for(1s);
  ASSERT_FALSE(*storing);
  world.crash(0);
  const auto held = world.finish(storing);
  ASSERT_TRUE(held) << held.error().detail;
  EXPECT_EQ(*world.nodes[3].disk.audio(song.record.song.id), song.audio);
}

TEST_F(HolderTest, WithoutASourceThatHasItNothingIsStored) {
  const Made song;
  EXPECT_FALSE(store(1, song, {0, 2}));
  give(0, song);
  world.nodes[0].disk.rot(song.record.song.id, 5);
  const auto rotten = store(1, song, {0});
  ASSERT_FALSE(rotten);
  EXPECT_EQ(rotten.error().code, Errc::kCorrupted);
  EXPECT_EQ(stored(1), nullptr);
  EXPECT_TRUE(world.at_rest());
}

TEST_F(HolderTest, ASourceWithOtherAudioOfTheSongIsNoSource) {
  const Made song(1), other(2);
  give(0, other);
  EXPECT_FALSE(store(1, song, {0}));
  EXPECT_EQ(stored(1), nullptr);
}

TEST_F(HolderTest, ATimeAheadOfTheClockIsRefused) {
  Made song;
  give(0, song);
  song.record.song.first_stored = world.clock.wall_now() + 61s;
  EXPECT_EQ(store(1, song, {0}).error().code, Errc::kInvalidArgument);
  song.record.song.first_stored = world.clock.wall_now() + 50s;
  EXPECT_TRUE(store(1, song, {0}));
}

TEST_F(HolderTest, AWriteFindsWhatIsThere) {
  const Made early(1, core::WallTime(1s)), late(2, core::WallTime(2s));
  give(0, early);
  give(1, late);
  const auto held = store(1, early, {0});
  ASSERT_TRUE(held);
  EXPECT_FALSE(held->added);
  EXPECT_EQ(held->song, late.record.song);
  EXPECT_EQ(*stored(1), late.record);
}

TEST_F(HolderTest, AMergeEndsWithTheSameSongEverywhere) {
  const Made early(1, core::WallTime(1s)), late(2, core::WallTime(2s));
  give(0, early);
  give(1, late);
  const auto loses = store(0, late, {1}, OnConflict::kMerge);
  ASSERT_TRUE(loses) << loses.error().detail;
  EXPECT_EQ(loses->song, early.record.song);
  const auto wins = store(1, early, {0}, OnConflict::kMerge);
  ASSERT_TRUE(wins) << wins.error().detail;
  EXPECT_TRUE(wins->added);
  EXPECT_EQ(*stored(0), early.record);
  EXPECT_EQ(*stored(1), early.record);
  EXPECT_TRUE(world.nodes[1].disk.gave_way(early.record.song.id, late.record.song.audio));

  give(2, late);
  const auto again = store(1, late, {2}, OnConflict::kMerge);
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_FALSE(again->added);
  EXPECT_EQ(again->song, early.record.song) << "the late one does not come back";
  EXPECT_EQ(*stored(1), early.record);
}

TEST_F(HolderTest, CallsThatStoreTheSameSongAtOnceShareTheWork) {
  const Made song(0, core::WallTime(1s), 3'000'000);
  give(0, song);
  auto& process = world.nodes[1].process();
  std::vector<std::shared_ptr<std::optional<Result<HeldSong>>>> calls;
  for (int i = 0; i < 5; ++i) {
    calls.push_back(world.begin(
        process.holder.store(song.record, {world.contact(0)}, OnConflict::kKeep, world.engine.now() + 60s)));
  }
  while (process.store.receiving == 0) ASSERT_TRUE(world.engine.step());
  EXPECT_EQ(process.store.receiving, 1u);
  int added = 0;
  for (const auto& call : calls) {
    const auto held = world.finish(call);
    ASSERT_TRUE(held) << held.error().detail;
    added += held->added ? 1 : 0;
  }
  EXPECT_EQ(added, 1);
}

TEST_F(HolderTest, ASongThatIsBeingStoredForADeadCallerIsTakenOver) {
  const Made song(0, core::WallTime(1s), 3'000'000);
  give(0, song);
  give(2, song);
  v1::StoreRequest request;
  messages::to_message(song.record, *request.mutable_record());
  std::array<std::uint8_t, kademlia::Contact::kWireBytes> source{};
  world.contact(0).encode(source);
  request.add_sources(source.data(), source.size());
  (void)world.begin(
      peers::call(*world.nodes[0].process().peers, world.contact(1), std::move(request), World::kNever));
  while (world.nodes[1].process().store.receiving == 0) ASSERT_TRUE(world.engine.step());
  world.crash(0);
  const auto held = store(1, song, {2});
  ASSERT_TRUE(held) << held.error().detail;
}

TEST_F(HolderTest, AClaimIsAnsweredWithWhatIsThere) {
  const Made song;
  auto& holder = world.nodes[0].process().holder;
  const auto id = song.record.song.id;
  EXPECT_TRUE(std::holds_alternative<core::WallTime>(*world.wait(holder.claim(id, song.record.song.audio))));
  EXPECT_EQ(*world.wait(holder.claim(id, core::sha256("other"))), ClaimOutcome(song.record.song.audio));
  give(0, song);
  EXPECT_EQ(*world.wait(holder.claim(id, core::sha256("other"))), ClaimOutcome(song.record.song));
}

TEST_F(HolderTest, ReadsAreAnsweredInRangeAndWithTheRecord) {
  const Made song;
  give(0, song);
  const auto id = song.record.song.id;
  auto& replicas = world.nodes[1].process().replicas;
  const auto piece = world.wait(replicas.read(world.contact(0), id, {65'530, 100}, true, World::kNever));
  ASSERT_TRUE(piece) << piece.error().detail;
  EXPECT_EQ(piece->bytes, Bytes(song.audio.begin() + 65'530, song.audio.begin() + 65'630));
  ASSERT_TRUE(piece->record);
  EXPECT_EQ(*piece->record, song.record);
  EXPECT_GE(piece->load, 1u);
  const auto end =
      world.wait(replicas.read(world.contact(0), id, {song.audio.size() - 10, 100}, false, World::kNever));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->bytes, Bytes(song.audio.end() - 10, song.audio.end()));
  EXPECT_FALSE(end->record);
  const auto image = world.wait(replicas.cover(world.contact(0), id, World::kNever));
  ASSERT_TRUE(image);
  EXPECT_EQ(image->bytes, song.cover.bytes);

  const auto outside =
      world.wait(replicas.read(world.contact(0), id, {song.audio.size(), 1}, false, World::kNever));
  EXPECT_EQ(outside.error().code, Errc::kInvalidArgument);
  EXPECT_EQ(world.wait(replicas.read(world.contact(2), id, {0, 1}, false, World::kNever)).error().code,
            Errc::kNotFound);
  world.nodes[0].disk.rot(id, 3);
  EXPECT_EQ(world.wait(replicas.read(world.contact(0), id, {0, 9}, false, World::kNever)).error().code,
            Errc::kCorrupted);
}

TEST_F(HolderTest, WhatIsUploadedNowIsReadOnlyByThoseWhoCopyIt) {
  const Made song;
  auto& process = world.nodes[0].process();
  auto incoming = world.wait(process.store.receive(
      song.audio.size(), services::library::SongStore::Purpose::kUpload, World::kNever));
  ASSERT_TRUE(world.wait((*incoming)->write(song.audio, World::kNever)));
  auto& replicas = world.nodes[1].process().replicas;
  const auto id = song.record.song.id;
  {
    const Offers::Standing offer(
        process.offers, std::make_shared<Offer>(Offer{song.record, song.cover, std::move(*incoming)}));
    const auto bytes =
        world.wait(replicas.read_audio(world.contact(0), song.record.song, {0, 100}, World::kNever));
    ASSERT_TRUE(bytes) << bytes.error().detail;
    EXPECT_EQ(*bytes, Bytes(song.audio.begin(), song.audio.begin() + 100));
    EXPECT_TRUE(world.wait(replicas.cover_of(world.contact(0), song.record.song, World::kNever)));
    EXPECT_EQ(world.wait(replicas.read(world.contact(0), id, {0, 1}, true, World::kNever)).error().code,
              Errc::kNotFound);
  }
  EXPECT_EQ(world.wait(replicas.read_audio(world.contact(0), song.record.song, {0, 100}, World::kNever))
                .error()
                .code,
            Errc::kNotFound);
}

TEST_F(HolderTest, MalformedRequestsAreRefused) {
  const Made song;
  give(0, song);
  v1::StoreRequest store;
  messages::to_message(song.record, *store.mutable_record());
  EXPECT_EQ(ask(store).error().code, Errc::kInvalidArgument) << "no sources";
  store.add_sources("not a contact");
  EXPECT_EQ(ask(store).error().code, Errc::kInvalidArgument);
  store.clear_sources();
  for (std::size_t i = 0; i <= Holder::kSourcesMax; ++i) store.add_sources(std::string(52, '\1'));
  EXPECT_EQ(ask(store).error().code, Errc::kInvalidArgument);

  v1::ClaimRequest claim;
  claim.set_song("short");
  EXPECT_EQ(ask(claim).error().code, Errc::kInvalidArgument);

  v1::ReadRequest read;
  read.set_song(messages::bytes_of(song.record.song.id));
  EXPECT_EQ(ask(read).error().code, Errc::kInvalidArgument) << "no bytes wanted";
  read.set_length(static_cast<std::uint32_t>(peers::kPieceBytes) + 1);
  EXPECT_EQ(ask(read).error().code, Errc::kInvalidArgument) << "too many bytes wanted";
  read.set_length(10);
  read.set_audio("short");
  EXPECT_EQ(ask(read).error().code, Errc::kInvalidArgument);
  read.clear_audio();
  EXPECT_TRUE(ask(read));
  read.set_offset(UINT64_MAX);
  EXPECT_EQ(ask(read).error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace kadenza::distributed::replication
