// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/clock.hpp"

namespace kadenza::sim {

/// A cluster in which nothing happens: every song is where it belongs, and the nodes go on comparing.
struct IdleOptions {
  std::uint64_t seed = 1;
  std::uint32_t nodes = 20;
  std::uint32_t songs = 1000;
  core::Duration lasting = std::chrono::minutes(20);
};

struct Idle {
  struct Method {
    double calls_per_second = 0;  ///< made by one node
    double bytes_per_second = 0;  ///< of these, both ways, without what the transport adds
  };
  IdleOptions options;
  std::map<std::string, Method> methods;
  Method all;
};

Idle measure_idle(const IdleOptions& options);

std::string as_json(const Idle& idle);
std::string as_text(const Idle& idle);

}  // namespace kadenza::sim
