// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <span>

#include "distributed/kademlia/contact.hpp"
#include "distributed/kademlia/routing_table.hpp"

namespace kadenza::distributed::kademlia {

/// How many nodes the network has, from how near the nearest ones to a point are: with n nodes spread evenly,
/// the i-th nearest is expected at the fraction i / n of the id space. Each finished lookup is one sample
/// (least squares over its contacts); they are averaged with a memory of about 16. Owned by KademliaNode.
class SizeEstimate {
 public:
  /// `nearest`: the nodes nearest to `target`, all of them up to the last.
  void observe(const Key& target, std::span<const Contact> nearest);

  /// Nodes, this one included. From the table alone before the first sample, and exactly while the table has
  /// room for everybody.
  double nodes(const RoutingTable& table) const;

 private:
  double spacing_ = 0;  ///< mean fraction of the id space per node; 0 = no sample
};

}  // namespace kadenza::distributed::kademlia
