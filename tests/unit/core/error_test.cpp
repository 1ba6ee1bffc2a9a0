// SPDX-License-Identifier: AGPL-3.0-or-later
#include "core/error.hpp"

#include <gtest/gtest.h>

namespace kadenza::core {
namespace {

TEST(Errc, EveryNameIsReadBack) {
  for (int code = 0; code <= static_cast<int>(Errc::kInternal); ++code) {
    EXPECT_EQ(parse_errc(to_string(static_cast<Errc>(code))), static_cast<Errc>(code));
  }
  EXPECT_FALSE(parse_errc(""));
  EXPECT_FALSE(parse_errc("no such code"));
}

}  // namespace
}  // namespace kadenza::core
