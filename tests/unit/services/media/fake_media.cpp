// SPDX-License-Identifier: AGPL-3.0-or-later
// Stands in for kadenza-media and misbehaves as its own file name says: what a node must bear from a media
// process that a file has taken over.
#include <cstring>
#include <string_view>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include "services/media/job_socket.hpp"

namespace media = kadenza::services::media;

namespace {

void send_bytes(int socket, const std::vector<unsigned char>& bytes) {
  static_cast<void>(::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

void misbehave(std::string_view how, int reply) {
  if (how == "garbage") send_bytes(reply, {8, 0, 0, 0, 0xDE, 0xAD, 0xBE, 0xEF, 1, 2, 3, 4});
  if (how == "endless") send_bytes(reply, {0xFF, 0xFF, 0xFF, 0xFF, 1});
  if (how == "half") send_bytes(reply, {100, 0, 0, 0, 0, 1, 2});
  if (how == "stub") send_bytes(reply, {7});
  if (how == "hang") ::pause();
}

}  // namespace

int main(int, char** arguments) {
  const std::string_view path = arguments[0];
  const auto how = path.substr(path.rfind('-') + 1);
  if (how == "gone") return 0;
  while (const auto job = media::receive_job(3)) misbehave(how, job->reply.get());
}
