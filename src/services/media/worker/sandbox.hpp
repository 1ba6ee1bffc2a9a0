// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include <linux/filter.h>

#include "core/error.hpp"

namespace kadenza::services::media {

/// The descriptors that are left to a worker.
inline constexpr int kFileDescriptor = 3;
inline constexpr int kReplyDescriptor = 4;

struct SandboxLimits {
  std::uint64_t memory_bytes = 0;
  std::uint32_t cpu_seconds = 0;
};

/// The system calls that a worker may make, as a program for the kernel: memory, reading kFileDescriptor,
/// reading and writing kReplyDescriptor, ending. Anything else kills it. Built once, before any worker is
/// forked.
class Sandbox {
 public:
  static core::Result<Sandbox> prepare();

  /// Confines the calling process for good: no new privileges, killed with its parent, no further
  /// descriptors, files or core dumps, bounded memory and CPU time, and the filter. kUnavailable when
  /// this machine cannot filter system calls; everything else is in force then.
  core::Result<void> enter(const SandboxLimits& limits) const;

 private:
  std::vector<sock_filter> program_;
};

}  // namespace kadenza::services::media
