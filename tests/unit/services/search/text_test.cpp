// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/search/text.hpp"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unicode/unistr.h>

#include "services/search/edit_walk.hpp"
#include "services/search/query.hpp"

namespace kadenza::services::search {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> words;
  for (const auto& token : tokenize(text)) words.push_back(token.text);
  return words;
}

TEST(Tokenize, FoldsCaseAccentsAndWidth) {
  EXPECT_THAT(words("Corazón ÑANDÚ"), ElementsAre("corazon", "nandu"));
  EXPECT_THAT(words("Cafe\u0301"), ElementsAre("cafe"));
  EXPECT_THAT(words("Straße STRASSE"), ElementsAre("strasse", "strasse"));
  EXPECT_THAT(words("Ёлка ЖУК"), ElementsAre("елка", "жук"));
  EXPECT_THAT(words("Ὀδυσσεύς"), ElementsAre("οδυσσευσ"));
  EXPECT_THAT(words("Ｆｕｌｌ ｗｉｄｔｈ"), ElementsAre("full", "width"));
  EXPECT_THAT(words("Sigur Rós – Ágætis"), ElementsAre("sigur", "ros", "agaetis"));
  EXPECT_THAT(words("Łódź Øresund"), ElementsAre("lodz", "oresund"));
  EXPECT_THAT(words("İstanbul ılık"), ElementsAre("istanbul", "ilik"));
  EXPECT_THAT(words("עִבְרִית مُوسِيقَى"), ElementsAre("עברית", "موسيقى"));
}

TEST(Tokenize, ALetterIsTheSameWithAMarkTooMany) {
  for (UChar32 letter = 0x80; letter < 0x600; ++letter) {
    std::string alone, marked;
    icu::UnicodeString(letter).toUTF8String(alone);
    icu::UnicodeString(letter).append(UChar32{0x301}).toUTF8String(marked);
    EXPECT_EQ(words(alone), words(marked)) << "U+" << std::hex << letter;
  }
}

TEST(Tokenize, MakesPairsOfTextWithoutSpaces) {
  EXPECT_THAT(words("東京都"), ElementsAre("東", "東京", "京", "京都", "都"));
  EXPECT_EQ(words("カタカナ"), words("かたかな"));
  EXPECT_EQ(words("ｶﾞｷﾞ"), words("がぎ"));
  EXPECT_NE(words("が"), words("か"));
  EXPECT_THAT(words("서울 밤"), ElementsAre("서울", "밤"));
  EXPECT_TRUE(tokenize("東京")[0].gram);
  EXPECT_FALSE(tokenize("서울")[0].gram);
}

TEST(Tokenize, SplitsAndJoinsWhatPunctuationSeparates) {
  EXPECT_THAT(words("AC/DC"), ElementsAre("ac", "dc", "acdc"));
  EXPECT_THAT(words("l'Amour"), ElementsAre("l", "amour", "lamour"));
  EXPECT_THAT(words("Don’t"), ElementsAre("don", "t", "dont"));
  EXPECT_THAT(words("R.E.M."), ElementsAre("r", "e", "m", "rem"));
  EXPECT_THAT(words("soft\u00adhyphen"), ElementsAre("softhyphen"));
}

TEST(Tokenize, KeepsSymbolsWhenThereIsNothingElse) {
  EXPECT_THAT(words("÷"), ElementsAre("÷"));
  EXPECT_THAT(words("!!! ???"), ElementsAre("!!!", "???"));
  EXPECT_THAT(words("Help!"), ElementsAre("help"));
  EXPECT_TRUE(words(" \t\u00a0 ").empty());
}

TEST(Tokenize, SaysWhereTokensStandInTheOriginal) {
  const std::string text = "Ma\u0308dchen – Straße";
  const auto tokens = tokenize(text);
  ASSERT_EQ(tokens.size(), 2);
  EXPECT_EQ(text.substr(tokens[0].begin, tokens[0].end - tokens[0].begin), "Ma\u0308dchen");
  EXPECT_EQ(text.substr(tokens[1].begin, tokens[1].end - tokens[1].begin), "Straße");
  EXPECT_EQ(text.substr(0, prefix_end(text, tokens[0], 2)), "Ma\u0308");
  // Half of a letter that folds to two is the whole letter.
  EXPECT_EQ(text.substr(tokens[1].begin, prefix_end(text, tokens[1], 5) - tokens[1].begin), "Straß");
}

TEST(Tokenize, TakesAnyBytes) {
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    std::string text(random() % 60, ' ');
    for (auto& c : text) c = static_cast<char>(random() % 3 == 0 ? random() % 128 : random());
    for (const auto& token : tokenize(text)) {
      EXPECT_LE(token.begin, token.end);
      EXPECT_LE(token.end, text.size());
      EXPECT_LE(token.text.size(), kTokenBytesMax);
      EXPECT_LE(prefix_end(text, token, 3), text.size());
    }
  }
  const auto cut = tokenize(std::string(31, 'a') + std::string(200, '\xd0') + "я");
  EXPECT_FALSE(cut.empty());
}

TEST(ParseQuery, AllowsTypingErrorsByLength) {
  const auto edits = [](std::string_view text) { return parse_query(text).words.at(0).edits; };
  EXPECT_EQ(edits("abc"), 0);
  EXPECT_EQ(edits("abcd"), 1);
  EXPECT_EQ(edits("жуки"), 1);
  EXPECT_EQ(edits("abcdefg"), 1);
  EXPECT_EQ(edits("abcdefgh"), 2);
  EXPECT_EQ(edits("1999"), 0);
  EXPECT_EQ(edits("東京"), 0);
}

TEST(ParseQuery, KeepsEachWordOnceAndTheLastLast) {
  const auto query = parse_query("La la land LA");
  ASSERT_EQ(query.words.size(), 2);
  EXPECT_EQ(query.words[0].text, "land");
  EXPECT_EQ(query.words[1].text, "la");
  EXPECT_EQ(parse_query("東京都").words.size(), 2);
  EXPECT_TRUE(parse_query("  ").words.empty());
  std::string many;
  for (int i = 0; i < 60; ++i)
    many += std::string(1, static_cast<char>('a' + i % 26)) + std::to_string(i) + " ";
  EXPECT_EQ(parse_query(many).words.size(), kQueryWordsMax);
}

TEST(EditDistance, CountsEachKindOfErrorOnce) {
  EXPECT_TRUE(is_within("beatles", "beatles", 0));
  EXPECT_TRUE(is_within("beatles", "betles", 1));
  EXPECT_TRUE(is_within("beatles", "beattles", 1));
  EXPECT_TRUE(is_within("beatles", "beatlas", 1));
  EXPECT_TRUE(is_within("beatles", "baetles", 1));
  EXPECT_FALSE(is_within("beatles", "baetlas", 1));
  EXPECT_TRUE(is_within("beatles", "baetlas", 2));
  EXPECT_TRUE(is_within("жуки", "жyки", 1));
  EXPECT_FALSE(is_within("beatles", "", 2));
}

TEST(EditDistance, OfABeginning) {
  EXPECT_TRUE(begins_within("beetl", "beatles", 1));
  EXPECT_TRUE(begins_within("beta", "beatles", 1));
  EXPECT_FALSE(begins_within("bxxtl", "beatles", 1));
  EXPECT_FALSE(begins_within("beatlesque", "beatles", 2));
}

}  // namespace
}  // namespace kadenza::services::search
