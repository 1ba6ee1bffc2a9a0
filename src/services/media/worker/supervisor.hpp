// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <optional>

#include <sys/types.h>

#include "core/unique_fd.hpp"
#include "services/media/job_socket.hpp"
#include "services/media/worker/sandbox.hpp"

namespace kadenza::services::media {

/// The parent of the workers: keeps some forked and waiting, hands each one job of the node, ends those that
/// take too long or whose caller has gone, and tells the caller when one died without an answer. It never
/// touches a file's content itself. One thread; ends with the node.
class Supervisor {
 public:
  struct Options {
    std::size_t idle_workers = 2;
    std::chrono::seconds idle_exit{60};
  };
  Supervisor(core::UniqueFd node, Sandbox sandbox, Options options);

  /// Until the node hangs up or there was no job for `idle_exit`.
  void run();

 private:
  using Clock = std::chrono::steady_clock;
  struct Worker {
    pid_t pid = -1;
    core::UniqueFd jobs;   ///< hangs up when the worker ends
    core::UniqueFd reply;  ///< the worker's end; hangs up when the caller has gone. None while idle.
    Clock::time_point must_end = Clock::time_point::max();
    bool out_of_time = false;
  };
  using Workers = std::list<Worker>;

  void keep_workers_ready();
  /// False when the machine has no process left to give.
  bool fork_worker();
  bool take_job();
  void dispatch(ReceivedJob received);
  void end_overdue();
  void reap(Worker& worker);
  std::chrono::milliseconds time_to_wait() const;
  std::size_t idle_count() const;

  core::UniqueFd node_;
  const Sandbox sandbox_;
  const Options options_;
  Workers workers_;
  Clock::time_point last_job_ = Clock::now();
};

}  // namespace kadenza::services::media
