// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/media/job_socket.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <type_traits>

#include <sys/socket.h>

namespace kadenza::services::media {
namespace {

static_assert(std::is_trivially_copyable_v<Job>);

constexpr std::size_t kDescriptors = 2;

struct Packet {
  Job job;
  iovec part{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kDescriptors)> control{};
  msghdr header{};

  Packet() {
    part = {&job, sizeof job};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
  }
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;
};

}  // namespace

SocketPair make_socket_pair(int type) noexcept {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) return {};
  return {core::UniqueFd(ends[0]), core::UniqueFd(ends[1])};
}

int send_job(int socket, const Job& job, int file, int reply) noexcept {
  Packet packet;
  packet.job = job;
  auto* const rights = CMSG_FIRSTHDR(&packet.header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int) * kDescriptors);
  const int descriptors[kDescriptors] = {file, reply};
  std::memcpy(CMSG_DATA(rights), descriptors, sizeof descriptors);
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket, &packet.header, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? errno : 0;
}

std::optional<ReceivedJob> receive_job(int socket) noexcept {
  Packet packet;
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, &packet.header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  const auto* const rights = CMSG_FIRSTHDR(&packet.header);
  if (got != sizeof(Job) || rights == nullptr || rights->cmsg_type != SCM_RIGHTS ||
      rights->cmsg_len != CMSG_LEN(sizeof(int) * kDescriptors)) {
    return std::nullopt;
  }
  int descriptors[kDescriptors];
  std::memcpy(descriptors, CMSG_DATA(rights), sizeof descriptors);
  return ReceivedJob{packet.job, core::UniqueFd(descriptors[0]), core::UniqueFd(descriptors[1])};
}

}  // namespace kadenza::services::media
