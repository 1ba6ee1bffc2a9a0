// SPDX-License-Identifier: AGPL-3.0-or-later
#include "contract/music_library_contract.hpp"

#include <algorithm>
#include <set>

#include "core/identity.hpp"
#include "support/tones.hpp"

namespace kadenza::testing {

using core::AlbumListRequest;
using core::ByteRange;
using core::Errc;
using core::PageRequest;
using core::SongListRequest;
using core::TagOverrides;

MusicLibraryContract::MusicLibraryContract()
    : under_test_(GetParam().make()), work_(under_test_->io_context().get_executor()) {
  for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { under_test_->io_context().run(); });
}

MusicLibraryContract::~MusicLibraryContract() {
  work_.reset();
  under_test_->io_context().stop();
  threads_.clear();
}

core::Task<core::Result<core::UploadOutcome>> MusicLibraryContract::upload(std::vector<std::uint8_t> file,
                                                                           TagOverrides tags) {
  auto started = co_await library().start_upload(file.size(), soon());
  if (!started) co_return std::unexpected(started.error());
  auto& upload = **started;
  constexpr std::size_t kPiece = 100'000;
  for (std::size_t at = 0; at < file.size(); at += kPiece) {
    const auto piece = std::span(file).subspan(at, std::min(kPiece, file.size() - at));
    KADENZA_CO_TRY_VOID(co_await upload.write(piece, soon()));
  }
  co_return co_await upload.finish(std::move(tags), soon());
}

core::UploadOutcome MusicLibraryContract::must_upload(std::vector<std::uint8_t> file, TagOverrides tags) {
  auto outcome = await(upload(std::move(file), std::move(tags)));
  EXPECT_TRUE(outcome) << (outcome ? "" : outcome.error().detail);
  return outcome.value_or(core::UploadOutcome{});
}

core::Task<core::Result<std::vector<std::uint8_t>>> MusicLibraryContract::read_all(core::SongId id,
                                                                                   ByteRange range) {
  auto opened = co_await library().open(id, range, soon());
  if (!opened) co_return std::unexpected(opened.error());
  std::vector<std::uint8_t> all;
  std::vector<std::uint8_t> buffer(30'000);
  while (true) {
    auto got = co_await (*opened)->read(buffer, soon());
    if (!got) co_return std::unexpected(got.error());
    if (*got == 0) co_return all;
    all.insert(all.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*got));
  }
}

