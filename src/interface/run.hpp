// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "interface/cluster_command.hpp"
#include "interface/console.hpp"
#include "interface/proxy_options.hpp"
#include "interface/serve_options.hpp"

namespace kadenza::interface {

/// What the composition root gives to the command line.
struct Commands {
  std::string version;
  std::function<int(const ServeOptions&)> serve;  ///< runs a node; returns the exit code
  std::function<int(const ProxyOptions&)> proxy;  ///< likewise
  Recover recover;
};

/// Parses the command line and does what it says. `arguments` are without the program's name. Returns the
/// process's exit code.
int run(std::vector<std::string> arguments, Console& console, const Commands& commands);

/// The same for main(): standard streams, the person's language.
int run(int argc, char** argv, const Commands& commands);

}  // namespace kadenza::interface
