// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "core/audio_stream.hpp"
#include "core/song.hpp"
#include "core/unique_fd.hpp"
#include "services/library/verified_chunks.hpp"

namespace kadenza::services::library {

/// A range of a blob on this node's disk. Chunks that were not verified yet are, before their bytes are
/// handed out; when all of the rest is verified already, file() offers it for sendfile.
class LocalAudioStream final : public core::AudioStream {
 public:
  LocalAudioStream(std::shared_ptr<const core::SongRecord> record, std::shared_ptr<const core::UniqueFd> blob,
                   std::shared_ptr<ChunkMarks> marks, core::ByteRange range,
                   boost::asio::any_io_executor blocking, std::function<void()> on_rotten = {});

  core::Task<core::Result<std::size_t>> read(std::span<std::uint8_t> out, core::Deadline deadline) override;
  std::optional<core::FileSlice> file() const override;

 private:
  std::size_t read_cached(std::span<std::uint8_t> out);
  core::Result<std::size_t> fill(std::span<std::uint8_t> out);
  core::Result<std::size_t> read_chunk_part(std::span<std::uint8_t> out);

  const std::shared_ptr<const core::SongRecord> record_;
  const std::shared_ptr<const core::UniqueFd> blob_;
  const std::shared_ptr<ChunkMarks> marks_;
  core::ByteRange left_;
  const boost::asio::any_io_executor blocking_;
  const std::function<void()> on_rotten_;  ///< tells that the disk lost bytes; may be empty
};

}  // namespace kadenza::services::library
