// SPDX-License-Identifier: AGPL-3.0-or-later
// Probes of files whose bytes arrive piece by piece: the same answers, and nobody else waits.
#include "services/media/early_probe.hpp"

#include <algorithm>
#include <csignal>
#include <functional>
#include <span>
#include <thread>

#include <sys/mman.h>

#include "media_fixture.hpp"

namespace kadenza::services::media {
namespace {

using core::Errc;

class ArrivingFile {
 public:
  explicit ArrivingFile(const std::string& name)
      : bytes_(read_file(fixture(name))), file_(::memfd_create("arriving", MFD_CLOEXEC)) {}

  int descriptor() const { return file_.get(); }
  std::size_t size() const { return bytes_.size(); }
  bool is_whole() const { return arrived_ == bytes_.size(); }
  void arrive(std::size_t count) {
    const auto piece = std::span(bytes_).subspan(arrived_, std::min(count, bytes_.size() - arrived_));
    ASSERT_EQ(::write(file_.get(), piece.data(), piece.size()), static_cast<ssize_t>(piece.size()));
    arrived_ += piece.size();
  }

 private:
  std::vector<std::uint8_t> bytes_;
  core::UniqueFd file_;
  std::size_t arrived_ = 0;
};

/// Waits for what is about to become true.
bool eventually(const std::function<bool()>& done) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!done()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::yield();
  }
  return true;
}

class EarlyProbeTest : public MediaTest {
 protected:
  core::Result<Probe> probe_arriving(const std::string& name) {
    ArrivingFile file(name);
    file.arrive(file.size() / 3);
    const auto early = service_.probe_early(file.descriptor(), file.size());
    EXPECT_TRUE(early);
    while (!file.is_whole()) {
      file.arrive(7001);
      early->grown();
    }
    return run(early->result(soon()));
  }
};

class ArrivingTest : public EarlyProbeTest, public testing::WithParamInterface<const char*> {};

TEST_P(ArrivingTest, IsJudgedLikeAWholeFile) {
  const auto whole = probe(GetParam());
  const auto arriving = probe_arriving(GetParam());
  ASSERT_EQ(arriving.has_value(), whole.has_value());
  if (!whole) {
    EXPECT_EQ(arriving.error(), whole.error());
    return;
  }
  EXPECT_EQ(arriving->tags, whole->tags);
  EXPECT_EQ(arriving->properties, whole->properties);
  ASSERT_EQ(arriving->cover.has_value(), whole->cover.has_value());
  if (!whole->cover) return;
  EXPECT_EQ(arriving->cover->bytes, whole->cover->bytes);
}

INSTANTIATE_TEST_SUITE_P(All, ArrivingTest,
                         testing::Values("tone.mp3", "tone.flac", "tone.ogg", "tone.opus", "aac.m4a",
                                         "alac.m4a", "dated.m4a", "tone.wav", "tone.aiff", "id3v1.mp3",
                                         "info.wav", "cut-tone.mp3", "cut-tone.flac", "cut-tone.ogg",
                                         "cut-aac.m4a", "cut-tone.wav", "rotten.flac", "huge.wav", "text.mp3",
                                         "random.mp3", "video.mp4"),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::ranges::replace_if(
                               name, [](char c) { return c == '-' || c == '.'; }, '_');
                           return name;
                         });

TEST_F(EarlyProbeTest, TheIndexMayComeLast) {
  const auto bytes = read_file(fixture("aac.m4a"));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  ASSERT_GT(text.find("moov"), text.find("mdat"));
  EXPECT_TRUE(probe_arriving("aac.m4a"));
}

TEST_F(EarlyProbeTest, WhatIsMissingIsWaitedFor) {
  ArrivingFile file("tone.flac");
  file.arrive(file.size() - 1);
  const auto early = service_.probe_early(file.descriptor(), file.size());
  EXPECT_EQ(run(early->result(clock_.now() + std::chrono::milliseconds(200))).error().code,
            Errc::kDeadlineExceeded);
}

