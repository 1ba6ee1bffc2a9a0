// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <optional>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"
#include "core/unique_fd.hpp"
#include "services/media/job_gate.hpp"
#include "services/media/media_service.hpp"

namespace kadenza::services::media {

/// A probe that goes on while the end of its file is still arriving, so that little of it is left to do after
/// the last byte. It reads nothing but what has arrived, and so finds what a probe of the whole file finds.
/// It is an attempt: whatever it fails with, MediaService::probe() of the whole file has the last word.
/// Destroying it ends its worker. One owner, one call at a time, any thread; must not outlive its service.
class EarlyProbe {
 public:
  /// Of the worker that answers on `reply`; gives up when the file is not whole by `give_up_at`.
  EarlyProbe(JobGate::Slot place, core::UniqueFd reply, const core::Clock& clock, core::Instant give_up_at);

  /// There is more of the file. Never blocks.
  void grown();

  /// The file is whole: waits for what the probe found. Once only; kUnavailable when it has given up,
  /// otherwise the errors of MediaService::probe().
  core::Task<core::Result<Probe>> result(core::Deadline deadline);

 private:
  std::optional<JobGate::Slot> place_;
  core::UniqueFd reply_;  ///< none once it has given up
  const core::Clock& clock_;
  const core::Instant give_up_at_;
};

}  // namespace kadenza::services::media
