// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "distributed/cluster/settings.hpp"

namespace kadenza::sim {

struct BalanceOptions {
  std::uint32_t nodes = 20;
  std::uint64_t keys = 1'000'000;
  std::vector<std::uint8_t> classes{8};  ///< capacity classes, in turn
  std::uint64_t seed = 1;
  distributed::cluster::Settings settings;
};

/// How evenly keys are spread. A node's load is its copies of keys by its weight, which doubles with each
/// capacity class; 1 = its fair share.
struct Balance {
  struct OfClass {
    std::uint8_t capacity_class = 0;
    std::uint32_t nodes = 0;
    double mean_load = 0;
  };
  BalanceOptions options;
  double max_load = 0;
  double min_load = 0;
  std::vector<OfClass> classes;
  double nearest_max_load = 0;  ///< of the plain rule, the R nodes nearest to each key, equal shares
  /// Copies that move when one more node joins, for each copy that it then holds: 1 is the least possible.
  double moved_by_join = 0;
};

/// Places random keys by the same code as a node does; all nodes are known.
Balance measure_balance(const BalanceOptions& options);
std::string as_text(const Balance& balance);
std::string as_json(const Balance& balance);

}  // namespace kadenza::sim
