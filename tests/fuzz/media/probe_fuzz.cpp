// SPDX-License-Identifier: AGPL-3.0-or-later
// Tags, covers and containers, as a worker reads them; without its process, so that the fuzzer sees inside.
#include <cstddef>
#include <cstdint>

#include <sys/mman.h>
#include <unistd.h>

#include "core/unique_fd.hpp"
#include "services/media/worker/ffmpeg.hpp"
#include "services/media/worker/jobs.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  av_log_set_level(AV_LOG_QUIET);
  const kadenza::core::UniqueFd file(::memfd_create("input", MFD_CLOEXEC));
  if (::write(file.get(), data, size) != static_cast<ssize_t>(size)) return 0;
  kadenza::services::media::FileSource source(file.get(), size);
  static_cast<void>(kadenza::services::media::probe(source));
  return 0;
}
