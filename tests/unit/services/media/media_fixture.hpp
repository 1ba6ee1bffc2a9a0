// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "core/unique_fd.hpp"
#include "services/media/media_service.hpp"

namespace kadenza::services::media {

/// Runs a task to its end.
template <class T>
T run(core::Task<T> task) {
  boost::asio::io_context io;
  std::optional<T> result;
  boost::asio::co_spawn(io, std::move(task), [&](std::exception_ptr error, T value) {
    if (error) std::rethrow_exception(error);
    result = std::move(value);
  });
  io.run();
  return std::move(*result);
}

inline std::filesystem::path fixture(const std::string& name) {
  return std::filesystem::path(KADENZA_MEDIA_FIXTURES) / name;
}

inline core::UniqueFd open_file(const std::filesystem::path& path) {
  core::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(file) << path;
  return file;
}

inline std::vector<std::uint8_t> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Processes whose parent is `parent`.
inline std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", parent))) {
    std::ifstream list(task.path() / "children");
    for (pid_t child = 0; list >> child;) children.push_back(child);
  }
  return children;
}

/// The media process of the only service that was used.
inline pid_t media_process() {
  for (const auto child : children_of(::getpid())) {
    std::string name;
    std::ifstream(fmt::format("/proc/{}/comm", child)) >> name;
    if (name == "kadenza-media") return child;
  }
  return -1;
}

/// A service on the real kadenza-media, or on `program`.
class MediaTest : public testing::Test {
 protected:
  static MediaOptions options(std::filesystem::path program = KADENZA_MEDIA) {
    MediaOptions options;
    options.program = std::move(program);
    return options;
  }

  core::Deadline soon() const { return clock_.now() + std::chrono::seconds(60); }

  core::Result<Probe> probe(const std::string& name) {
    const auto file = open_file(fixture(name));
    return run(service_.probe(file.get(), soon()));
  }
  core::Result<core::DerivedFacts> analyse(const std::string& name) {
    const auto file = open_file(fixture(name));
    return run(service_.analyse(file.get(), soon()));
  }

  core::SystemClock clock_;
  MediaService service_{clock_, options()};
};

}  // namespace kadenza::services::media
