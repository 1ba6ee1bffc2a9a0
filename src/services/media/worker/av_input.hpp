// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>

#include "services/media/worker/ffmpeg.hpp"
#include "services/media/worker/file_source.hpp"

namespace kadenza::services::media {

/// A FileSource as FFmpeg reads it. FFmpeg keeps its address: it does not move.
class AvInput {
 public:
  explicit AvInput(FileSource& source);
  AvInput(const AvInput&) = delete;
  AvInput& operator=(const AvInput&) = delete;

  AVIOContext* context() const noexcept { return context_.get(); }

 private:
  static int read(void* self, std::uint8_t* out, int length);
  static std::int64_t seek(void* self, std::int64_t offset, int whence);

  FileSource& source_;
  std::int64_t position_ = 0;
  IoContext context_;
};

}  // namespace kadenza::services::media
