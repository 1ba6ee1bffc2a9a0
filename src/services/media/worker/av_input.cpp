// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/media/worker/av_input.hpp"

#include <cstdio>
#include <new>

namespace kadenza::services::media {
namespace {

constexpr int kBufferBytes = 32 * 1024;

}  // namespace

AvInput::AvInput(FileSource& source) : source_(source) {
  auto* const buffer = static_cast<std::uint8_t*>(av_malloc(kBufferBytes));
  if (buffer != nullptr)
    context_.reset(avio_alloc_context(buffer, kBufferBytes, 0, this, read, nullptr, seek));
  if (!context_) throw std::bad_alloc();
}

int AvInput::read(void* self, std::uint8_t* out, int length) {
  auto& input = *static_cast<AvInput*>(self);
  if (length <= 0) return AVERROR(EINVAL);
  const auto got = input.source_.read(static_cast<std::uint64_t>(input.position_),
                                      {out, static_cast<std::size_t>(length)});
  if (got == 0) return AVERROR_EOF;
  input.position_ += static_cast<std::int64_t>(got);
  return static_cast<int>(got);
}

std::int64_t AvInput::seek(void* self, std::int64_t offset, int whence) {
  auto& input = *static_cast<AvInput*>(self);
  const auto size = static_cast<std::int64_t>(input.source_.size());
  switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
      return size;
    case SEEK_SET:
      break;
    case SEEK_CUR:
      offset += input.position_;
      break;
    case SEEK_END:
      offset += size;
      break;
    default:
      return AVERROR(EINVAL);
  }
  if (offset < 0) return AVERROR(EINVAL);
  input.position_ = offset;
  return offset;
}

}  // namespace kadenza::services::media
