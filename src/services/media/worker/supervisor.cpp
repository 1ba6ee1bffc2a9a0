// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/media/worker/supervisor.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/media/worker/worker.hpp"

namespace kadenza::services::media {
namespace {

constexpr auto kForkRetry = std::chrono::milliseconds(100);

/// A worker's last word when it could not say one itself. The socket's buffer is empty unless the worker was
/// up to something, so a reply that does not fit at once is not owed.
void report(int reply, const core::Error& error) {
  const auto body = encode_failure(error);
  const auto header = encode_header(body.size());
  std::vector<std::uint8_t> bytes(header.begin(), header.end());
  bytes.insert(bytes.end(), body.begin(), body.end());
  static_cast<void>(::send(reply, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

core::Error cause_of_death(int status) {
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  switch (signal) {
    case SIGSYS:
      return {core::Errc::kDamagedMedia,
              "the file made its parser try what it may not do, and so it was stopped"};
    case SIGXCPU:
      return {core::Errc::kDeadlineExceeded, "the file takes too long to parse"};
    default:
      return {core::Errc::kDamagedMedia,
              fmt::format("the file made its parser crash (signal {}); it is broken or malicious", signal)};
  }
}

}  // namespace

Supervisor::Supervisor(core::UniqueFd node, Sandbox sandbox, Options options)
    : node_(std::move(node)), sandbox_(std::move(sandbox)), options_(options) {}

std::size_t Supervisor::idle_count() const {
  return static_cast<std::size_t>(std::ranges::count_if(workers_, [](const Worker& w) { return !w.reply; }));
}

void Supervisor::run() {
  std::vector<pollfd> watched;
  for (;;) {
    keep_workers_ready();
    watched.assign(1, {node_.get(), POLLIN, 0});
    for (const auto& worker : workers_) {
      watched.push_back({worker.jobs.get(), 0, 0});
      watched.push_back({worker.reply.get(), 0, 0});
    }
    const auto ready = ::poll(watched.data(), watched.size(), static_cast<int>(time_to_wait().count()));
    if (ready < 0 && errno != EINTR) return;

    std::size_t place = 1;
    for (auto worker = workers_.begin(); worker != workers_.end(); place += 2) {
      const bool ended = watched[place].revents != 0;
      const bool abandoned = watched[place + 1].revents != 0;
      if (abandoned && !ended) ::kill(worker->pid, SIGKILL);
      if (!ended && !abandoned) {
        ++worker;
        continue;
      }
      reap(*worker);
      worker = workers_.erase(worker);
    }
    if (watched[0].revents != 0 && !take_job()) return;
    end_overdue();
    const bool all_idle = idle_count() == workers_.size();
    if (all_idle && Clock::now() - last_job_ >= options_.idle_exit) return;
  }
}

void Supervisor::keep_workers_ready() {
  for (auto idle = idle_count(); idle < options_.idle_workers; ++idle) {
    if (!fork_worker()) return;
  }
}

bool Supervisor::fork_worker() {
  auto sockets = make_socket_pair(SOCK_SEQPACKET);
  if (!sockets.ours) return false;
  const pid_t pid = ::_Fork();
  if (pid < 0) return false;
  if (pid == 0) {
    // Nothing of the parent's is left to the child: neither the node's socket nor other workers'.
    ::dup2(sockets.theirs.get(), kFileDescriptor);
    ::close_range(kFileDescriptor + 1, ~0U, 0);
    static_cast<void>(sockets.ours.release());
    static_cast<void>(sockets.theirs.release());
    work(core::UniqueFd(kFileDescriptor), sandbox_);
  }
  workers_.push_back({.pid = pid, .jobs = std::move(sockets.ours), .reply = {}});
  return true;
}

bool Supervisor::take_job() {
  auto received = receive_job(node_.get());
  if (!received) return false;
  last_job_ = Clock::now();
  dispatch(std::move(*received));
  return true;
}

void Supervisor::dispatch(ReceivedJob received) {
  if (idle_count() == 0 && !fork_worker()) {
    report(received.reply.get(),
           {core::Errc::kUnavailable, "the machine has no process left to parse the file"});
    return;
  }
  const auto worker = std::ranges::find_if(workers_, [](const Worker& w) { return !w.reply; });
  if (send_job(worker->jobs.get(), received.job, received.file.get(), received.reply.get()) != 0) {
    report(received.reply.get(), {core::Errc::kUnavailable, "the process for the file has ended; try again"});
    return;
  }
  worker->reply = std::move(received.reply);
  worker->must_end = Clock::now() + std::chrono::milliseconds(received.job.limit_ms) +
                     std::chrono::milliseconds(received.job.arrival_ms);
}

void Supervisor::end_overdue() {
  const auto now = Clock::now();
  for (auto& worker : workers_) {
    if (worker.must_end > now) continue;
    worker.out_of_time = true;
    worker.must_end = Clock::time_point::max();
    ::kill(worker.pid, SIGKILL);
  }
}

void Supervisor::reap(Worker& worker) {
  int status = 0;
  while (::waitpid(worker.pid, &status, 0) < 0 && errno == EINTR) {
  }
  const bool answered = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!worker.reply || answered) return;
  report(worker.reply.get(),
         worker.out_of_time ? core::Error{core::Errc::kDeadlineExceeded, "the file takes too long to parse"}
                            : cause_of_death(status));
}

std::chrono::milliseconds Supervisor::time_to_wait() const {
  auto until = last_job_ + options_.idle_exit;
  if (idle_count() != workers_.size()) until = Clock::time_point::max();
  for (const auto& worker : workers_) until = std::min(until, worker.must_end);
  if (idle_count() < options_.idle_workers) until = std::min(until, Clock::now() + kForkRetry);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
  return std::clamp(left, std::chrono::milliseconds(0), std::chrono::milliseconds(60'000));
}

}  // namespace kadenza::services::media
