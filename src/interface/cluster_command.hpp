// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "interface/command_line.hpp"
#include "interface/console.hpp"

namespace kadenza::interface {

/// What makes a node an issuer again from an export, without a running node.
struct RecoverRequest {
  std::filesystem::path data;
  std::string exported;  ///< the file's content
  std::string passphrase;
  std::string name;  ///< of the node, if it is a new one
};
/// Returns the node's id.
using Recover = std::function<core::Result<std::string>(const RecoverRequest&)>;

/// The commands of the person who runs a node, about its cluster. They speak to the node's control socket.
ExitCode run_invite(const CommandLine& line, Console& console);
ExitCode run_members(const CommandLine& line, Console& console);
ExitCode run_issuer_add(const CommandLine& line, Console& console);
ExitCode run_remove(const CommandLine& line, Console& console);
ExitCode run_authority(const CommandLine& line, Console& console);
ExitCode run_export(const CommandLine& line, Console& console);
ExitCode run_recover(const CommandLine& line, Console& console, const Recover& recover);
ExitCode run_rpc(const CommandLine& line, Console& console);

}  // namespace kadenza::interface
