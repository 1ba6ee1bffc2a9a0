// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/library/local_song_store.hpp"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/asio.hpp>
#include <gtest/gtest.h>

#include "core/identity.hpp"
#include "core/sha256.hpp"
#include "services/blobs/blob_store.hpp"
#include "services/catalogue/database.hpp"
#include "services/catalogue/record_store.hpp"
#include "services/library/blob_references.hpp"
#include "services/library/row_store.hpp"
#include "support/temporary_folder.hpp"
#include "support/tones.hpp"

namespace kadenza::services::library {
namespace {

namespace asio = boost::asio;
using core::Errc;
using core::Result;
using Bytes = std::vector<std::uint8_t>;
using Purpose = SongStore::Purpose;
using namespace std::chrono_literals;

constexpr core::Deadline kNever = core::Deadline::max();

/// Real time, with a calendar that can be turned on.
class TurnedClock final : public core::Clock {
 public:
  core::Instant now() const noexcept override { return core::SystemClock().now(); }
  core::WallTime wall_now() const noexcept override {
    return core::SystemClock().wall_now() + std::chrono::hours(hours);
  }
  std::atomic<int> hours{0};
};

core::WallTime at_second(int second) {
  return core::WallTime(std::chrono::seconds(second));
}

class LocalSongStoreTest : public ::testing::Test {
 protected:
  LocalSongStoreTest() { open(); }
  ~LocalSongStoreTest() override { close(); }

  void open(std::uint64_t capacity = UINT64_MAX) {
    LocalLibrary::Options options;
    options.data = folder_.path();
    options.capacity = capacity;
    options.upload_limit = 50'000'000;
    options.media_program = KADENZA_MEDIA_PROGRAM;
    options.io = io_.get_executor();
    options.blocking = blocking_.get_executor();
    options.clock = &clock_;
    library_ = std::move(*LocalLibrary::open(std::move(options)));
  }
  void close() {
    if (library_) await(stop());
    library_.reset();
  }
  core::Task<bool> stop() {
    co_await library_->stop();
    co_return true;
  }

  template <class T>
  T await(core::Task<T> task) {
    io_.restart();
    auto result = asio::co_spawn(io_, std::move(task), asio::use_future);
    while (result.wait_for(0s) != std::future_status::ready) io_.run_one();
    return result.get();
  }

  LocalSongStore& store() { return static_cast<LocalSongStore&>(library_->songs()); }

  std::unique_ptr<IncomingSong> receive(const Bytes& bytes, Purpose purpose) {
    auto incoming = await(store().receive(bytes.size(), purpose, kNever));
    EXPECT_TRUE(incoming) << incoming.error().detail;
    constexpr std::size_t kPiece = 70'001;
    for (auto rest = std::span(bytes); !rest.empty(); rest = rest.subspan(std::min(kPiece, rest.size()))) {
      const auto written = await((*incoming)->write(rest.first(std::min(kPiece, rest.size())), kNever));
      EXPECT_TRUE(written) << written.error().detail;
    }
    return std::move(*incoming);
  }
  /// As another node's copy.
  Result<HeldSong> replicate(const Bytes& bytes, const core::SongRecord& record,
                             OnConflict on_conflict = OnConflict::kKeep,
                             std::optional<core::Image> cover = std::nullopt) {
    const auto incoming = receive(bytes, Purpose::kReplica);
    return await(incoming->commit(record, std::move(cover), on_conflict, kNever));
  }

  static core::SongRecord record_of(const Bytes& audio, core::WallTime first_stored,
                                    std::string_view title = "Title") {
    core::SongRecord record;
    auto& song = record.song;
    song.tags.title = title;
    song.tags.artist = "Artist";
    song.id = core::song_id(title, "Artist", "");
    song.size = audio.size();
    song.audio = core::sha256(audio);
    song.properties.format = core::AudioFormat::kWav;
    song.first_stored = first_stored;
    for (std::size_t at = 0; at < audio.size(); at += core::kChunkBytes) {
      const auto length = std::min<std::size_t>(core::kChunkBytes, audio.size() - at);
      record.chunks.push_back(core::sha256(std::span(audio).subspan(at, length)));
    }
    return record;
  }

  Errc failure(const auto& result) {
    EXPECT_FALSE(result);
    return result ? Errc::kInternal : result.error().code;
  }

