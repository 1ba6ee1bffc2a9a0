// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string_view>

#include "core/error.hpp"

namespace kadenza::services::blobs {

/// The failure of a system call as an Error: "cannot WHAT: REASON". A full disk or quota is kNoSpace, a
/// file over the file system's limit kTooLarge, everything else kInternal. `error_number` is errno.
[[nodiscard]] std::unexpected<core::Error> posix_failure(int error_number, std::string_view what);

}  // namespace kadenza::services::blobs
