// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>

#include "core/error.hpp"
#include "core/music_library.hpp"
#include "core/song.hpp"
#include "services/media/media_service.hpp"
#include "services/media/worker/file_source.hpp"

/// The work of a worker; see MediaService for what each does. They run confined, in a process of their own.
namespace kadenza::services::media {

core::Result<Probe> probe(FileSource& source);
core::Result<core::DerivedFacts> analyse(FileSource& source);
core::Result<core::Image> resize(FileSource& source, std::uint32_t pixels);

}  // namespace kadenza::services::media
