// SPDX-License-Identifier: AGPL-3.0-or-later
#include "core/song.hpp"

#include <gtest/gtest.h>

#include "core/identity.hpp"
#include "core/music_library.hpp"

namespace kadenza::core {
namespace {

Tags minimal() {
  return {.title = "t", .artist = "a"};
}

TEST(CheckedTags, NamesWhatIsMissing) {
  EXPECT_EQ(checked_tags({}).error(), (Error{Errc::kMissingTags, "title and artist are missing"}));
  EXPECT_EQ(checked_tags({.artist = "a"}).error().detail, "title is missing");
  EXPECT_EQ(checked_tags({.title = "t", .artist = "\u200b "}).error().detail, "artist is missing");
}

TEST(CheckedTags, CutsLongTextsAtACharacterAndReplacesControlCharacters) {
  auto tags = minimal();
  for (int i = 0; i < 700; ++i) tags.album += "é";
  tags.title = std::string("a\0b\nc", 5);
  const auto checked = checked_tags(tags);
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked->album.size(), kTagTextBytesMax);
  EXPECT_EQ(checked->title, "a b c");
}

TEST(CheckedTags, BoundsAndDeduplicatesLists) {
  auto tags = minimal();
  for (int i = 0; i < 100; ++i) tags.genres.push_back("g" + std::to_string(i / 2));
  EXPECT_EQ(checked_tags(tags)->genres.size(), kTagListMax);
}

TEST(Tags, AreListedUnderAlbumArtistThenVariousArtistsThenArtist) {
  auto tags = minimal();
  EXPECT_EQ(tags.listed_artist(), "a");
  tags.album = "x";
  tags.compilation = true;
  EXPECT_EQ(tags.listed_artist(), kVariousArtists);
  tags.album_artist = "b";
  EXPECT_EQ(tags.listed_artist(), "b");
}

TEST(Song, WithoutAlbumHasNoAlbumId) {
  Song song{.tags = minimal()};
  EXPECT_FALSE(song.album_id());
  song.tags.album = "x";
  EXPECT_EQ(song.album_id(), album_id("a", "x"));
}

TEST(TagOverrides, WinOverTheFileOnlyWhereGiven) {
  const TagOverrides overrides{.title = "new", .year = 1999};
  const auto tags = overrides.apply_to({.title = "old", .artist = "a", .year = 1});
  EXPECT_EQ(tags.title, "new");
  EXPECT_EQ(tags.artist, "a");
  EXPECT_EQ(tags.year, 1999);
}

TEST(AudioFormat, NamesParseBack) {
  for (int i = 1; i <= 8; ++i) {
    const auto format = static_cast<AudioFormat>(i);
    EXPECT_EQ(parse_audio_format(to_string(format)), format);
  }
  EXPECT_FALSE(parse_audio_format("midi"));
}

}  // namespace
}  // namespace kadenza::core
