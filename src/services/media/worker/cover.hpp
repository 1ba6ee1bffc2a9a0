// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <optional>
#include <span>

#include <taglib/aifffile.h>
#include <taglib/flacfile.h>
#include <taglib/mp4file.h>
#include <taglib/mpegfile.h>
#include <taglib/opusfile.h>
#include <taglib/vorbisfile.h>
#include <taglib/wavfile.h>

#include "core/music_library.hpp"

namespace kadenza::services::media {

/// The content type of a JPEG, PNG, GIF, BMP or WebP by its first bytes; null for anything else.
const char* image_content_type(std::span<const std::uint8_t> bytes) noexcept;

/// The front cover among the pictures of a file, or else the first one. Pictures that are no images, or over
/// kPictureBytesMax, do not count.
std::optional<core::Image> read_cover(TagLib::MPEG::File& file);
std::optional<core::Image> read_cover(TagLib::FLAC::File& file);
std::optional<core::Image> read_cover(TagLib::Ogg::Vorbis::File& file);
std::optional<core::Image> read_cover(TagLib::Ogg::Opus::File& file);
std::optional<core::Image> read_cover(TagLib::MP4::File& file);
std::optional<core::Image> read_cover(TagLib::RIFF::WAV::File& file);
std::optional<core::Image> read_cover(TagLib::RIFF::AIFF::File& file);

}  // namespace kadenza::services::media
