// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "middleware/discovery.hpp"
#include "middleware/node_book.hpp"

namespace kadenza::middleware {

/// Which further nodes were met through a given one, from one run of the program to the next: the file
/// `nodes.json` (docs/formats/nodes.md). It holds no secret and may be lost without harm. Blocking; what it
/// cannot read counts as not there.
class NodeMemory {
 public:
  static constexpr std::size_t kServersMax = 16;  ///< the ones heard of longest ago go first
  static constexpr std::chrono::minutes kFresh{10};

  /// `file` empty: remembers nothing.
  explicit NodeMemory(std::filesystem::path file);
  /// The one in state_folder().
  static NodeMemory of_user();

  /// Adds to the book what is remembered of its given nodes. Whether that is so fresh that nobody need be
  /// asked again.
  bool recall(NodeBook& book, core::WallTime now) const;
  /// Remembers the lesson for the given node it came through, and for those that it names.
  core::Result<void> keep(const Lesson& lesson, const NodeBook& book, core::WallTime now) const;

 private:
  std::filesystem::path file_;
};

}  // namespace kadenza::middleware
