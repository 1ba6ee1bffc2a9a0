// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "core/clock.hpp"
#include "sim/random.hpp"

namespace kadenza::sim {

/// Where a machine stands on the earth and how long its own line takes. 16 bytes: there may be 100,000.
struct Place {
  float x = 0, y = 0, z = 0;      ///< unit vector from the centre of the earth
  float access_milliseconds = 0;  ///< what its line adds to every round trip
};

/// How long packets travel: great-circle distance in fibre times a detour, both ends' lines, and jitter. The
/// model, its sources and the resulting percentiles are in docs/simulation.md.
class LatencyModel {
 public:
  /// Homes and rented machines of people who share music, spread over the continents.
  Place draw_place(Random& random) const;

  /// The round trip without any queue.
  core::Duration round_trip(const Place& a, const Place& b) const;

  /// One packet's way: half the round trip plus what queues add this time.
  core::Duration one_way(const Place& a, const Place& b, Random& random) const;
};

}  // namespace kadenza::sim
