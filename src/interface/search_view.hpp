// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "interface/console.hpp"
#include "middleware/client.hpp"

namespace kadenza::interface {

/// Results for people: artists, albums, then songs with their ids, as tables that fit the terminal. What
/// matched is highlighted where colour is wanted.
void print_search(Console& console, const middleware::SearchAnswer& answer);

}  // namespace kadenza::interface
