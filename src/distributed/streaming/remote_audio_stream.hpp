// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>

#include "core/audio_stream.hpp"
#include "core/song.hpp"
#include "distributed/streaming/remote_songs.hpp"

namespace kadenza::distributed::streaming {

/// A range of a song that others hold: pieces are fetched ahead of the listener, a bounded number of them at
/// once. Small ones and few at first, so that the music begins soon, also when many begin at once, and that a
/// listener who skips on has cost little. One owner, on one strand.
class RemoteAudioStream final : public core::AudioStream {
 public:
  static constexpr std::uint64_t kPieceMax = 4 * core::kChunkBytes;
  static constexpr std::uint64_t kAheadMax = 4 * kPieceMax;
  /// How far ahead is fetched before the listener has taken anything; it grows by twice what was taken.
  static constexpr std::uint64_t kAheadAtFirst = kPieceMax;

  /// `first`: chunks that were fetched already, which begin at or before `range`.
  RemoteAudioStream(std::shared_ptr<RemoteSongs> songs, std::shared_ptr<const core::SongRecord> record,
                    core::ByteRange range, std::optional<Piece> first);
  ~RemoteAudioStream() override;

  core::Task<core::Result<std::size_t>> read(std::span<std::uint8_t> out, core::Deadline deadline) override;

 private:
  struct Pending;
  std::uint64_t ahead() const;
  std::uint64_t ahead_allowed() const;
  std::size_t take(std::span<std::uint8_t> out);

  const std::shared_ptr<RemoteSongs> songs_;
  const std::shared_ptr<const core::SongRecord> record_;
  const std::uint64_t begin_;
  core::ByteRange left_;      // what the listener has not got yet
  std::uint64_t next_fetch_;  // the first byte that nobody fetches yet
  std::uint64_t piece_size_ = core::kChunkBytes;
  std::optional<Piece> current_;
  std::deque<std::shared_ptr<Pending>> pending_;
};

}  // namespace kadenza::distributed::streaming
