// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "core/clock.hpp"

namespace kadenza::distributed::kademlia {

using core::Duration;
using core::Instant;
using namespace std::chrono_literals;

inline constexpr std::size_t kBucketSizeMax = 64;

/// The constants of one node. The defaults are what production runs; docs/scaling.md says what was measured.
struct Config {
  std::size_t bucket_size = 20;          ///< k of the paper; at most kBucketSizeMax
  std::size_t cache_size = 6;            ///< replacements kept per bucket
  std::size_t lookups_max = 1024;        ///< lookups at once; more are refused
  std::size_t requests_max = 8192;       ///< requests without an answer at once; more are not sent
  std::size_t rate_sources = 64;         ///< sources whose rate is remembered; a power of two, at least 4
  std::uint32_t rate_per_source = 2000;  ///< requests a second answered to one endpoint (bursts: as many)
  std::uint32_t rate_total = 50'000;     ///< requests a second answered at all
  std::uint32_t probes_per_second = 20;  ///< pings to nodes that asked us and may become contacts
  std::size_t recently_dead_max = 64;    ///< endpoints remembered as not answering

  int parallel = 3;            ///< α
  int parallel_when_slow = 6;  ///< α while some node asked is slow, and of a read by a node that is far away
  Duration far = 160ms;        ///< a node is that to which answers usually take longer

  Duration soft_timeout_min = 50ms;  ///< a node is slow after srtt + 4 var within these bounds
  Duration soft_timeout_max = 1s;
  int hard_timeout_factor = 3;             ///< it failed after this many soft time-outs…
  Duration hard_timeout_max = 2s;          ///< …and at most after this
  Duration hard_timeout_stranger = 800ms;  ///< …but not before this if it never answered: it may be far away

  Duration refresh_interval = 2s;    ///< at most one contact is checked this often
  Duration refresh_age = 60s;        ///< and only if nothing was heard of it for this long
  Duration lookup_interval = 10min;  ///< between the lookups that find newcomers near us, then elsewhere
  Duration seed_backoff_min = 1s;    ///< between attempts to reach anyone at all, doubling
  Duration seed_backoff_max = 5min;
  Duration dead_memory = 30s;  ///< how long lookups skip a node that did not answer twice
  /// A stranger that was silent is asked again after this, and once more after four times as long.
  Duration second_chance = 2s;
};

}  // namespace kadenza::distributed::kademlia
