// SPDX-License-Identifier: AGPL-3.0-or-later
#include <clocale>
#include <sstream>

#include <gtest/gtest.h>

#include "environment.hpp"
#include "interface/i18n.hpp"
#include "interface/progress.hpp"
#include "interface/search_view.hpp"
#include "interface/upload_report.hpp"

namespace kadenza::interface {
namespace {

using namespace std::chrono_literals;

class Rendering : public ::testing::Test {
 protected:
  void SetUp() override { std::setlocale(LC_CTYPE, "C.UTF-8"); }
  std::ostringstream out_, err_;
  Console console_{out_, err_};
};

TEST_F(Rendering, StrangersTextCannotCommandTheTerminal) {
  EXPECT_EQ(printable("a\x1b[2Jb\nc\x7f"), "a\uFFFD[2Jb\uFFFDc\uFFFD");
  EXPECT_EQ(printable("right\u202eleft"), "right\uFFFDleft");
  EXPECT_EQ(printable("cut \xc3"), "cut \uFFFD");
  EXPECT_EQ(printable("Corazón 心"), "Corazón 心");
}

TEST_F(Rendering, WideCharactersCountTwice) {
  EXPECT_EQ(display_width("心a"), 3U);
  EXPECT_EQ(fitted("心心心", 5), "心心…");
  EXPECT_EQ(fitted("ab", 4), "ab  ");
  EXPECT_EQ(display_width(fitted("心心心", 4)), 4U);
}

TEST_F(Rendering, SizesAndTimes) {
  EXPECT_EQ(format_bytes(999), "999 B");
  EXPECT_EQ(format_bytes(12'345'678), "12.3 MB");
  EXPECT_EQ(format_duration(65), "1:05");
  EXPECT_EQ(format_duration(3723), "1:02:03");
}

TEST_F(Rendering, ProgressShowsShareRateAndTimeLeft) {
  const Progress::Clock::time_point start{};
  Progress progress(console_, 100'000'000, 4, start);
  progress.moved(25'000'000);
  progress.item_done();
  const std::string line = progress.line(start + 5s, 100);
  for (const char* part : {"25 %", "25.0 MB", "5.0 MB/s", "1/4", "0:15 left"}) {
    EXPECT_NE(line.find(part), std::string::npos) << part << " is not in " << line;
  }
  EXPECT_LE(display_width(progress.line(start + 5s, 30)), 30U);
  EXPECT_TRUE(err_.str().empty()) << "drew although errors do not go to a terminal";
}

middleware::SearchAnswer sample_answer() {
  middleware::SearchAnswer answer;
  middleware::SongHit hit;
  hit.song.id = std::string(52, 'i');
  hit.song.title = "Mi Corazón";
  hit.song.artist = "Ana";
  hit.song.album = "Álbum";
  hit.song.duration = 185s;
  hit.highlights = {{"title", 3, 7}};
  answer.songs.push_back(hit);
  answer.artists.push_back({"x", "Ana", 1, {}});
  return answer;
}

TEST_F(Rendering, SearchResultsWithoutATerminalArePlain) {
  print_search(console_, sample_answer());
  EXPECT_NE(out_.str().find("  Mi Corazón  Ana  Álbum  3:05  " + std::string(52, 'i')), std::string::npos)
      << out_.str();
  EXPECT_EQ(out_.str().find('\x1b'), std::string::npos);
}

TEST_F(Rendering, MatchesAreColouredByCodePoint) {
  console_.colour = true;
  console_.width = 200;
  print_search(console_, sample_answer());
  EXPECT_NE(out_.str().find("Mi \x1b[1;33mCorazón\x1b[0m"), std::string::npos) << out_.str();
}

TEST_F(Rendering, ANarrowTerminalGetsNoLineTooLong) {
  console_.width = 60;
  auto answer = sample_answer();
  answer.songs[0].song.title = std::string(300, 't');
  print_search(console_, answer);
  std::istringstream lines(out_.str());
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 60U) << line;
  EXPECT_NE(out_.str().find(std::string(52, 'i')), std::string::npos);
}

TEST_F(Rendering, NothingFoundAndPartialAreSaid) {
  middleware::SearchAnswer answer;
  answer.partial = true;
  print_search(console_, answer);
  EXPECT_EQ(out_.str(), "Nothing was found.\n");
  EXPECT_NE(err_.str().find("Some nodes"), std::string::npos);
}

UploadResult result(UploadResult::Kind kind) {
  UploadResult made;
  made.path = "file.mp3";
  made.kind = kind;
  made.error = {core::Errc::kMissingTags, "The title is missing."};
  return made;
}

TEST_F(Rendering, AnUploadIsSummedUp) {
  using Kind = UploadResult::Kind;
  UploadReport report;
  report.results = {result(Kind::kAdded), result(Kind::kAdded), result(Kind::kAlreadyThere),
                    result(Kind::kOtherAudio), result(Kind::kRefused)};
  report.files = 5;
  report.bytes = 10'000'000;
  report.time = 2s;
  report.print(console_);
  EXPECT_EQ(out_.str(), "2 added, 2 already there, 1 refused (10.0 MB, 5.0 MB/s, 0:02)\n");
  EXPECT_NE(err_.str().find("file.mp3: title or artist is missing: The title is missing."), std::string::npos)
      << err_.str();
  EXPECT_NE(err_.str().find("different audio"), std::string::npos);
  EXPECT_EQ(report.exit_code(), ExitCode::kFailed);
}

TEST_F(Rendering, AnUploadEndsWithWhatStoppedIt) {
  UploadReport report;
  report.files = 3;
  EXPECT_EQ(report.exit_code(), ExitCode::kOk);
  report.stopped = core::Error{core::Errc::kUnavailable, ""};
  EXPECT_EQ(report.exit_code(), ExitCode::kUnreachable);
  report.stopped->code = core::Errc::kUnauthenticated;
  EXPECT_EQ(report.exit_code(), ExitCode::kNotLoggedIn);
  report.stopped->code = core::Errc::kCancelled;
  EXPECT_EQ(report.exit_code(), ExitCode::kInterrupted);
  report.print(console_);
  EXPECT_NE(err_.str().find("3 files are left"), std::string::npos);
}

TEST_F(Rendering, SpanishIsSpoken) {
  const Variable language("LANGUAGE", "es");
  const Variable lang("LANG", "");
  set_up_language();
  EXPECT_STREQ(tr("Nothing was found."), "No se ha encontrado nada.");
  EXPECT_STREQ(trn("{} song", "{} songs", 2), "{} canciones");
  const Variable english("LANGUAGE", "en");
  set_up_language();
  EXPECT_STREQ(tr("Nothing was found."), "Nothing was found.");
}

}  // namespace
}  // namespace kadenza::interface
