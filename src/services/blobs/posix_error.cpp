// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/blobs/posix_error.hpp"

#include <cerrno>
#include <system_error>

#include <fmt/format.h>

namespace kadenza::services::blobs {

std::unexpected<core::Error> posix_failure(int error_number, std::string_view what) {
  const auto reason = std::generic_category().message(error_number);
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return core::fail(core::Errc::kNoSpace,
                        fmt::format("cannot {}: the disk or its quota is full; free some space", what));
    case EFBIG:
      return core::fail(core::Errc::kTooLarge,
                        fmt::format("cannot {}: the file system or a limit of this process allows no "
                                    "larger file",
                                    what));
    default:
      return core::fail(core::Errc::kInternal, fmt::format("cannot {}: {}", what, reason));
  }
}

}  // namespace kadenza::services::blobs
