// SPDX-License-Identifier: AGPL-3.0-or-later
// Large uploads are probed while they arrive.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <span>

#include <boost/asio.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "services/library/local_library.hpp"
#include "support/temporary_folder.hpp"
#include "support/tones.hpp"

namespace kadenza::services::library {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kPieceBytes = 256 * 1024;

/// No transfer takes time: the rest of every upload is about to arrive.
class StoppedClock final : public core::Clock {
 public:
  core::Instant now() const noexcept override { return {}; }
  core::WallTime wall_now() const noexcept override { return core::SystemClock().wall_now(); }
};

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", parent))) {
    std::ifstream list(task.path() / "children");
    for (pid_t child = 0; list >> child;) children.push_back(child);
  }
  return children;
}

class EarlyProbeTest : public ::testing::Test {
 protected:
  EarlyProbeTest() {
    LocalLibrary::Options options;
    options.data = folder_.path();
    options.media_program = KADENZA_MEDIA_PROGRAM;
    options.io = io_.get_executor();
    options.blocking = blocking_.get_executor();
    options.clock = &clock_;
    library_ = std::move(*LocalLibrary::open(std::move(options)));
  }
  ~EarlyProbeTest() override { await(stop()); }

  core::Task<bool> stop() {
    co_await library_->stop();
    co_return true;
  }

  template <class T>
  T await(core::Task<T> task) {
    io_.restart();
    auto result = asio::co_spawn(io_, std::move(task), asio::use_future);
    while (result.wait_for(std::chrono::seconds(0)) != std::future_status::ready) io_.run_one();
    return result.get();
  }

  void write(core::Upload& upload, std::span<const std::uint8_t> bytes) {
    for (; !bytes.empty(); bytes = bytes.subspan(std::min(kPieceBytes, bytes.size()))) {
      const auto written =
          await(upload.write(bytes.first(std::min(kPieceBytes, bytes.size())), core::Deadline::max()));
      ASSERT_TRUE(written) << written.error().detail;
    }
  }

  StoppedClock clock_;
  kadenza::testing::TemporaryFolder folder_;
  asio::io_context io_;
  asio::thread_pool blocking_{4};
  std::unique_ptr<LocalLibrary> library_;
  const std::vector<std::uint8_t> song_ = kadenza::testing::make_wav(440, 80);
  const std::size_t half_ = song_.size() / 2;
};

TEST_F(EarlyProbeTest, LargeUploadsAreProbedWhileTheyArrive) {
  const auto upload = std::move(*await(library_->start_upload(song_.size(), core::Deadline::max())));
  ASSERT_GT(half_, 1u << 20);
  write(*upload, std::span(song_).first(half_));
  EXPECT_EQ(children_of(::getpid()).size(), 1u) << "the media process";
  write(*upload, std::span(song_).subspan(half_));
  const auto outcome = await(upload->finish({.title = "Tone", .artist = "Sine"}, core::Deadline::max()));
  ASSERT_TRUE(outcome) << outcome.error().detail;
  EXPECT_EQ(outcome->song.properties.duration, std::chrono::seconds(80));
}

TEST_F(EarlyProbeTest, AnUploadThatEndsEarlyIsJudgedByWhatThereIs) {
  const auto upload = std::move(*await(library_->start_upload(song_.size(), core::Deadline::max())));
  write(*upload, std::span(song_).first(half_));
  const auto outcome = await(upload->finish({.title = "Tone", .artist = "Sine"}, core::Deadline::max()));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, core::Errc::kDamagedMedia);
}

TEST_F(EarlyProbeTest, AWorkersDeathBeforeTheEndCostsNothing) {
  const auto upload = std::move(*await(library_->start_upload(song_.size(), core::Deadline::max())));
  write(*upload, std::span(song_).first(half_));
  for (const auto process : children_of(::getpid())) ::kill(process, SIGKILL);
  write(*upload, std::span(song_).subspan(half_));
  const auto outcome = await(upload->finish({.title = "Tone", .artist = "Sine"}, core::Deadline::max()));
  EXPECT_TRUE(outcome) << outcome.error().detail;
}

}  // namespace
}  // namespace kadenza::services::library
