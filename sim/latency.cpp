// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/latency.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace kadenza::sim {

namespace {

constexpr double kEarthRadiusKm = 6371;
constexpr double kFibreKmPerMs = 200;  // light in glass: two thirds of c
constexpr double kDetour = 1.25;       // cables do not follow great circles
constexpr double kAccessMedianMs = 4;
constexpr double kAccessSigma = 1.5;
constexpr double kAccessMaxMs = 400;
constexpr double kJitterMeanMs = 1.5;
constexpr double kQueueChance = 0.01;  // a packet now and then meets a full queue (bufferbloat)
constexpr double kQueueMeanMs = 60;

struct Region {
  double share;
  double latitude, longitude, spread;  // degrees; the spread is one standard deviation
};
constexpr std::array<Region, 6> kRegions{{
    {0.70, 49, 9, 7},     // Europe
    {0.17, 39, -90, 13},  // North America
    {0.06, 33, 115, 12},  // East Asia
    {0.03, -20, -55, 9},  // South America
    {0.02, -33, 148, 6},  // Oceania
    {0.02, 20, 78, 8},    // India
}};

core::Duration milliseconds(double value) {
  return core::Duration(static_cast<std::int64_t>(value * 1e6));
}

double radians(double degrees) {
  return degrees * std::numbers::pi / 180;
}

}  // namespace

Place LatencyModel::draw_place(Random& random) const {
  double pick = random.uniform();
  const Region* region = kRegions.data();
  while (region != &kRegions.back() && pick >= region->share) pick -= (region++)->share;
  const double latitude = radians(region->latitude + region->spread * random.normal());
  const double longitude = radians(region->longitude + region->spread * random.normal());
  Place place;
  place.x = static_cast<float>(std::cos(latitude) * std::cos(longitude));
  place.y = static_cast<float>(std::cos(latitude) * std::sin(longitude));
  place.z = static_cast<float>(std::sin(latitude));
  place.access_milliseconds =
      static_cast<float>(std::min(kAccessMaxMs, random.lognormal(kAccessMedianMs, kAccessSigma)));
  return place;
}

core::Duration LatencyModel::round_trip(const Place& a, const Place& b) const {
  const double cosine = std::clamp(double{a.x} * b.x + double{a.y} * b.y + double{a.z} * b.z, -1.0, 1.0);
  const double km = kEarthRadiusKm * std::acos(cosine);
  return milliseconds(2 * km * kDetour / kFibreKmPerMs + a.access_milliseconds + b.access_milliseconds);
}

core::Duration LatencyModel::one_way(const Place& a, const Place& b, Random& random) const {
  double queues = random.exponential(kJitterMeanMs);
  if (random.chance(kQueueChance)) queues += random.exponential(kQueueMeanMs);
  return round_trip(a, b) / 2 + milliseconds(queues);
}

}  // namespace kadenza::sim
