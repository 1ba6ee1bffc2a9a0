// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

namespace kadenza::services::media {

/// Makes the libraries build their static tables, so that forked workers find them ready.
void warm_up_libraries();

/// Unmaps the more than 120 libraries that Debian's FFmpeg drags in for codecs that Kadenza never calls.
/// Forking then copies 130 memory areas instead of 750 (0.3 ms instead of 1.25 ms), the process shrinks to a
/// third, and their code is out of a worker's reach. From here on the process may only end by _exit() or a
/// signal, fork only by _Fork(), and load nothing more; all symbols must be bound (LD_BIND_NOW). False when
/// they are not, in which case nothing was done.
bool shed_unused_libraries();

}  // namespace kadenza::services::media