bool MusicLibraryContract::eventually(std::chrono::milliseconds limit, const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

namespace {

TagOverrides tags(std::string title, std::string artist, std::string album = "", std::uint16_t track = 0) {
  TagOverrides overrides;
  overrides.title = std::move(title);
  overrides.artist = std::move(artist);
  overrides.album = std::move(album);
  overrides.track = track;
  return overrides;
}

core::SearchRequest query(std::string words) {
  core::SearchRequest request;
  request.query = std::move(words);
  return request;
}

TEST_P(MusicLibraryContract, GivesBackTheBytesThatWereUploaded) {
  const auto file = make_wav(440, 3);
  const auto outcome = must_upload(file, tags("Corazón", "Ana", "Uno", 3));
  EXPECT_TRUE(outcome.added);
  EXPECT_EQ(outcome.song.id, core::song_id("corazón", "ANA", "uno"));
  EXPECT_EQ(outcome.song.size, file.size());
  EXPECT_EQ(outcome.song.properties.format, core::AudioFormat::kWav);
  EXPECT_NEAR(static_cast<double>(outcome.song.properties.duration.count()), 3000, 20);
  EXPECT_EQ(await(library().song(outcome.song.id, soon())), outcome.song);
  EXPECT_EQ(await(read_all(outcome.song.id, {0, file.size()})), file);
}

TEST_P(MusicLibraryContract, ServesAnyRangeInsideTheFileAndRefusesOthers) {
  const auto file = make_wav(440, 4);
  const auto id = must_upload(file, tags("t", "a")).song.id;
  for (const auto& range : {ByteRange{0, 1}, ByteRange{65'535, 2}, ByteRange{65'536, 65'536},
                            ByteRange{file.size() - 1, 1}, ByteRange{70'000, 0}}) {
    const std::vector<std::uint8_t> expected(
        file.begin() + static_cast<std::ptrdiff_t>(range.offset),
        file.begin() + static_cast<std::ptrdiff_t>(range.offset + range.length));
    EXPECT_EQ(await(read_all(id, range)), expected) << range.offset << "+" << range.length;
  }
  for (const auto& range :
       {ByteRange{0, file.size() + 1}, ByteRange{file.size() + 1, 0}, ByteRange{~0ULL, 2}}) {
    const auto opened = await(library().open(id, range, soon()));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::kInvalidArgument);
  }
}

TEST_P(MusicLibraryContract, RecognisesTheSameSongAndKeepsTheFirstAudio) {
  const auto first = make_wav(440);
  const auto stored = must_upload(first, tags("Tango", "Ana", "Uno"));
  const auto again = must_upload(first, tags("TANGO", " ana", "uno"));
  EXPECT_FALSE(again.added);
  EXPECT_TRUE(again.same_audio);
  EXPECT_EQ(again.song, stored.song);

  const auto other = must_upload(make_wav(880), tags("Tango", "Ana", "Uno"));
  EXPECT_FALSE(other.added);
  EXPECT_FALSE(other.same_audio);
  EXPECT_EQ(await(read_all(stored.song.id, {0, first.size()})), first);
  EXPECT_EQ(await(library().totals(soon()))->songs, 1U);
}

TEST_P(MusicLibraryContract, StoresTheSameAudioUnderTwoNames) {
  const auto file = make_wav(440);
  const auto one = must_upload(file, tags("One", "Ana"));
  const auto two = must_upload(file, tags("Two", "Ana"));
  EXPECT_TRUE(two.added);
  EXPECT_NE(one.song.id, two.song.id);
  EXPECT_EQ(await(read_all(one.song.id, {0, file.size()})), await(read_all(two.song.id, {0, file.size()})));
}

TEST_P(MusicLibraryContract, OfManyAtOnceExactlyOneIsAdded) {
  std::vector<std::future<core::Result<core::UploadOutcome>>> uploads;
  for (int i = 0; i < 8; ++i) uploads.push_back(start(upload(make_wav(200 + 50 * i), tags("Race", "Ana"))));
  std::vector<core::UploadOutcome> outcomes;
  for (auto& upload : uploads) {
    auto outcome = upload.get();
    ASSERT_TRUE(outcome) << outcome.error().detail;
    outcomes.push_back(*outcome);
  }
  EXPECT_EQ(std::ranges::count(outcomes, true, &core::UploadOutcome::added), 1);
  EXPECT_EQ(std::ranges::count(outcomes, true, &core::UploadOutcome::same_audio), 1);
  for (const auto& outcome : outcomes) EXPECT_EQ(outcome.song.audio, outcomes.front().song.audio);
}

TEST_P(MusicLibraryContract, SaysWhyAnUploadIsRefusedAndKeepsNothing) {
  const auto refused = [&](std::vector<std::uint8_t> file, TagOverrides with) {
    const auto outcome = await(upload(std::move(file), std::move(with)));
    EXPECT_FALSE(outcome);
    return outcome ? core::Error{} : outcome.error();
  };
  EXPECT_EQ(refused(make_wav(440), {}), (core::Error{Errc::kMissingTags, "title and artist are missing"}));
  const std::string prose = "this is no music at all, only words";
  EXPECT_EQ(refused({prose.begin(), prose.end()}, tags("t", "a")).code, Errc::kUnsupportedMedia);
  EXPECT_EQ(refused({}, tags("t", "a")).code, Errc::kUnsupportedMedia);
  EXPECT_EQ(await(library().totals(soon()))->songs, 0U);
  EXPECT_EQ(await(library().totals(soon()))->bytes, 0U);
}

TEST_P(MusicLibraryContract, AnAbandonedUploadLeavesNothing) {
  {
    auto started = await(library().start_upload(std::nullopt, soon()));
    ASSERT_TRUE(started);
    const auto file = make_wav(440);
    ASSERT_TRUE(await((*started)->write(file, soon())));
  }
  EXPECT_EQ(await(library().totals(soon()))->songs, 0U);
}

TEST_P(MusicLibraryContract, FindsASongWithinASecondOfItsAcknowledgement) {
  const auto id = must_upload(make_wav(440), tags("Corazón espinado", "Maná", "Sueños")).song.id;
  for (const auto* words : {"corazon", "CORAZÓN esp", "mana suenos", "corason", "espinato"}) {
    EXPECT_TRUE(eventually(std::chrono::seconds(1), [&] {
      const auto found = await(library().search(query(words), soon()));
      return found && found->songs.size() == 1 && found->songs[0].item.id == id;
    })) << words;
  }
  const auto found = await(library().search(query("mana"), soon()));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->artists.size(), 1U);
  EXPECT_FALSE(found->partial);
  ASSERT_FALSE(found->songs.empty());
  ASSERT_EQ(found->songs[0].highlights.size(), 1U);
  EXPECT_EQ(found->songs[0].highlights[0].field, core::Highlight::Field::kArtist);
  EXPECT_TRUE(await(library().search(query("zzzzzz"), soon()))->songs.empty());
}

TEST_P(MusicLibraryContract, ListsAlbumsArtistsAndGenres) {
  auto first = tags("B side", "Ana", "Uno", 2);
  first.genres = {"Tango"};
  first.year = 1999;
  auto second = tags("A side", "Ana", "Uno", 1);
  second.genres = {"Tango", "Jazz"};
  auto guest = tags("Duet", "Berta", "Uno", 3);
  guest.album_artist = "Ana";
  const auto b = must_upload(make_wav(300), first).song;
  const auto a = must_upload(make_wav(400), second).song;
  const auto duet = must_upload(make_wav(500), guest).song;

  const auto album = await(library().album(*b.album_id(), soon()));
  ASSERT_TRUE(album) << album.error().detail;
  EXPECT_EQ(album->album.title, "Uno");
  EXPECT_EQ(album->album.artist, "Ana");
  EXPECT_EQ(album->album.song_count, 3U);
  EXPECT_EQ(album->album.year, 1999);
  EXPECT_EQ(album->songs, (std::vector{a, b, duet}));

  const auto ana = await(library().artist(core::artist_id("ana"), soon()));
  ASSERT_TRUE(ana);
  EXPECT_EQ(ana->artist.album_count, 1U);
  EXPECT_EQ(ana->artist.song_count, 3U);
  EXPECT_EQ(ana->albums.size(), 1U);
  const auto berta = await(library().artist(core::artist_id("Berta"), soon()));
  ASSERT_TRUE(berta);
  EXPECT_TRUE(berta->albums.empty());
  EXPECT_EQ(berta->appears_on.size(), 1U);

  const auto artists = await(library().artists(PageRequest{}, soon()));
  ASSERT_TRUE(artists);
  ASSERT_EQ(artists->items.size(), 2U);
  EXPECT_EQ(artists->items[0].name, "Ana");
  const auto genres = await(library().genres(PageRequest{}, soon()));
  ASSERT_TRUE(genres);
  ASSERT_EQ(genres->items.size(), 2U);
  EXPECT_EQ(genres->items[0].name, "Jazz");
  EXPECT_EQ(genres->items[1].song_count, 2U);

  AlbumListRequest jazz;
  jazz.genre = "Jazz";
  EXPECT_EQ(await(library().albums(jazz, soon()))->items.size(), 1U);
  AlbumListRequest nineties;
  nineties.order = AlbumListRequest::Order::kYear;
  nineties.year_from = 1990;
  nineties.year_to = 1999;
  EXPECT_EQ(await(library().albums(nineties, soon()))->items.size(), 1U);
  nineties.year_to = 1998;
  EXPECT_EQ(await(library().albums(nineties, soon()))->items.size(), 0U);
}

TEST_P(MusicLibraryContract, PagesGiveEverySongOnceInEveryOrder) {
  constexpr int kSongs = 23;
  std::set<core::SongId> uploaded;
  for (int i = 0; i < kSongs; ++i) {
    uploaded.insert(must_upload(make_wav(200 + i, 0.3), tags("Song " + std::to_string(i), "Ana")).song.id);
  }
  using Order = SongListRequest::Order;
  for (const auto order : {Order::kNewest, Order::kRandom, Order::kTitle}) {
    SongListRequest request;
    request.order = order;
    request.seed = 7;
    request.page.limit = 5;
    std::vector<core::SongId> listed;
    do {
      const auto page = await(library().songs(request, soon()));
      ASSERT_TRUE(page) << page.error().detail;
      for (const auto& song : page->items) listed.push_back(song.id);
      request.page.cursor = page->next;
    } while (!request.page.cursor.empty() && listed.size() <= kSongs);
    EXPECT_EQ(listed.size(), uploaded.size());
    EXPECT_EQ(std::set(listed.begin(), listed.end()), uploaded);
  }
}

TEST_P(MusicLibraryContract, RefusesForeignCursorsAndLimits) {
  SongListRequest request;
  request.page.cursor = "not a cursor of ours";
  EXPECT_EQ(await(library().songs(request, soon())).error().code, Errc::kInvalidArgument);
  request.page = {0, ""};
  EXPECT_EQ(await(library().songs(request, soon())).error().code, Errc::kInvalidArgument);
  request.page = {core::kPageLimitMax + 1, ""};
  EXPECT_EQ(await(library().songs(request, soon())).error().code, Errc::kInvalidArgument);
}

TEST_P(MusicLibraryContract, DoesNotKnowWhatWasNeverUploaded) {
  const auto unknown = core::song_id("no", "such", "song");
  EXPECT_EQ(await(library().song(unknown, soon())).error().code, Errc::kNotFound);
  EXPECT_EQ(await(library().open(unknown, {0, 0}, soon())).error().code, Errc::kNotFound);
  EXPECT_EQ(await(library().cover(unknown, 0, soon())).error().code, Errc::kNotFound);
  EXPECT_EQ(await(library().derived_facts(unknown, soon())).error().code, Errc::kNotFound);
  EXPECT_EQ(await(library().album(core::album_id("no", "such"), soon())).error().code, Errc::kNotFound);
  EXPECT_EQ(await(library().artist(core::artist_id("nobody"), soon())).error().code, Errc::kNotFound);
}

TEST_P(MusicLibraryContract, ComputesLoudnessAndWaveformAfterwards) {
  const auto id = must_upload(make_wav(1000, 3), tags("t", "a")).song.id;
  core::Result<core::DerivedFacts> facts;
  EXPECT_TRUE(eventually(std::chrono::seconds(20), [&] {
    facts = await(library().derived_facts(id, soon()));
    return facts || facts.error().code != Errc::kUnavailable;
  }));
  ASSERT_TRUE(facts) << facts.error().detail;
  EXPECT_FALSE(facts->damaged);
  EXPECT_EQ(facts->waveform.size(), core::kWaveformPoints);
  ASSERT_TRUE(facts->loudness);
  EXPECT_NEAR(facts->loudness->integrated_lufs, -11.7, 1.0) << "a 1 kHz tone of −8.7 dBFS peak";
}

TEST_P(MusicLibraryContract, DoesNotStartWhatIsTooLate) {
  const auto late = soon() - std::chrono::hours(1);
  const auto id = must_upload(make_wav(440), tags("t", "a")).song.id;
  EXPECT_EQ(await(library().song(id, late)).error().code, Errc::kDeadlineExceeded);
  EXPECT_EQ(await(library().search(query("t"), late)).error().code, Errc::kDeadlineExceeded);
  EXPECT_EQ(await(library().start_upload(std::nullopt, late)).error().code, Errc::kDeadlineExceeded);
}

}  // namespace
}  // namespace kadenza::testing
