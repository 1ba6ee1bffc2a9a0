// SPDX-License-Identifier: AGPL-3.0-or-later
// Cut, empty, mislabelled, random and hostile files: each is refused with its reason, and the node goes on.
#include <algorithm>

#include "media_fixture.hpp"

namespace kadenza::services::media {
namespace {

using core::Errc;

class CutTest : public MediaTest, public testing::WithParamInterface<const char*> {};

TEST_P(CutTest, IsDamagedAndSaysSo) {
  const auto probed = probe(GetParam());
  ASSERT_FALSE(probed.has_value());
  EXPECT_EQ(probed.error().code, Errc::kDamagedMedia) << probed.error().detail;
  EXPECT_NE(probed.error().detail.find(std::string_view(GetParam()) == "short-tone.flac" ? "damaged" : "cut"),
            std::string::npos)
      << probed.error().detail;
}

INSTANTIATE_TEST_SUITE_P(All, CutTest,
                         testing::Values("cut-tone.mp3", "cut-cbr.mp3", "cut-tone.flac", "cut-tone.ogg",
                                         "cut-tone.opus", "cut-aac.m4a", "cut-alac.m4a", "cut-tone.wav",
                                         "cut-tone.aiff", "short-tone.mp3", "short-cbr.mp3",
                                         "short-tone.flac", "short-tone.ogg", "short-tone.opus",
                                         "short-aac.m4a", "short-alac.m4a", "short-tone.wav",
                                         "short-tone.aiff", "rotten.flac", "huge.flac", "huge.wav",
                                         "nested.m4a"),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::ranges::replace_if(
                               name, [](char c) { return c == '-' || c == '.'; }, '_');
                           return name;
                         });

class NoAudioTest : public MediaTest, public testing::WithParamInterface<const char*> {};

TEST_P(NoAudioTest, IsUnsupported) {
  const auto probed = probe(GetParam());
  ASSERT_FALSE(probed.has_value());
  EXPECT_EQ(probed.error().code, Errc::kUnsupportedMedia) << probed.error().detail;
}

INSTANTIATE_TEST_SUITE_P(All, NoAudioTest,
                         testing::Values("empty.mp3", "text.mp3", "random.mp3", "zeros.flac", "image.mp3",
                                         "video.mp4", "film.mp4", "flac.ogg", "wma.wma", "mp2.mp2",
                                         "huge-atom.m4a", "bomb.png"),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::ranges::replace_if(
                               name, [](char c) { return c == '-' || c == '.'; }, '_');
                           return name;
                         });

TEST_F(MediaTest, HugeTagsAreBounded) {
  const auto probed = probe("huge-tags.mp3");
  ASSERT_TRUE(probed.has_value()) << probed.error().detail;
  EXPECT_EQ(probed->tags.title, "Title; with; nuls");
  EXPECT_EQ(probed->tags.genres.size(), 64u);
  EXPECT_EQ(core::checked_tags(probed->tags)->genres.size(), core::kTagListMax);
}

TEST_F(MediaTest, TagsThatAreNoUtf8DoNoHarm) {
  const auto probed = probe("invalid-utf8.mp3");
  ASSERT_TRUE(probed.has_value()) << probed.error().detail;
  EXPECT_EQ(probed->tags.artist, "Artist");
}

TEST_F(MediaTest, AFileThatTakesTooLongIsEnded) {
  // A gigabyte of silence, of which the disk holds 44 bytes.
  core::UniqueFd file(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  auto header = read_file(fixture("hires.wav"));
  header.resize(4096);
  ASSERT_EQ(::pwrite(file.get(), header.data(), header.size(), 0), static_cast<ssize_t>(header.size()));
  ASSERT_EQ(::ftruncate(file.get(), 1 << 30), 0);
  auto impatient = options();
  impatient.foreground_limit = std::chrono::milliseconds(1);
  MediaService service(clock_, impatient);
  const auto limited = run(service.probe(file.get(), soon()));
  EXPECT_EQ(limited.error().code, Errc::kDamagedMedia);
  EXPECT_NE(limited.error().detail.find("too long"), std::string::npos) << limited.error().detail;
  EXPECT_EQ(run(service_.probe(file.get(), clock_.now() + std::chrono::milliseconds(1))).error().code,
            Errc::kDeadlineExceeded);
}

}  // namespace
}  // namespace kadenza::services::media
