// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>

namespace CLI {
class App;
}

namespace kadenza::sim {

/// `kadenza-sim library` and `kadenza-sim libraries`. Lives until the command line is parsed and run.
class LibraryCommand {
 public:
  explicit LibraryCommand(CLI::App& app);
  bool chosen() const;
  /// True when no checker objected.
  bool run() const;

 private:
  CLI::App* one_ = nullptr;
  CLI::App* many_ = nullptr;
  std::uint64_t seed_ = 1;
  std::uint64_t from_ = 1;
  std::uint64_t count_ = 100;
  std::uint64_t step_ = 1;
};

}  // namespace kadenza::sim
