// SPDX-License-Identifier: AGPL-3.0-or-later
// The service around the workers: crashes, a hostile process, queues, cancellation.
#include <csignal>

#include <fmt/format.h>
#include <sys/wait.h>

#include "media_fixture.hpp"

namespace kadenza::services::media {
namespace {

namespace asio = boost::asio;
using core::Errc;

TEST_F(MediaTest, AKilledMediaProcessIsStartedAgain) {
  ASSERT_TRUE(probe("second.mp3"));
  const auto first = media_process();
  ASSERT_GT(first, 0);
  ::kill(first, SIGKILL);
  ASSERT_TRUE(probe("second.mp3"));
  EXPECT_NE(media_process(), first);
}

TEST_F(MediaTest, KilledWorkersAreReplaced) {
  ASSERT_TRUE(probe("second.mp3"));
  for (const auto worker : children_of(media_process())) ::kill(worker, SIGKILL);
  for (int i = 0; i < 5; ++i) {
    const auto probed = probe("second.mp3");
    // The first may have met a worker that was just dying.
    EXPECT_TRUE(i < 3 || probed.has_value());
  }
}

TEST_F(MediaTest, WorkersEndWithTheService) {
  std::vector<pid_t> workers;
  {
    MediaService service(clock_, options());
    const auto file = open_file(fixture("second.mp3"));
    ASSERT_TRUE(run(service.probe(file.get(), soon())));
    workers = children_of(media_process());
    ASSERT_FALSE(workers.empty());
  }
  for (const auto worker : workers) {
    while (::kill(worker, 0) == 0) {
      std::string state;
      std::ifstream status(fmt::format("/proc/{}/stat", worker));
      for (int field = 0; field < 3; ++field) status >> state;
      if (state == "Z" || state.empty()) break;  // ended; nobody has collected it yet
    }
  }
}

TEST_F(MediaTest, AMissingProgramIsSaidSo) {
  MediaService service(clock_, options("/nonexistent/kadenza-media"));
  const auto file = open_file(fixture("second.mp3"));
  const auto probed = run(service.probe(file.get(), soon()));
  EXPECT_EQ(probed.error().code, Errc::kUnavailable);
  EXPECT_NE(probed.error().detail.find("/nonexistent/kadenza-media"), std::string::npos);
}

class HostileProcessTest : public MediaTest,
                           public testing::WithParamInterface<std::pair<const char*, Errc>> {};

TEST_P(HostileProcessTest, TheNodeAnswersWithAnError) {
  const auto [how, code] = GetParam();
  const auto folder = std::filesystem::path(testing::TempDir());
  const auto program = folder / fmt::format("{}-fake-{}", ::getpid(), how);
  std::filesystem::create_symlink(KADENZA_FAKE_MEDIA, program);
  {
    MediaService service(clock_, options(program));
    const auto file = open_file(fixture("second.mp3"));
    EXPECT_EQ(run(service.probe(file.get(), soon())).error().code, code);
    EXPECT_EQ(run(service.analyse(file.get(), soon())).error().code, code);
    EXPECT_EQ(run(service.resize({1, 2, 3}, 10, soon())).error().code, code);
  }
  std::filesystem::remove(program);
}

INSTANTIATE_TEST_SUITE_P(
    All, HostileProcessTest,
    testing::Values(std::pair{"garbage", Errc::kDamagedMedia}, std::pair{"endless", Errc::kDamagedMedia},
                    std::pair{"half", Errc::kDamagedMedia}, std::pair{"stub", Errc::kDamagedMedia},
                    std::pair{"silent", Errc::kUnavailable}, std::pair{"gone", Errc::kUnavailable}),
    [](const auto& instance) { return std::string(instance.param.first); });

TEST_F(MediaTest, ManyFilesAtOnceWaitTheirTurn) {
  asio::io_context io;
  const auto file = open_file(fixture("second.mp3"));
  int sound = 0;
  for (int i = 0; i < 40; ++i) {
    asio::co_spawn(io, service_.probe(file.get(), soon()),
                   [&](std::exception_ptr, const core::Result<Probe>& result) { sound += result ? 1 : 0; });
  }
  io.run();
  EXPECT_EQ(sound, 40);
}

TEST_F(MediaTest, TheQueueIsBounded) {
  auto narrow = options();
  narrow.foreground_jobs = 1;
  narrow.waiting_jobs = 2;
  MediaService service(clock_, narrow);
  asio::io_context io;
  const auto file = open_file(fixture("second.mp3"));
  int sound = 0, refused = 0;
  for (int i = 0; i < 6; ++i) {
    asio::co_spawn(io, service.probe(file.get(), soon()),
                   [&](std::exception_ptr, const core::Result<Probe>& result) {
                     sound += result ? 1 : 0;
                     refused += !result && result.error().code == Errc::kTooManyRequests ? 1 : 0;
                   });
  }
  io.run();
  EXPECT_EQ(sound, 3);
  EXPECT_EQ(refused, 3);
}

TEST_F(MediaTest, WaitingEndsAtTheDeadlineAndWhenCancelled) {
  const auto program = std::filesystem::path(testing::TempDir()) / fmt::format("{}-fake-hang", ::getpid());
  std::filesystem::create_symlink(KADENZA_FAKE_MEDIA, program);
  auto one = options(program);
  one.foreground_jobs = 1;
  {
    MediaService service(clock_, one);
    asio::io_context io;
    const auto file = open_file(fixture("second.mp3"));
    asio::cancellation_signal cancel;
    std::vector<Errc> codes;
    const auto note = [&](const core::Result<Probe>& result) { codes.push_back(result.error().code); };
    asio::co_spawn(
        io, service.probe(file.get(), soon()),
        asio::bind_cancellation_slot(
            cancel.slot(), [&](std::exception_ptr, const core::Result<Probe>& result) { note(result); }));
    asio::co_spawn(io, service.probe(file.get(), clock_.now() + std::chrono::milliseconds(50)),
                   [&](std::exception_ptr, const core::Result<Probe>& result) {
                     note(result);
                     cancel.emit(asio::cancellation_type::terminal);
                   });
    io.run();
    EXPECT_EQ(codes, (std::vector{Errc::kDeadlineExceeded, Errc::kCancelled}));
  }
  std::filesystem::remove(program);
}

}  // namespace
}  // namespace kadenza::services::media
