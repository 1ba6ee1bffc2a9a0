// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

namespace kadenza::core {

/// Prints the broken invariant with its place and aborts. Never returns.
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace kadenza::core

/// An invariant of this program; stays on in release builds. Never for input or for what a machine may do.
#define KADENZA_CHECK(condition) \
  (static_cast<bool>(condition) ? void(0) : ::kadenza::core::check_failed(#condition, __FILE__, __LINE__))
