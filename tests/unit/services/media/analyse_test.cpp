// SPDX-License-Identifier: AGPL-3.0-or-later
#include <algorithm>

#include "media_fixture.hpp"

namespace kadenza::services::media {
namespace {

TEST_F(MediaTest, LoudnessAndWaveformAreMeasured) {
  // Left a sine of amplitude 1/16 (lavfi's sine has 1/8, halved), right noise up to 0.1.
  for (const auto* name :
       {"tone.flac", "tone.wav", "tone.aiff", "alac.m4a", "tone.mp3", "tone.ogg", "tone.opus", "aac.m4a"}) {
    const auto facts = analyse(name);
    ASSERT_TRUE(facts.has_value()) << name << facts.error().detail;
    ASSERT_TRUE(facts->loudness.has_value()) << name;
    EXPECT_NEAR(facts->loudness->integrated_lufs, -21.5, 1.5) << name;
    EXPECT_GT(facts->loudness->true_peak, 0.08) << name;
    EXPECT_LT(facts->loudness->true_peak, 0.5) << name;
    EXPECT_LT(facts->loudness->range_lu, 1.5) << name;
    ASSERT_EQ(facts->waveform.size(), core::kWaveformPoints);
    EXPECT_GT(*std::ranges::min_element(facts->waveform), 15) << name;
    EXPECT_EQ(facts->damaged, std::nullopt) << name << *facts->damaged;
  }
}

TEST_F(MediaTest, SilenceHasNoLoudness) {
  const auto facts = analyse("silence.flac");
  ASSERT_TRUE(facts.has_value());
  EXPECT_EQ(facts->loudness, std::nullopt);
  EXPECT_EQ(facts->waveform, std::vector<std::uint8_t>(core::kWaveformPoints, 0));
  EXPECT_EQ(facts->damaged, std::nullopt);
}

TEST_F(MediaTest, ShortFilesFillTheWaveformToo) {
  EXPECT_EQ(analyse("second.mp3")->waveform.size(), core::kWaveformPoints);
}

TEST_F(MediaTest, DamageIsAFactNotAnError) {
  for (const auto* name : {"rotten.flac", "cut-tone.mp3", "cut-tone.ogg"}) {
    const auto facts = analyse(name);
    ASSERT_TRUE(facts.has_value()) << name;
    EXPECT_TRUE(facts->damaged.has_value()) << name;
    EXPECT_EQ(facts->waveform.size(), core::kWaveformPoints) << name;
  }
}

// Long enough that the C library wants to know the machine's memory before it sorts the loudness of its
// blocks.
TEST_F(MediaTest, ASongOfMinutesIsAnalysedInsideTheSandbox) {
  const auto facts = analyse("drums.ogg");
  ASSERT_TRUE(facts) << facts.error().detail;
  EXPECT_EQ(facts->damaged, std::nullopt);
  EXPECT_TRUE(facts->loudness.has_value());
}

TEST_F(MediaTest, WhatIsNoAudioIsNotAnalysed) {
  EXPECT_EQ(analyse("text.mp3").error().code, core::Errc::kUnsupportedMedia);
}

}  // namespace
}  // namespace kadenza::services::media
