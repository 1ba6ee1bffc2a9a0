// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/song_file.hpp"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "core/sha256.hpp"
#include "support/temporary_folder.hpp"

namespace kadenza::interface {
namespace {

std::span<const std::uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
std::string content(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(FileNames, AreSafeWhateverTheTagsSay) {
  middleware::SongInfo song;
  song.artist = "AC/DC";
  song.title = "..\n";
  song.format = "mp3";
  EXPECT_EQ(file_name_for(song), "AC_DC - ..\uFFFD.mp3");
  song.artist = "../../etc";
  EXPECT_EQ(file_name_for(song).find('/'), std::string::npos);
  EXPECT_NE(file_name_for(song).front(), '.');
  song.title = std::string(400, 'x');
  EXPECT_LE(file_name_for(song).size() + 5, 255U);
}

TEST(SongFile, AppearsOnlyWhenWholeAndRight) {
  const testing::TemporaryFolder folder;
  const auto target = folder.path() / "song.mp3";
  {
    auto file = SongFile::open(target);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->append(bytes("hel")));
    EXPECT_FALSE(std::filesystem::exists(target));
  }
  auto file = SongFile::open(target);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size(), 3U) << "the earlier run's bytes were not taken up";
  ASSERT_TRUE(file->append(bytes("lo")));
  ASSERT_TRUE(file->finish(core::sha256("hello").text()));
  EXPECT_EQ(content(target), "hello");
  EXPECT_FALSE(std::filesystem::exists(target.string() + ".part"));
}

TEST(SongFile, WrongBytesAreNotKept) {
  const testing::TemporaryFolder folder;
  const auto target = folder.path() / "song.mp3";
  {
    auto file = SongFile::open(target);
    ASSERT_TRUE(file && file->append(bytes("jello")));
    EXPECT_EQ(file->finish(core::sha256("hello").text()).error().code, core::Errc::kCorrupted);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace kadenza::interface
