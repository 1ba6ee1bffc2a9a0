// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "core/error.hpp"
#include "core/task.hpp"
#include "core/unique_fd.hpp"

namespace kadenza::services::media {

/// The body of a worker's reply; empty when nothing at all came, because the media process itself has ended.
/// Closing the socket, as a cancelled call does, ends the worker.
core::Task<core::Result<std::vector<std::uint8_t>>> read_reply(core::UniqueFd socket);

}  // namespace kadenza::services::media