  /// What the node's next start would remove, seen with nothing running.
  std::size_t removable() {
    close();
    const auto blobs = blobs::BlobStore::open({.folder = folder_.path() / "blobs"});
    const auto database = catalogue::Database::open(folder_.path());
    const catalogue::RecordStore records(**database);
    BlobReferences references(const_cast<blobs::BlobStore&>(*blobs), records);
    return references.remove_orphans([] { return false; }).value_or(999);
  }
  bool has_blob(const core::Digest& digest) {
    const auto name = digest.text();
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path() / "blobs")) {
      const auto path = entry.path().lexically_relative(folder_.path() / "blobs");
      std::string joined;
      for (const auto& part : path) joined += part.string();
      if (entry.is_regular_file() && joined.ends_with(name)) return true;
    }
    return false;
  }

  /// As a disk that loses a bit, or the file.
  std::filesystem::path file_of(std::uint64_t size) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path() / "blobs")) {
      if (entry.is_regular_file() && entry.file_size() == size) return entry.path();
    }
    ADD_FAILURE() << "no file of " << size << " bytes";
    return {};
  }
  static void flip(const std::filesystem::path& path, std::streamoff at) {
    std::filesystem::permissions(path, std::filesystem::perms::owner_write,
                                 std::filesystem::perm_options::add);
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekg(at);
    const auto byte = static_cast<char>(file.get());
    file.seekp(at);
    file.put(static_cast<char>(byte ^ 1));
  }

  TurnedClock clock_;
  kadenza::testing::TemporaryFolder folder_;
  asio::io_context io_;
  asio::thread_pool blocking_{4};
  std::unique_ptr<LocalLibrary> library_;
  const Bytes early_ = kadenza::testing::make_wav(440, 4);
  const Bytes late_ = kadenza::testing::make_wav(660, 4);
};

