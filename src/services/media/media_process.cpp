// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/media/media_process.hpp"

#include <cerrno>
#include <csignal>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "services/media/job_socket.hpp"

namespace kadenza::services::media {
namespace {

constexpr int kChildSocket = 3;

std::unexpected<core::Error> unavailable(std::string_view what, int error_number) {
  return core::fail(core::Errc::kUnavailable,
                    fmt::format("{}: {}", what, std::generic_category().message(error_number)));
}

/// posix_spawn of `program` with `socket` as descriptor 3, no other but stderr, no environment but what makes
/// the loader bind all symbols at once, and a process group of its own, as a terminal's signals are for the
/// node. It stays in the node's session: Linux shares the processors among sessions before it looks at
/// priorities (autogroup), so that those of the analyses would not count against the node.
int spawn(const std::string& program, std::string argument, int socket, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, socket, kChildSocket);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, kChildSocket + 1);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string name = program, bind_now = "LD_BIND_NOW=1";
  char* const arguments[] = {name.data(), argument.data(), nullptr};
  char* const environment[] = {bind_now.data(), nullptr};
  const int error = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, arguments, environment);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  return error;
}

}  // namespace

MediaProcess::MediaProcess(std::filesystem::path program, std::chrono::seconds idle_exit)
    : program_(std::move(program)), idle_exit_(idle_exit) {}

MediaProcess::~MediaProcess() {
  stop();
}

void MediaProcess::stop() noexcept {
  socket_.reset();
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

core::Result<void> MediaProcess::start() {
  stop();
  auto sockets = make_socket_pair(SOCK_SEQPACKET);
  if (!sockets.ours) return unavailable("no descriptor is left for the media process", errno);
  if (sockets.theirs.get() == kChildSocket) {
    // dup2() onto itself would leave it close-on-exec.
    sockets.theirs.reset(::fcntl(kChildSocket, F_DUPFD_CLOEXEC, kChildSocket + 1));
  }
  if (const int error =
          spawn(program_.string(), std::to_string(idle_exit_.count()), sockets.theirs.get(), pid_);
      error != 0) {
    pid_ = -1;
    return unavailable(fmt::format("the media process {} cannot be started", program_.string()), error);
  }
  socket_ = std::move(sockets.ours);
  return {};
}

core::Result<core::UniqueFd> MediaProcess::submit(const Job& job, int file) {
  auto reply = make_socket_pair(SOCK_STREAM);
  if (!reply.ours) return unavailable("no descriptor is left for parsing a file", errno);
  const std::scoped_lock lock(mutex_);
  int error = EPIPE;
  if (socket_) error = send_job(socket_.get(), job, file, reply.theirs.get());
  if (error == EPIPE || error == ECONNRESET) {
    KADENZA_TRY_VOID(start());
    error = send_job(socket_.get(), job, file, reply.theirs.get());
  }
  if (error != 0) return unavailable("the media process does not take a file", error);
  return std::move(reply.ours);
}

}  // namespace kadenza::services::media
