// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <optional>

#include "core/unique_fd.hpp"
#include "services/media/messages.hpp"

namespace kadenza::services::media {

struct SocketPair {
  core::UniqueFd ours, theirs;
};
/// Two connected, close-on-exec Unix sockets; `type` is SOCK_STREAM or SOCK_SEQPACKET, with flags. Empty,
/// with errno set, when the process or the machine has no descriptors left.
SocketPair make_socket_pair(int type) noexcept;

struct ReceivedJob {
  Job job;
  core::UniqueFd file, reply;
};

/// Sends a job with its descriptors (SCM_RIGHTS) in one packet. 0, or errno.
int send_job(int socket, const Job& job, int file, int reply) noexcept;

/// Waits for the next job; none when the other end is gone.
std::optional<ReceivedJob> receive_job(int socket) noexcept;

}  // namespace kadenza::services::media
