// SPDX-License-Identifier: AGPL-3.0-or-later
// What is read from sound files of every format and kind of tag.

#include "media_fixture.hpp"

namespace kadenza::services::media {
namespace {

using core::AudioFormat;

struct Expected {
  const char* name;
  AudioFormat format;
  std::uint32_t sample_rate;
  std::uint8_t bits;
};

class FormatTest : public MediaTest, public testing::WithParamInterface<Expected> {};

TEST_P(FormatTest, PropertiesTagsAndCoverAreRead) {
  const auto& expected = GetParam();
  const auto probed = probe(expected.name);
  ASSERT_TRUE(probed.has_value()) << probed.error().detail;

  const auto& properties = probed->properties;
  EXPECT_EQ(properties.format, expected.format);
  EXPECT_NEAR(static_cast<double>(properties.duration.count()), 12'000, 60);
  EXPECT_EQ(properties.sample_rate, expected.sample_rate);
  EXPECT_EQ(properties.channels, 2);
  EXPECT_EQ(properties.bits_per_sample, expected.bits);
  const auto size = static_cast<double>(std::filesystem::file_size(fixture(expected.name)));
  EXPECT_LT(properties.bit_rate, size * 8 / 12 * 1.01);
  EXPECT_GT(properties.bit_rate, (size - 80'000) * 8 / 12 * 0.9);

  const core::Tags wanted{.title = "Corazón",
                          .artist = "Los Niños",
                          .album = "Álbum",
                          .album_artist = "Various",
                          .track = 3,
                          .track_total = 12,
                          .disc = 1,
                          .disc_total = 2,
                          .year = 1999,
                          .genres = {"Rock", "Latin", "Pop"},
                          .composers = {"Ana", "Berta"},
                          .bpm = 120,
                          .isrc = "ESA011234567",
                          .musicbrainz_recording = "0b9b1a34-5a1b-4b0a-8d7e-1f2e3d4c5b6a",
                          .compilation = true};
  EXPECT_EQ(probed->tags, wanted);
  ASSERT_TRUE(probed->cover.has_value());
  EXPECT_EQ(probed->cover->content_type, "image/jpeg");
  EXPECT_EQ(probed->cover->bytes, read_file(fixture("cover.jpg")));
}

INSTANTIATE_TEST_SUITE_P(All, FormatTest,
                         testing::Values(Expected{"tone.mp3", AudioFormat::kMp3, 44'100, 0},
                                         Expected{"tone.flac", AudioFormat::kFlac, 44'100, 16},
                                         Expected{"tone.ogg", AudioFormat::kVorbis, 44'100, 0},
                                         Expected{"tone.opus", AudioFormat::kOpus, 48'000, 0},
                                         Expected{"aac.m4a", AudioFormat::kAac, 44'100, 0},
                                         Expected{"alac.m4a", AudioFormat::kAlac, 44'100, 16},
                                         Expected{"tone.wav", AudioFormat::kWav, 44'100, 16},
                                         Expected{"tone.aiff", AudioFormat::kAiff, 44'100, 16}),
                         [](const auto& instance) {
                           return std::string(core::to_string(instance.param.format));
                         });

// Its packets say that they last 37 s in all.
TEST_F(MediaTest, VorbisWithManyShortBlocksIsWhole) {
  const auto probed = probe("drums.ogg");
  ASSERT_TRUE(probed) << probed.error().detail;
  EXPECT_NEAR(static_cast<double>(probed->properties.duration.count()), 40'000, 100);
}

class OldTagsTest : public MediaTest {};

TEST_F(OldTagsTest, Id3v1Alone) {
  const auto tags = probe("id3v1.mp3")->tags;
  EXPECT_EQ(tags.title, "Old title");
  EXPECT_EQ(tags.artist, "Old artist");
  EXPECT_EQ(tags.album, "Old album");
  EXPECT_EQ(tags.year, 1987);
  EXPECT_EQ(tags.track, 7);
  EXPECT_EQ(tags.genres, std::vector<std::string>{"Rock"});
}

TEST_F(OldTagsTest, Id3v22WithANumericGenre) {
  const auto tags = probe("id3v22.mp3")->tags;
  EXPECT_EQ(tags.title, "Old title");
  EXPECT_EQ(tags.year, 1987);
  EXPECT_EQ(tags.track, 7);
  EXPECT_EQ(tags.track_total, 9);
  EXPECT_EQ(tags.genres, std::vector<std::string>{"Rock"});
}

TEST_F(OldTagsTest, Id3v23WithItsOwnYearFrame) {
  const auto tags = probe("id3v23.mp3")->tags;
  EXPECT_EQ(tags.title, "Old title");
  EXPECT_EQ(tags.year, 1987);
  EXPECT_EQ(tags.genres, std::vector<std::string>{"Rock"});
}

TEST_F(OldTagsTest, RiffInfo) {
  const auto tags = probe("info.wav")->tags;
  EXPECT_EQ(tags.title, "Old title");
  EXPECT_EQ(tags.artist, "Old artist");
  EXPECT_EQ(tags.year, 1987);
}

TEST_F(OldTagsTest, ChunksOfAiff) {
  const auto tags = probe("chunks.aiff")->tags;
  EXPECT_EQ(tags.title, "Old title");
  EXPECT_EQ(tags.artist, "Old artist");
}

TEST_F(MediaTest, HighResolutionIsKnown) {
  const auto properties = probe("hires.wav")->properties;
  EXPECT_EQ(properties.sample_rate, 96'000u);
  EXPECT_EQ(properties.bits_per_sample, 24);
}

TEST_F(MediaTest, TheContentDecidesNotTheName) {
  EXPECT_EQ(probe("mislabelled.mp3")->properties.format, AudioFormat::kFlac);
}

TEST_F(MediaTest, DatesInsideAContainerNeedNoTimeZoneFile) {
  const auto probed = probe("dated.m4a");
  EXPECT_TRUE(probed.has_value()) << probed.error().detail;
}

TEST_F(MediaTest, FilesWithoutTagsHaveNone) {
  const auto probed = probe("cbr.mp3");
  ASSERT_TRUE(probed.has_value()) << probed.error().detail;
  EXPECT_EQ(probed->tags, core::Tags{});
  EXPECT_FALSE(probed->cover.has_value());
  EXPECT_NEAR(probed->properties.bit_rate, 128'000, 1000);
}

}  // namespace
}  // namespace kadenza::services::media
