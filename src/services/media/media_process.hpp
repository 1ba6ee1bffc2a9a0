// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <filesystem>
#include <mutex>

#include <sys/types.h>

#include "core/error.hpp"
#include "core/unique_fd.hpp"
#include "services/media/messages.hpp"

namespace kadenza::services::media {

/// The child process kadenza-media: started with the first job, and again when it has ended. Thread-safe: one
/// lock, held while a job is handed over or the process is started (milliseconds).
class MediaProcess {
 public:
  MediaProcess(std::filesystem::path program, std::chrono::seconds idle_exit);
  /// Kills the process and, through it, all its workers.
  ~MediaProcess();
  MediaProcess(const MediaProcess&) = delete;
  MediaProcess& operator=(const MediaProcess&) = delete;

  /// Hands a job over; gives the socket that its reply comes from. kUnavailable when the process cannot be
  /// started.
  core::Result<core::UniqueFd> submit(const Job& job, int file);

 private:
  core::Result<void> start();
  void stop() noexcept;

  const std::filesystem::path program_;
  const std::chrono::seconds idle_exit_;
  std::mutex mutex_;
  pid_t pid_ = -1;
  core::UniqueFd socket_;
};

}  // namespace kadenza::services::media
