// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "core/unique_fd.hpp"
#include "services/media/worker/sandbox.hpp"

namespace kadenza::services::media {

/// The whole life of a forked worker: waits for one job on `jobs`, confines itself, does it, answers, ends.
/// It holds `jobs` to its end, so that its parent sees when that is.
[[noreturn]] void work(core::UniqueFd jobs, const Sandbox& sandbox);

}  // namespace kadenza::services::media
