// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/audio_stream.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/music_library.hpp"
#include "core/song.hpp"
#include "core/task.hpp"
#include "distributed/kademlia/contact.hpp"

namespace kadenza::distributed::streaming {

/// What a holder answers to a read. Nothing of it is trusted before it is verified.
struct RemotePiece {
  std::vector<std::uint8_t> bytes;
  std::shared_ptr<const core::SongRecord> record;  ///< when it was asked for
  std::uint32_t load = 0;                          ///< reads under way at the holder, this one included
  /// Ranks of the partition's order that have the song, when it is in demand; 0: the holders alone.
  std::uint32_t copies = 0;
};

/// Reading from one other node. kNotFound: it does not hold the song. Thread-safe.
class Replicas {
 public:
  virtual ~Replicas() = default;
  virtual core::Task<core::Result<RemotePiece>> read(kademlia::Contact from, core::SongId id,
                                                     core::ByteRange range, bool with_record,
                                                     core::Deadline deadline) = 0;
  virtual core::Task<core::Result<core::Image>> cover(kademlia::Contact from, core::SongId id,
                                                      core::Deadline deadline) = 0;
  virtual core::Task<core::Result<core::DerivedFacts>> facts(kademlia::Contact from, core::SongId id,
                                                             core::Deadline deadline) = 0;
};

}  // namespace kadenza::distributed::streaming
