// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"
#include "distributed/kademlia/contact.hpp"
#include "distributed/kademlia/distance.hpp"

namespace kadenza::distributed::placement {

/// Finds nodes: Kademlia's lookup, in production and in the simulator. Thread-safe.
class Routing {
 public:
  virtual ~Routing() = default;

  /// The `count` (at most 40) live nodes nearest to `key`, nearest first, without this one. Fewer: there are
  /// no more.
  virtual core::Task<core::Result<std::vector<kademlia::Contact>>> nearest(kademlia::Key key,
                                                                           std::size_t count,
                                                                           core::Deadline deadline) = 0;
};

}  // namespace kadenza::distributed::placement
