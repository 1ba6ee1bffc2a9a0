// SPDX-License-Identifier: AGPL-3.0-or-later
#include "transcript.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>

namespace kadenza::distributed::kademlia {
namespace {

std::vector<std::string> scripts() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(KADENZA_SCRIPTS)) {
    if (file.path().extension() == ".txt") names.push_back(file.path().stem().string());
  }
  return names;
}

class Transcript : public ::testing::TestWithParam<std::string> {};

TEST_P(Transcript, HappensAsWritten) {
  std::ifstream file(std::filesystem::path(KADENZA_SCRIPTS) / (GetParam() + ".txt"));
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(testing::play_transcript(text.str()), "");
}

INSTANTIATE_TEST_SUITE_P(Scripts, Transcript, ::testing::ValuesIn(scripts()),
                         [](const auto& script) { return script.param; });

TEST(TranscriptRunner, NoticesWhatIsMissingAndWhatIsTooMuch) {
  const std::string opening = "node 0000\ncontact A 8000\n";
  EXPECT_EQ(testing::play_transcript(opening + "< A ping\n> A pong\n> A ping\n"), "");
  EXPECT_NE(testing::play_transcript(opening + "< A ping\n> A pong\n"), "");
  EXPECT_NE(testing::play_transcript(opening + "< A ping\n> A pong\n> A ping\n> A ping again\n"), "");
  EXPECT_NE(testing::play_transcript(opening + "table A\n"), "");
  EXPECT_NE(testing::play_transcript("nonsense\n"), "");
}

}  // namespace
}  // namespace kadenza::distributed::kademlia
