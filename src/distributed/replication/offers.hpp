// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/music_library.hpp"
#include "core/song.hpp"
#include "services/library/song_store.hpp"

namespace kadenza::distributed::replication {

/// When the nodes that copy a song from here asked for bytes of it last. Thread-safe; one lock.
class Readers {
 public:
  void note(const core::NodeId& node, core::Instant now);
  std::optional<core::Instant> last(const core::NodeId& node) const;

 private:
  mutable std::mutex mutex_;  // guards the one below
  std::unordered_map<core::NodeId, core::Instant> last_;
};

/// A received song that others may copy from this node, although it is not, or not yet, stored here.
struct Offer {
  core::SongRecord record;
  std::optional<core::Image> cover;
  std::shared_ptr<services::library::IncomingSong> bytes;
  std::shared_ptr<Readers> readers = std::make_shared<Readers>();
};

/// The offers of the uploads under way, by their audio: two uploads of one song may offer different audio.
/// Thread-safe; one lock.
class Offers {
 public:
  /// Withdraws its offer when it goes.
  class Standing {
   public:
    Standing(Offers& offers, std::shared_ptr<const Offer> offer);
    Standing(const Standing&) = delete;
    ~Standing();
    const std::shared_ptr<const Offer>& offer() const noexcept { return offer_; }

   private:
    Offers& offers_;
    std::shared_ptr<const Offer> offer_;
  };

  /// Null when this audio is not on offer.
  std::shared_ptr<const Offer> find(const core::Digest& audio) const;

 private:
  mutable std::mutex mutex_;  // guards the one below
  std::unordered_multimap<core::Digest, std::shared_ptr<const Offer>> offers_;
};

}  // namespace kadenza::distributed::replication
