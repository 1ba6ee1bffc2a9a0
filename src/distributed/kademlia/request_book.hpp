// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "core/random.hpp"
#include "distributed/kademlia/config.hpp"
#include "distributed/kademlia/outbox.hpp"

namespace kadenza::distributed::kademlia {

/// Why a request was sent.
enum class Purpose : std::uint8_t {
  kLookup,
  kProbe,  ///< is this node alive?
  kSeed,   ///< is anybody at this endpoint? Its id is not known.
};

/// A request that waits for its answer.
struct Request {
  std::uint64_t transaction = 0;
  Contact to;
  Purpose purpose = Purpose::kProbe;
  bool wants_nodes = false;  ///< FindNode, not Ping
  bool slow = false;         ///< past its soft time-out; repeated once
  std::uint8_t chance = 0;   ///< of SecondChances; 0 = asked for another reason
  LookupId lookup{};
  FindNode find;       ///< if it is one
  Instant sent[2]{};   ///< by attempt
  Instant deadline{};  ///< the soft time-out, then the hard one
  Instant hard_deadline{};
};

/// The requests under way, found by transaction and by deadline in O(log n), never by scanning. Transactions
/// are random 64-bit numbers, so that nobody can answer who has not read the request. Owned by KademliaNode,
/// which bounds their number.
class RequestBook {
 public:
  using Slot = std::uint32_t;
  static constexpr Slot kNone = UINT32_MAX;

  /// Keeps `request` until its `deadline` under a new transaction.
  Slot open(Request request, core::Random& random);
  void close(Slot slot);

  Slot find(std::uint64_t transaction) const;
  /// The slot whose deadline is the earliest and not after `now`.
  Slot due(Instant now) const;
  void postpone(Slot slot, Instant deadline);
  /// Any request that waits for an answer from `endpoint`. O(n): for the rare news that nobody is there.
  Slot waiting_for(const Endpoint& endpoint) const;

  Request& operator[](Slot slot) { return places_[slot].request; }
  Instant next_deadline() const;  ///< Instant::max() = none
  std::size_t size() const noexcept { return heap_.size(); }

 private:
  struct Place {
    Request request;
    std::uint32_t heap_index = 0;
  };
  void set(std::size_t heap_index, Slot slot);
  void rise(std::size_t heap_index);
  void sink(std::size_t heap_index);
  Instant deadline_at(std::size_t heap_index) const { return places_[heap_[heap_index]].request.deadline; }

  std::vector<Place> places_;
  std::vector<Slot> free_;
  std::vector<Slot> heap_;  ///< binary heap of slots, the earliest deadline first
  boost::unordered_flat_map<std::uint64_t, Slot> by_transaction_;
};

}  // namespace kadenza::distributed::kademlia
