// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <string_view>

#include <sys/types.h>

#include "core/error.hpp"

namespace kadenza::core {

/// Makes `content` the whole content of `file`, durably and in one step: after a crash at any moment there is
/// the old file or the new one. Blocking; one caller at a time for one file. kNoSpace, kInternal.
Result<void> replace_file(const std::filesystem::path& file, std::string_view content, mode_t mode);

}  // namespace kadenza::core
