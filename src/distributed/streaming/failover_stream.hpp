// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>

#include "core/audio_stream.hpp"
#include "core/ids.hpp"
#include "distributed/streaming/remote_songs.hpp"

namespace kadenza::distributed::streaming {

/// A song from this node's own disk, which another replica carries on at the same byte when the disk fails or
/// its bytes have rotted. One owner.
class FailoverStream final : public core::AudioStream {
 public:
  FailoverStream(std::unique_ptr<core::AudioStream> local, std::shared_ptr<RemoteSongs> others,
                 core::SongId id, core::ByteRange range);

  core::Task<core::Result<std::size_t>> read(std::span<std::uint8_t> out, core::Deadline deadline) override;
  std::optional<core::FileSlice> file() const override { return current_->file(); }

 private:
  std::unique_ptr<core::AudioStream> current_;
  std::shared_ptr<RemoteSongs> others_;  ///< none: they carry on already
  const core::SongId id_;
  core::ByteRange left_;
};

}  // namespace kadenza::distributed::streaming
