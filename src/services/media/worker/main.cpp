// SPDX-License-Identifier: AGPL-3.0-or-later
// kadenza-media: parses audio files for a node, each in a confined process of its own. Started by the node,
// with a socket to it as descriptor 3; of no use by itself.
#include <cstdio>
#include <cstdlib>
#include <string>

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/media/worker/ffmpeg.hpp"
#include "services/media/worker/libraries.hpp"
#include "services/media/worker/supervisor.hpp"

namespace media = kadenza::services::media;

namespace {

constexpr int kNodeDescriptor = 3;

bool is_socket(int descriptor) {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2 || !is_socket(kNodeDescriptor)) {
    std::fputs(
        "kadenza-media is started by kadenza serve, for parsing audio files; it is of no use by itself.\n",
        stderr);
    return 2;
  }
  const std::chrono::seconds idle_exit(std::strtol(arguments[1], nullptr, 10));
  av_log_set_level(AV_LOG_QUIET);
  auto sandbox = media::Sandbox::prepare();
  if (!sandbox) {
    std::fprintf(stderr, "kadenza-media: %s\n", sandbox.error().detail.c_str());
    return 1;
  }
  media::warm_up_libraries();
  if (!media::shed_unused_libraries()) {
    std::fputs("kadenza-media must be started with LD_BIND_NOW=1\n", stderr);
    return 2;
  }
  ::clearenv();
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  media::Supervisor(kadenza::core::UniqueFd(kNodeDescriptor), std::move(*sandbox), {.idle_exit = idle_exit})
      .run();
  ::_exit(0);
}
