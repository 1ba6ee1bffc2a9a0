// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/size_estimate.hpp"

#include <algorithm>

namespace kadenza::distributed::kademlia {
namespace {

constexpr std::size_t kSampleMin = 8;
constexpr double kMemory = 16;

/// Least squares for d_i = spacing · i.
double spacing_of(const Key& target, std::span<const Contact> nearest) {
  double product = 0;
  double square = 0;
  for (std::size_t i = 0; i < nearest.size(); ++i) {
    const auto rank = static_cast<double>(i + 1);
    product += rank * distance(target, nearest[i].id).fraction();
    square += rank * rank;
  }
  return product / square;
}

}  // namespace

void SizeEstimate::observe(const Key& target, std::span<const Contact> nearest) {
  if (nearest.size() < kSampleMin) return;
  const double sample = spacing_of(target, nearest);
  spacing_ = spacing_ == 0 ? sample : spacing_ + (sample - spacing_) / kMemory;
}

double SizeEstimate::nodes(const RoutingTable& table) const {
  const auto known = static_cast<double>(table.size() - table.excluded()) + 1;
  if (table.buckets().size() == 1) return known;
  if (spacing_ > 0) return std::max(known, 1 / spacing_);
  ContactArray<kAnswerContactsMax> near;
  table.nearest(table.self(), kAnswerContactsMax, table.self(), near);
  return std::max(known, near.empty() ? 1 : 1 / spacing_of(table.self(), near.span()));
}

}  // namespace kadenza::distributed::kademlia
