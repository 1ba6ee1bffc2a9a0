// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>
#include <optional>

#include "core/clock.hpp"
#include "middleware/http_client.hpp"

namespace kadenza::middleware {

struct Health {
  unsigned status;            ///< of /readyz: 200 when it is ready
  core::Duration round_trip;  ///< from the question to the whole answer
};

/// Asks a node whether it is ready, with `limit` for each step. None when it does not answer.
core::Task<std::optional<Health>> probe(std::shared_ptr<HttpClient> http, Endpoint endpoint,
                                        std::chrono::milliseconds limit);

/// Sends a request that may take its time, like a large upload. Meanwhile the node is probed, and given up
/// (kUnavailable) as soon as it has stopped answering.
core::Task<core::Result<Response>> send_watched(std::shared_ptr<HttpClient> http, Endpoint endpoint,
                                                Request& request);

}  // namespace kadenza::middleware