TEST_F(LocalSongStoreTest, AnUploadIsExaminedCopiedFromAndOnlyThenStored) {
  core::TagOverrides tags;
  tags.title = "Title";
  tags.artist = "Artist";
  const auto upload = receive(early_, Purpose::kUpload);
  EXPECT_EQ(failure(await(upload->read({0, 10}))), Errc::kInvalidArgument) << "not all of it is there";
  auto examined = await(upload->examine(tags, kNever));
  ASSERT_TRUE(examined) << examined.error().detail;
  auto record = examined->record;
  EXPECT_EQ(record.song.id, core::song_id("Title", "Artist", ""));
  EXPECT_EQ(record.song.first_stored, core::WallTime{}) << "the first holder stamps it";
  EXPECT_EQ(record.song.audio, core::sha256(early_));
  EXPECT_EQ(record.chunks, record_of(early_, {}).chunks);

  EXPECT_EQ(await(upload->read({65'530, 100})), Bytes(early_.begin() + 65'530, early_.begin() + 65'630));
  EXPECT_EQ(failure(await(upload->read({early_.size() - 1, 2}))), Errc::kInvalidArgument);
  EXPECT_EQ(failure(await(store().record(record.song.id))), Errc::kNotFound);

  record.song.first_stored = at_second(7);
  const auto held = await(upload->commit(record, examined->cover, OnConflict::kKeep, kNever));
  ASSERT_TRUE(held) << held.error().detail;
  EXPECT_TRUE(held->added);
  EXPECT_EQ(held->song, record.song);
  EXPECT_EQ(await(upload->read({0, 100})), Bytes(early_.begin(), early_.begin() + 100));
  EXPECT_EQ(**await(store().record(record.song.id)), record);
  EXPECT_EQ(await(library_->song(record.song.id, kNever)), record.song);
}

TEST_F(LocalSongStoreTest, WhatIsNotCommittedLeavesNothing) {
  {
    const auto upload = receive(early_, Purpose::kUpload);
    const auto replica = receive(late_, Purpose::kReplica);
  }
  EXPECT_EQ(store().used_bytes(), 0u);
  EXPECT_EQ(removable(), 0u);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() / "blobs" / "staging"));
}

TEST_F(LocalSongStoreTest, BytesThatAreNotTheRecordsAreRefused) {
  const auto record = record_of(early_, at_second(1));
  auto flipped = early_;
  flipped[100'000] ^= 1;
  auto longer = early_;
  longer.push_back(0);
  auto other_chunks = record;
  std::swap(other_chunks.chunks[0], other_chunks.chunks[1]);
  EXPECT_EQ(failure(replicate(flipped, record)), Errc::kCorrupted);
  EXPECT_EQ(failure(replicate(longer, record)), Errc::kCorrupted);
  EXPECT_EQ(failure(replicate({early_.begin(), early_.end() - 1}, record)), Errc::kCorrupted);
  EXPECT_EQ(failure(replicate(early_, other_chunks)), Errc::kCorrupted);
  EXPECT_EQ(failure(await(store().record(record.song.id))), Errc::kNotFound);
  EXPECT_EQ(store().used_bytes(), 0u);
}

TEST_F(LocalSongStoreTest, CoversAreCheckedKeptAndGivenBack) {
  const core::Image cover{"image/png", {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 1, 2, 3}};
  auto record = record_of(early_, at_second(1));
  record.song.cover = core::sha256(cover.bytes);
  const core::Image wrong{"image/png", {0x89, 'P', 'N', 'G'}};
  EXPECT_EQ(failure(replicate(early_, record, OnConflict::kKeep, wrong)), Errc::kCorrupted);
  EXPECT_EQ(failure(replicate(early_, record)), Errc::kCorrupted) << "without its cover";
  EXPECT_EQ(store().used_bytes(), 0u);

  ASSERT_TRUE(replicate(early_, record, OnConflict::kKeep, cover));
  const auto image = await(store().cover_of(record.song.id));
  ASSERT_TRUE(image);
  EXPECT_EQ(image->bytes, cover.bytes);
  EXPECT_EQ(image->content_type, "image/png");
  EXPECT_EQ(store().used_bytes(), early_.size() + cover.bytes.size());

  const auto bare = record_of(late_, at_second(1), "Without a Cover");
  ASSERT_TRUE(replicate(late_, bare));
  EXPECT_EQ(failure(await(store().cover_of(bare.song.id))), Errc::kNotFound);
}

TEST_F(LocalSongStoreTest, RangesAreReadAndRotIsNoticed) {
  const auto record = record_of(early_, at_second(1));
  ASSERT_TRUE(replicate(early_, record));
  const auto id = record.song.id;
  for (const auto& range :
       {core::ByteRange{0, 1}, core::ByteRange{65'535, 2}, core::ByteRange{0, early_.size()},
        core::ByteRange{early_.size() - 1, 1}, core::ByteRange{9, 0}}) {
    const auto begin = early_.begin() + static_cast<std::ptrdiff_t>(range.offset);
    EXPECT_EQ(await(store().read(id, range)),
              Bytes(begin, begin + static_cast<std::ptrdiff_t>(range.length)));
  }
  EXPECT_EQ(failure(await(store().read(id, {0, early_.size() + 1}))), Errc::kInvalidArgument);
  EXPECT_EQ(failure(await(store().read(core::song_id("No", "One", ""), {0, 1}))), Errc::kNotFound);

  close();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path() / "blobs")) {
    if (!entry.is_regular_file() || entry.file_size() != early_.size()) continue;
    std::filesystem::permissions(entry.path(), std::filesystem::perms::owner_write,
                                 std::filesystem::perm_options::add);
    std::fstream file(entry.path(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(70'000);
    file.put(static_cast<char>(early_[70'000] ^ 1));
  }
  open();
  EXPECT_EQ(failure(await(store().read(id, {65'536, 10}))), Errc::kCorrupted);
  EXPECT_TRUE(await(store().read(id, {0, 65'536}))) << "the other chunks are whole";

  ASSERT_TRUE(replicate(early_, record)) << "the same audio again heals it";
  EXPECT_EQ(await(store().read(id, {0, early_.size()})), early_);
}

TEST_F(LocalSongStoreTest, HeldSongsAreListedInPagesInOrder) {
  EXPECT_TRUE(await(store().held(std::nullopt, 10))->empty());
  std::vector<core::SongId> ids;
  for (const auto* title : {"One", "Two", "Three", "Four", "Five"}) {
    const auto record = record_of(early_, at_second(1), title);
    ASSERT_TRUE(replicate(early_, record));
    ids.push_back(record.song.id);
  }
  std::ranges::sort(ids);
  std::vector<core::SongId> listed;
  std::optional<core::SongId> after;
  for (std::size_t got = 2; got == 2;) {
    const auto page = await(store().held(after, 2));
    ASSERT_TRUE(page) << page.error().detail;
    got = page->size();
    for (const auto& song : *page) {
      EXPECT_EQ(song.audio, core::sha256(early_));
      listed.push_back(song.id);
    }
    if (got > 0) after = listed.back();
  }
  EXPECT_EQ(listed, ids);
}

TEST_F(LocalSongStoreTest, VerifyingFindsWhatTheDiskLostAndTellsTheWatcher) {
  const core::Image cover{"image/png", {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 1, 2, 3}};
  auto record = record_of(early_, at_second(1));
  record.song.cover = core::sha256(cover.bytes);
  std::vector<core::SongId> stored, rotten;
  store().watch({.stored = [&](const core::Song& song) { stored.push_back(song.id); },
                 .rotten = [&](core::SongId id) { rotten.push_back(id); }});
  ASSERT_TRUE(replicate(early_, record, OnConflict::kKeep, cover));
  const auto id = record.song.id;
  EXPECT_EQ(stored, std::vector{id});
  const auto verify = [&](std::uint64_t first, std::uint64_t count) {
    return await(store().verify(id, first, count));
  };
  EXPECT_TRUE(verify(0, 1000));
  EXPECT_EQ(failure(await(store().verify(core::song_id("No", "One", ""), 0, 1))), Errc::kNotFound);
  EXPECT_TRUE(await(store().read(id, {0, early_.size()}))) << "all chunks were found right before";
  EXPECT_TRUE(rotten.empty());

  flip(file_of(early_.size()), 70'000);
  EXPECT_TRUE(verify(0, 1)) << "the first chunk is whole";
  EXPECT_EQ(failure(verify(1, 1)), Errc::kCorrupted);
  EXPECT_EQ(failure(verify(0, 1000)), Errc::kCorrupted);
  ASSERT_TRUE(replicate(early_, record, OnConflict::kKeep, cover)) << "the same audio again heals it";
  EXPECT_TRUE(verify(0, 1000));

  flip(file_of(cover.bytes.size()), 9);
  EXPECT_TRUE(verify(1, 1000)) << "the cover is read with the first chunk";
  EXPECT_EQ(failure(verify(0, 1)), Errc::kCorrupted);
  ASSERT_TRUE(replicate(early_, record, OnConflict::kKeep, cover)) << "and the same cover";
  EXPECT_TRUE(verify(0, 1000));

  std::filesystem::remove(file_of(early_.size()));
  EXPECT_EQ(failure(verify(0, 1)), Errc::kCorrupted);
  EXPECT_EQ(rotten, std::vector(4, id));
  EXPECT_EQ(stored, std::vector{id}) << "healing adds nothing";
  store().watch({});
  EXPECT_EQ(failure(verify(0, 1)), Errc::kCorrupted);
  EXPECT_EQ(rotten.size(), 4U);
}

TEST_F(LocalSongStoreTest, ReadingWhatTheDiskLostTellsTheWatcher) {
  const auto record = record_of(early_, at_second(1));
  ASSERT_TRUE(replicate(early_, record));
  std::atomic<int> rotten = 0;
  store().watch({.stored = {}, .rotten = [&](core::SongId) { ++rotten; }});
  flip(file_of(early_.size()), 10);
  EXPECT_EQ(failure(await(store().read(record.song.id, {0, 100}))), Errc::kCorrupted);
  EXPECT_EQ(rotten, 1);
  store().watch({});
}

TEST_F(LocalSongStoreTest, AMergeTellsTheWatcherWhatTookItsPlace) {
  ASSERT_TRUE(replicate(late_, record_of(late_, at_second(9))));
  std::vector<core::Digest> stored;
  store().watch({.stored = [&](const core::Song& song) { stored.push_back(song.audio); }, .rotten = {}});
  ASSERT_TRUE(replicate(early_, record_of(early_, at_second(1)), OnConflict::kMerge));
  EXPECT_EQ(stored, std::vector{core::sha256(early_)});
  store().watch({});
}

TEST_F(LocalSongStoreTest, AWriteNeverReplacesARecord) {
  const auto late = record_of(late_, at_second(2));
  const auto early = record_of(early_, at_second(1));
  ASSERT_TRUE(replicate(late_, late));
  const auto held = replicate(early_, early);
  ASSERT_TRUE(held);
  EXPECT_FALSE(held->added);
  EXPECT_EQ(held->song, late.song);
  EXPECT_EQ(**await(store().record(late.song.id)), late);
  EXPECT_EQ(store().used_bytes(), late_.size());
}

TEST_F(LocalSongStoreTest, AMergeKeepsWhatWasStoredFirst) {
  const auto late = record_of(late_, at_second(2));
  const auto early = record_of(early_, at_second(1));
  const auto id = early.song.id;
  ASSERT_TRUE(replicate(late_, late));
  ASSERT_TRUE(await(store().record(id)));  // it is remembered, too
  const auto held = replicate(early_, early, OnConflict::kMerge);
  ASSERT_TRUE(held) << held.error().detail;
  EXPECT_TRUE(held->added);
  EXPECT_EQ(held->song, early.song);
  EXPECT_EQ(**await(store().record(id)), early);
  EXPECT_EQ(await(store().read(id, {0, early_.size()})), early_);
  EXPECT_EQ(await(library_->song(id, kNever)), early.song);
  const auto listed = await(library_->songs(core::SongListRequest{}, kNever));
  ASSERT_EQ(listed->items.size(), 1u);
  EXPECT_EQ(listed->items[0], early.song);
  EXPECT_EQ(await(library_->totals(kNever))->bytes, early_.size());

  EXPECT_EQ(failure(replicate(late_, late, OnConflict::kMerge)), Errc::kConflict) << "it does not come back";
  EXPECT_EQ(**await(store().record(id)), early);
}

TEST_F(LocalSongStoreTest, AMergeRefusesWhatWasStoredLater) {
  const auto late = record_of(late_, at_second(2));
  const auto early = record_of(early_, at_second(1));
  ASSERT_TRUE(replicate(early_, early));
  const auto held = replicate(late_, late, OnConflict::kMerge);
  ASSERT_TRUE(held) << held.error().detail;
  EXPECT_FALSE(held->added);
  EXPECT_EQ(held->song, early.song);
  EXPECT_FALSE(has_blob(late.song.audio));
  EXPECT_EQ(store().used_bytes(), early_.size());
}

TEST_F(LocalSongStoreTest, WhatTheCatalogueKnowsToHaveLostIsNotStored) {
  const auto late = record_of(late_, at_second(2));
  const auto early = record_of(early_, at_second(1));
  ASSERT_TRUE(await(library_->rows().merge({early.song})));
  for (const auto on_conflict : {OnConflict::kKeep, OnConflict::kMerge}) {
    const auto held = replicate(late_, late, on_conflict);
    ASSERT_TRUE(held) << held.error().detail;
    EXPECT_FALSE(held->added);
    EXPECT_EQ(held->song, early.song);
    EXPECT_EQ(failure(await(store().record(late.song.id))), Errc::kNotFound);
    EXPECT_FALSE(has_blob(late.song.audio));
  }
}

TEST_F(LocalSongStoreTest, TheSameAudioTakesTheTimeAtWhichItWasStoredFirst) {
  const auto first = record_of(early_, at_second(1));
  ASSERT_TRUE(replicate(early_, record_of(early_, at_second(3))));
  ASSERT_TRUE(replicate(early_, record_of(early_, at_second(2)), OnConflict::kMerge));
  EXPECT_EQ((*await(store().record(first.song.id)))->song.first_stored, at_second(2));
  EXPECT_EQ(await(store().read(first.song.id, {0, early_.size()})), early_);

  ASSERT_TRUE(await(store().remove(first.song.id, first.song.audio)));
  ASSERT_TRUE(await(library_->rows().merge({first.song})));
  const auto held = replicate(early_, record_of(early_, at_second(2)));
  ASSERT_TRUE(held) << held.error().detail;
  EXPECT_TRUE(held->added);
  EXPECT_EQ(held->song, first.song) << "as the catalogue knows it";
  EXPECT_EQ(**await(store().record(first.song.id)), first);
  EXPECT_EQ(store().used_bytes(), early_.size());
}

TEST_F(LocalSongStoreTest, OfTheSameMillisecondTheSmallerAudioHashWins) {
  auto one = record_of(early_, at_second(1));
  auto two = record_of(late_, at_second(1));
  const bool first_wins = one.song.audio < two.song.audio;
  ASSERT_TRUE(replicate(early_, one));
  const auto held = replicate(late_, two, OnConflict::kMerge);
  ASSERT_TRUE(held);
  EXPECT_EQ(held->song.audio, first_wins ? one.song.audio : two.song.audio);
}

TEST_F(LocalSongStoreTest, SupersededBytesStayForADayForStreamsUnderWay) {
  const auto late = record_of(late_, at_second(2));
  const auto early = record_of(early_, at_second(1));
  ASSERT_TRUE(replicate(late_, late));
  auto stream = await(library_->open(late.song.id, {0, late_.size()}, kNever));
  ASSERT_TRUE(stream);
  ASSERT_TRUE(replicate(early_, early, OnConflict::kMerge));

  EXPECT_EQ(store().remove_superseded(), 0u);
  clock_.hours = 23;
  EXPECT_EQ(store().remove_superseded(), 0u);
  Bytes played(late_.size());
  EXPECT_EQ(await((*stream)->read(played, kNever)), late_.size());
  EXPECT_EQ(played, late_);
  stream->reset();
  EXPECT_EQ(removable(), 0u) << "what gave way is no left-over";
  EXPECT_TRUE(has_blob(late.song.audio));

  open();
  clock_.hours = 25;
  ASSERT_TRUE(store().remove_superseded());
  // The library does the same after its start, beside us.
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (has_blob(late.song.audio) && std::chrono::steady_clock::now() < deadline) io_.run_for(5ms);
  EXPECT_FALSE(has_blob(late.song.audio));
  EXPECT_TRUE(has_blob(early.song.audio));
  EXPECT_EQ(failure(replicate(late_, late, OnConflict::kMerge)), Errc::kConflict) << "the tombstone stays";
  EXPECT_FALSE(has_blob(late.song.audio));
}

TEST_F(LocalSongStoreTest, WhatIsLetGoIsGoneWithItsBytesAndMayComeBack) {
  const auto record = record_of(early_, at_second(1));
  ASSERT_TRUE(replicate(early_, record));
  auto stream = await(library_->open(record.song.id, {0, early_.size()}, kNever));
  ASSERT_TRUE(stream);
  const auto used = store().used_bytes();
  EXPECT_EQ(failure(await(store().remove(record.song.id, core::sha256("other audio")))), Errc::kNotFound);
  EXPECT_TRUE(has_blob(record.song.audio));
  ASSERT_TRUE(await(store().remove(record.song.id, record.song.audio)));
  EXPECT_FALSE(has_blob(record.song.audio));
  EXPECT_LT(store().used_bytes(), used);
  EXPECT_EQ(failure(await(store().record(record.song.id))), Errc::kNotFound);
  EXPECT_EQ(failure(await(store().remove(record.song.id, record.song.audio))), Errc::kNotFound);
  Bytes played(early_.size());
  EXPECT_EQ(await((*stream)->read(played, kNever)), early_.size()) << "who listens goes on";
  EXPECT_TRUE(await(library_->song(record.song.id, kNever))) << "its row stays";
  stream->reset();

  close();
  open();
  EXPECT_EQ(failure(await(store().record(record.song.id))), Errc::kNotFound) << "durably";
  ASSERT_TRUE(replicate(early_, record));
  EXPECT_TRUE(has_blob(record.song.audio));
}

TEST_F(LocalSongStoreTest, RoomIsSetAsideBeforeTheBytesCome) {
  close();
  open(early_.size() + late_.size() - 1);
  ASSERT_TRUE(replicate(early_, record_of(early_, at_second(1), "One")));
  EXPECT_EQ(failure(await(store().receive(late_.size(), Purpose::kReplica, kNever))), Errc::kNoSpace);
  EXPECT_EQ(failure(await(store().receive(50'000'001, Purpose::kUpload, kNever))), Errc::kTooLarge);
  EXPECT_EQ(store().capacity_bytes(), early_.size() + late_.size() - 1);
}

TEST_F(LocalSongStoreTest, ReplicasAreFoundAndAnalysedLikeUploads) {
  const auto record = record_of(early_, at_second(1), "Corazón");
  ASSERT_TRUE(replicate(early_, record));
  core::SearchRequest query;
  query.query = "corazon";
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto found = await(library_->search(query, kNever));
    const auto facts = await(store().facts_of(record.song.id));
    if (found && found->songs.size() == 1 && facts) break;
    if (!facts) {
      EXPECT_EQ(facts.error().code, Errc::kUnavailable);
    }
    io_.restart();
    io_.run_for(5ms);
  }
  EXPECT_EQ(await(library_->search(query, kNever))->songs.size(), 1u);
  const auto facts = await(store().facts_of(record.song.id));
  ASSERT_TRUE(facts);
  EXPECT_FALSE(facts->damaged);
  EXPECT_EQ(facts->waveform.size(), core::kWaveformPoints);
}

}  // namespace
}  // namespace kadenza::services::library
