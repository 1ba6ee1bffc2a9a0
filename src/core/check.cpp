// SPDX-License-Identifier: AGPL-3.0-or-later
#include "core/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace kadenza::core {

void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "kadenza: broken invariant at %s:%d: %s\n", file, line, condition);
  std::abort();
}

}  // namespace kadenza::core
