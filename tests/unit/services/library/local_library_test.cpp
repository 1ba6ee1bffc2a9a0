// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/library/local_library.hpp"

#include <chrono>
#include <optional>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "contract/music_library_contract.hpp"
#include "support/temporary_folder.hpp"
#include "support/tones.hpp"

namespace kadenza::testing {
namespace {

class LocalLibraryUnderTest final : public LibraryUnderTest {
 public:
  LocalLibraryUnderTest() {
    services::library::LocalLibrary::Options options;
    options.data = folder_.path();
    options.media_program = KADENZA_MEDIA_PROGRAM;
    options.io = io_.get_executor();
    options.blocking = blocking_.get_executor();
    options.clock = &clock_;
    auto opened = services::library::LocalLibrary::open(std::move(options));
    KADENZA_CHECK(opened.has_value());
    library_ = std::move(*opened);
  }
  ~LocalLibraryUnderTest() override {
    io_.restart();
    auto stopped = boost::asio::co_spawn(io_, library_->stop(), boost::asio::use_future);
    io_.run();
    stopped.get();
  }

  core::MusicLibrary& library() override { return *library_; }
  const core::Clock& clock() const override { return clock_; }
  boost::asio::io_context& io_context() override { return io_; }

 private:
  TemporaryFolder folder_;
  core::SystemClock clock_;
  boost::asio::io_context io_;
  boost::asio::thread_pool blocking_{4};
  std::unique_ptr<services::library::LocalLibrary> library_;
};

const LibraryFactory kLocal{"local", [] { return std::make_unique<LocalLibraryUnderTest>(); }};

INSTANTIATE_TEST_SUITE_P(Local, MusicLibraryContract, ::testing::Values(kLocal),
                         [](const auto& instance) { return instance.param.name; });

class LocalAnalyses : public MusicLibraryContract {};
INSTANTIATE_TEST_SUITE_P(Local, LocalAnalyses, ::testing::Values(kLocal),
                         [](const auto& instance) { return instance.param.name; });

/// The upload never ceases: another piece comes with each look.
TEST_P(LocalAnalyses, StepAsideForSongsThatArriveButNotForEver) {
  using namespace std::chrono_literals;
  const auto arriving = std::move(*await(library().start_upload(std::nullopt, core::Deadline::max())));
  const std::vector<std::uint8_t> piece(100);
  const auto begun = std::chrono::steady_clock::now();
  const auto id = must_upload(make_wav(1000, 3), {.title = "Tone", .artist = "Sine"}).song.id;
  EXPECT_TRUE(eventually(30s, [&] {
    EXPECT_TRUE(await(arriving->write(piece, core::Deadline::max())));
    return await(library().derived_facts(id, soon())).has_value();
  }));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 500ms);
}

}  // namespace
}  // namespace kadenza::testing
