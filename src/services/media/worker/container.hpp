// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>

#include "core/error.hpp"
#include "services/media/worker/file_source.hpp"

namespace kadenza::services::media {

enum class Container : std::uint8_t { kMpeg, kFlac, kOgg, kMp4, kWav, kAiff };

/// What a file is by its first bytes, whatever its name: kUnsupportedMedia when it is none of these. An MP3
/// must show consecutive frames of MPEG layer III, since random bytes contain plenty of single frame headers.
core::Result<Container> recognise(FileSource& source);

/// FFmpeg's name of the container's demuxer.
const char* demuxer_name(Container container) noexcept;

/// Whether a WAV, AIFF or MP4 says in its outermost boxes that it is longer than the file: it was cut.
bool promises_more(FileSource& source, Container container);

/// Length in bytes of the MPEG layer III frame that starts with this header; 0 when it is none.
std::size_t mpeg_frame_bytes(std::span<const std::uint8_t, 4> header) noexcept;

}  // namespace kadenza::services::media
