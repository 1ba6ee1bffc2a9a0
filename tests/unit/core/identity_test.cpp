// SPDX-License-Identifier: AGPL-3.0-or-later
#include "core/identity.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "core/sha256.hpp"

namespace kadenza::core {
namespace {

TEST(Normalise, FoldsCaseWidthAndCompositionAndCollapsesWhiteSpace) {
  EXPECT_EQ(normalise("CORAZÓN"), "corazón");
  EXPECT_EQ(normalise("Corazo\u0301n"), "corazón");
  EXPECT_EQ(normalise("ＡＢＣ　１"), "abc 1");
  EXPECT_EQ(normalise("Straße"), "strasse");
  EXPECT_EQ(normalise("  a \t\n b\u00a0c  "), "a b c");
  EXPECT_EQ(normalise("ﬁn"), "fin");
  EXPECT_EQ(normalise(""), "");
  EXPECT_EQ(normalise(" \u200b "), "");
}

TEST(Normalise, TreatsAsciiAsItTreatsAllText) {
  const std::string other = "é";
  for (char c = 0; c >= 0 && c < 0x7f; ++c) {
    for (const auto& text :
         {std::string("A") + c + "b", std::string(1, c) + c + "x", std::string("x ") + c + "Z"})
      EXPECT_EQ(normalise(text) + other, normalise(text + other)) << static_cast<int>(c);
  }
  EXPECT_EQ(normalise("  a \t B  "), "a b");
}

TEST(Normalise, IsIdempotent) {
  for (const auto* text : {"İstanbul", "ΑΣ ΟΔΥΣΣΕΥΣ", "Пісня", "歌 ガ", "x\xff\xfe y", "ǅ ﷺ"}) {
    EXPECT_EQ(normalise(normalise(text)), normalise(text)) << text;
  }
}

TEST(Normalise, ReplacesMalformedUtf8) {
  EXPECT_EQ(normalise("a\xff"), "a\uFFFD");
}

TEST(SongId, IsTheHashOfTheLengthPrefixedNormalisedThree) {
  const std::string hashed("\0\0\0\1a\0\0\0\2bc\0\0\0\0", 15);
  EXPECT_EQ(song_id("A", "BC", "").bytes, sha256(hashed).bytes);
}

TEST(SongId, IgnoresCaseAndSpacingButNotWhereAFieldEnds) {
  EXPECT_EQ(song_id("Por Una Cabeza", "Carlos  Gardel", ""), song_id("por una cabeza", "carlos gardel", " "));
  EXPECT_NE(song_id("ab", "c", ""), song_id("a", "bc", ""));
  EXPECT_NE(song_id("a", "b", "c"), song_id("a", "c", "b"));
}

// The published vectors of docs/song-id.md: they must never change.
TEST(SongId, MatchesThePublishedVectors) {
  struct Vector {
    const char *title, *artist, *album, *id;
  };
  const Vector vectors[] = {
      {"Stupid Dreams", "Maxstack", "Endgame: Singularity",
       "6eqgvtbd3esovpoecmezkc6b4plvhd6c74mzxeq2ueeo2solvrja"},
      {"A", "BC", "", "yc7kkwk4c57jneef43nuflfzjomuk74vl43viyzaq3eopdyqg2rq"},
      {"CORAZO\u0301N", "  los  Ángeles ", "Canción", "uf2hwy7l2yi45u274jdt4bhbd5heererilxuzcykw6biwk6x3dca"},
      {"corazón", "Los Ángeles", "canción", "uf2hwy7l2yi45u274jdt4bhbd5heererilxuzcykw6biwk6x3dca"},
      {"Straße", "ＡＢＣ", "ﬁn", "btzzbez6j3eo74r2dwhwvjpea5xryswyyzezrb7f7z6y2z3jt7oa"},
      {"Пісня", "ΟΔΥΣΣΕΥΣ", "歌 ガ", "jz6vycarfj5jgbxlz5jm7ic3ptc6bw4hgaynfsw6epstduyyhxga"},
  };
  for (const auto& [title, artist, album, id] : vectors)
    EXPECT_EQ(song_id(title, artist, album).text(), id) << title;
}

TEST(CatalogueShard, IsSharedByAnArtistAndAllItsAlbums) {
  for (const auto* album : {"One", "Two", "Three", "Four"}) {
    EXPECT_EQ(shard_of(album_id("Mercedes Sosa", album)), shard_of(artist_id("mercedes sosa")));
  }
}

TEST(CatalogueShard, OfVariousArtistsIsSpreadByAlbum) {
  std::set<int> shards;
  for (int i = 0; i < 40; ++i)
    shards.insert(shard_of(album_id("various artists", "Hits " + std::to_string(i))));
  EXPECT_GT(shards.size(), 20U);
}

}  // namespace
}  // namespace kadenza::core
