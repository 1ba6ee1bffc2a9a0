// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include "core/error.hpp"

namespace kadenza::distributed::identity {

/// The content of a file that only its owner may read; nothing when there is no such file. Blocking.
/// kForbidden: others may read or write it. kTooLarge, kInternal.
core::Result<std::optional<std::string>> read_secret_file(const std::filesystem::path& file,
                                                          std::size_t bytes_max = 64 * 1024);

}  // namespace kadenza::distributed::identity
