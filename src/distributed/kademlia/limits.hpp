// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "distributed/kademlia/config.hpp"
#include "distributed/kademlia/endpoint.hpp"

namespace kadenza::distributed::kademlia {

/// A bucket of tokens: `rate` a second, at most `rate` saved up.
class TokenBucket {
 public:
  bool take(std::uint32_t rate, Instant now) noexcept;

  Instant refilled() const noexcept { return refilled_; }

 private:
  Instant refilled_ = Instant::min();
  float tokens_ = 0;
};

/// How often each source may ask. Remembers a fixed number of sources, the quietest of four makes room for a
/// new one, and a total bounds those who use many. Owned by KademliaNode.
class RateLimiter {
 public:
  RateLimiter(const Config& config, std::uint64_t salt) : config_(config), salt_(salt) {}

  bool allow(const Endpoint& source, Instant now);

 private:
  struct Source {
    std::uint64_t hash = 0;
    TokenBucket tokens;
  };
  const Config& config_;
  std::uint64_t salt_;
  TokenBucket total_;
  std::vector<Source> sources_;  ///< made when the first request comes
};

/// Endpoints that did not answer lately, so that lookups do not wait for what others still recommend. A fixed
/// number; a collision forgets the older one. Owned by KademliaNode.
class RecentlyDead {
 public:
  RecentlyDead(const Config& config, std::uint64_t salt) : config_(config), salt_(salt) {}

  void add(const Endpoint& endpoint, Instant now);
  void forget(const Endpoint& endpoint) noexcept;
  bool contains(const Endpoint& endpoint, Instant now) const noexcept;
  void clear() noexcept { places_.clear(); }

 private:
  struct Place {
    std::uint64_t hash = 0;
    Instant until = Instant::min();
  };
  const Config& config_;
  std::uint64_t salt_;
  std::vector<Place> places_;  ///< made when the first one dies
};

}  // namespace kadenza::distributed::kademlia
