// SPDX-License-Identifier: AGPL-3.0-or-later
// Precompiled for every target that uses Asio: parsing it costs several seconds a file.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio.hpp>
