// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "core/music_library.hpp"

namespace kadenza::testing {

/// An empty library to be tested, whatever is behind it. Made anew for each test.
class LibraryUnderTest {
 public:
  virtual ~LibraryUnderTest() = default;
  virtual core::MusicLibrary& library() = 0;
  virtual const core::Clock& clock() const = 0;
  virtual boost::asio::io_context& io_context() = 0;
};

struct LibraryFactory {
  std::string name;
  std::function<std::unique_ptr<LibraryUnderTest>()> make;
};

/// What every implementation of core::MusicLibrary must do (tests/contract/music_library_contract.cpp).
/// Instantiate with INSTANTIATE_TEST_SUITE_P for each implementation.
class MusicLibraryContract : public ::testing::TestWithParam<LibraryFactory> {
 protected:
  MusicLibraryContract();
  ~MusicLibraryContract() override;

  core::MusicLibrary& library() { return under_test_->library(); }
  core::Deadline soon() const { return under_test_->clock().now() + std::chrono::seconds(30); }

  /// Runs a coroutine on a strand of the library's io_context and waits for its result.
  template <class T>
  T await(core::Task<T> task) {
    return start(std::move(task)).get();
  }
  template <class T>
  std::future<T> start(core::Task<T> task) {
    return boost::asio::co_spawn(boost::asio::make_strand(under_test_->io_context()), std::move(task),
                                 boost::asio::use_future);
  }

  core::Task<core::Result<core::UploadOutcome>> upload(std::vector<std::uint8_t> file,
                                                       core::TagOverrides tags);
  core::UploadOutcome must_upload(std::vector<std::uint8_t> file, core::TagOverrides tags);
  core::Task<core::Result<std::vector<std::uint8_t>>> read_all(core::SongId id, core::ByteRange range);

  /// Asks until `done` says yes or `limit` has passed.
  bool eventually(std::chrono::milliseconds limit, const std::function<bool()>& done);

 private:
  std::unique_ptr<LibraryUnderTest> under_test_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::vector<std::jthread> threads_;
};

}  // namespace kadenza::testing
