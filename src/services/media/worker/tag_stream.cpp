// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/media/worker/tag_stream.hpp"

#include <algorithm>

namespace kadenza::services::media {

TagLib::ByteVector TagStream::readBlock(unsigned long length) {
  if (position_ < 0 || position_ >= this->length()) return {};
  // TagLib asks for as much as a damaged header says.
  length = std::min(length, static_cast<unsigned long>(this->length() - position_));
  TagLib::ByteVector block(static_cast<unsigned>(length), '\0');
  const auto got = source_.read(static_cast<std::uint64_t>(position_),
                                {reinterpret_cast<std::uint8_t*>(block.data()), block.size()});
  block.resize(static_cast<unsigned>(got));
  position_ += static_cast<long>(got);
  return block;
}

void TagStream::seek(long offset, Position from) {
  switch (from) {
    case Beginning:
      position_ = offset;
      break;
    case Current:
      position_ += offset;
      break;
    case End:
      position_ = length() + offset;
      break;
  }
}

}  // namespace kadenza::services::media
