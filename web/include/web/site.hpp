// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "views/site.hpp"

namespace kadenza::web {

/// The web player, as it was compiled in.
views::Site site();

}  // namespace kadenza::web
