// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "sim/library_world.hpp"
#include "sim/random.hpp"

namespace kadenza::sim {

/// The people: they upload through any node, and listen. Checks what they see: every upload and every stream
/// ends, and no byte is delivered that nobody uploaded. Lives as long as the world runs.
class LibraryWork {
 public:
  explicit LibraryWork(LibraryWorld& world);

  /// Uploads and plays at the rates of the options until then.
  void begin(core::Instant until);
  /// Plays every song of the catalogue through some nodes, one after the other; each must be whole.
  void begin_to_play_everything();
  bool everything_played() const { return everything_played_; }

  /// Says what has not ended although its deadline is over.
  void check_all_end();

  bool has_ended() const { return under_way_.empty(); }

 private:
  using Bytes = std::vector<std::uint8_t>;
  /// What somebody waits for.
  struct Errand {
    std::string what;
    core::Deadline deadline;
  };
  class UnderWay;

  core::Task<void> play_everything();
  core::Task<void> upload_now_and_then(core::Instant until);
  core::Task<void> play_now_and_then(core::Instant until);
  Bytes some_audio();
  core::Task<void> upload(MemberProcess& process, Bytes audio);
  /// Whether all of the song came, as one of its uploads has it.
  core::Task<bool> play(MemberProcess& process, core::Song song);
  bool begins_an_upload(const core::SongId& id, const Bytes& heard) const;

  LibraryWorld& world_;
  Random random_;
  int songs_ = 0;                                        ///< titles used so far
  std::map<core::SongId, std::vector<Bytes>> uploaded_;  ///< what was ever sent to any node
  std::uint64_t errands_ = 0;
  std::map<std::uint64_t, Errand> under_way_;
  bool everything_played_ = false;
};

}  // namespace kadenza::sim
