// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/random.hpp"
#include "distributed/kademlia/config.hpp"
#include "distributed/kademlia/contact.hpp"
#include "distributed/kademlia/limits.hpp"

namespace kadenza::distributed::kademlia {

/// When a node must look after its table, and whether its own link works. Decides only when; what is sent is
/// KademliaNode's work, which owns it. Every moment it names is later than the one it was given.
class Maintenance {
 public:
  static constexpr std::size_t kSavedMax = 256;
  static constexpr std::size_t kSeedsMax = 32;

  explicit Maintenance(const Config& config) : config_(config) {}

  void bootstrap(std::span<const Contact> saved, std::span<const Endpoint> seeds, Instant now);

  void on_heard(Instant now);
  /// A request sent at `sent` had no answer. True = something was heard since, so that it is the other's
  /// fault; false = it may be our own link's.
  bool on_failure(Instant sent);

  Instant next_wakeup() const;

  /// Each is true once when its time has come, and then not before the next.
  bool refresh_due(Instant now, core::Random& random);
  bool lookup_due(Instant now, core::Random& random);
  bool seeds_due(Instant now, core::Random& random);
  bool candidates_due(Instant now);

  void want_candidates(Instant now);  ///< there may be replacements to try
  void want_seeds(Instant now);       ///< nobody is left
  bool may_probe(Instant now) { return probes_.take(config_.probes_per_second, now); }

  void somebody_is_there() noexcept {  ///< no need to look for anyone
    next_seeds_ = Instant::max();
    backoff_ = {};
  }

  /// Whom to ask at this attempt: some saved contacts, and seeds from the second attempt on or when there are
  /// none saved.
  std::span<const Contact> saved_turn();
  std::span<const Endpoint> seeds_turn() const;

  /// The bucket to look into next, of `depth` many; nothing = our own neighbourhood. Right after joining all
  /// buckets have their turn at once, from near to far.
  std::optional<std::size_t> next_region(std::size_t depth, core::Random& random);
  /// One of the lookups for it has finished; `anyone`: the table is not empty.
  void lookup_finished(std::size_t depth, bool anyone, Instant now);

  bool joined() const noexcept { return joined_; }
  bool link_suspected() const noexcept { return silent_failures_ >= kSuspectedFrom; }

 private:
  static constexpr int kSuspectedFrom = 4;
  static constexpr std::size_t kSavedPerTurn = 16;

  const Config& config_;
  std::vector<Contact> saved_;
  std::vector<Endpoint> seeds_;
  std::size_t saved_at_ = 0;
  int attempts_ = 0;
  Duration backoff_{};
  Instant next_seeds_ = Instant::max();
  Instant next_refresh_ = Instant::max();
  Instant next_lookup_ = Instant::max();
  Instant next_candidates_ = Instant::max();
  Instant heard_ = Instant::min();
  TokenBucket probes_;
  std::size_t regions_left_ = 0;  ///< of the round after joining
  bool own_region_next_ = true;
  bool joined_ = false;
  bool filling_ = false;
  int silent_failures_ = 0;
};

}  // namespace kadenza::distributed::kademlia
