// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <optional>

#include "core/music_library.hpp"
#include "core/song.hpp"
#include "services/media/worker/file_source.hpp"

namespace kadenza::services::media {

struct TagsAndCover {
  core::Tags tags;
  std::optional<core::Image> cover;
};

/// Reads ID3v1 and ID3v2, APE, Vorbis comments, MP4 atoms and RIFF INFO with TagLib. A file with broken tags
/// has none.
TagsAndCover read_tags(FileSource& source, core::AudioFormat format);

}  // namespace kadenza::services::media