TEST_F(EarlyProbeTest, WhoeverIsSlowToSendKeepsNobodyWaiting) {
  auto narrow = options();
  narrow.foreground_jobs = 1;
  narrow.early_jobs = 2;
  MediaService service(clock_, narrow);
  ArrivingFile slow("tone.flac");
  slow.arrive(1000);
  auto first = service.probe_early(slow.descriptor(), slow.size());
  const auto second = service.probe_early(slow.descriptor(), slow.size());
  ASSERT_TRUE(first && second);
  EXPECT_EQ(service.probe_early(slow.descriptor(), slow.size()), nullptr);
  const auto other = open_file(fixture("second.mp3"));
  EXPECT_TRUE(run(service.probe(other.get(), soon())));
  first.reset();
  EXPECT_NE(service.probe_early(slow.descriptor(), slow.size()), nullptr);
}

TEST_F(EarlyProbeTest, AFileThatComesTooSlowlyLosesItsPlace) {
  auto narrow = options();
  narrow.early_jobs = 1;
  narrow.arrival_limit = std::chrono::milliseconds(0);
  MediaService service(clock_, narrow);
  ArrivingFile slow("tone.flac");
  slow.arrive(1000);
  const auto given_up = service.probe_early(slow.descriptor(), slow.size());
  slow.arrive(slow.size());
  given_up->grown();
  EXPECT_NE(service.probe_early(slow.descriptor(), slow.size()), nullptr);
  EXPECT_EQ(run(given_up->result(soon())).error().code, Errc::kUnavailable);
}

TEST_F(EarlyProbeTest, AWorkerWhoseFileNeverComesIsEnded) {
  auto impatient = options();
  impatient.arrival_limit = impatient.foreground_limit = std::chrono::milliseconds(100);
  MediaService service(clock_, impatient);
  ArrivingFile stalled("tone.flac");
  stalled.arrive(1000);
  const auto early = service.probe_early(stalled.descriptor(), stalled.size());
  const auto found = run(early->result(soon()));
  EXPECT_EQ(found.error().code, Errc::kDeadlineExceeded);
  EXPECT_NE(found.error().detail.find("too long"), std::string::npos) << found.error().detail;
}

TEST_F(EarlyProbeTest, ItsWorkerEndsWithIt) {
  ArrivingFile slow("tone.flac");
  slow.arrive(1000);
  auto early = service_.probe_early(slow.descriptor(), slow.size());
  // Two wait for jobs at any time.
  ASSERT_TRUE(eventually([] { return children_of(media_process()).size() == 3; }));
  early.reset();
  EXPECT_TRUE(eventually([] { return children_of(media_process()).size() == 2; }));
}

TEST_F(EarlyProbeTest, ItsWorkersDeathIsTold) {
  ArrivingFile slow("tone.flac");
  slow.arrive(1000);
  const auto early = service_.probe_early(slow.descriptor(), slow.size());
  ASSERT_TRUE(eventually([] { return children_of(media_process()).size() == 3; }));
  for (const auto worker : children_of(media_process())) ::kill(worker, SIGSEGV);
  EXPECT_EQ(run(early->result(soon())).error().code, Errc::kDamagedMedia);
}

TEST_F(EarlyProbeTest, WaitingForItCanBeCancelled) {
  namespace asio = boost::asio;
  ArrivingFile slow("tone.flac");
  slow.arrive(1000);
  const auto early = service_.probe_early(slow.descriptor(), slow.size());
  asio::io_context io;
  asio::cancellation_signal cancel;
  std::optional<core::Result<Probe>> found;
  asio::co_spawn(
      io, early->result(soon()),
      asio::bind_cancellation_slot(
          cancel.slot(), [&](std::exception_ptr, core::Result<Probe> result) { found = std::move(result); }));
  asio::post(io, [&] { cancel.emit(asio::cancellation_type::terminal); });
  io.run();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->error().code, Errc::kCancelled);
}

}  // namespace
}  // namespace kadenza::services::media
