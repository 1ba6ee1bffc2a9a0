// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>

#include "core/error.hpp"
#include "core/task.hpp"
#include "interface/command_line.hpp"
#include "interface/console.hpp"
#include "middleware/client.hpp"
#include "middleware/token_store.hpp"

namespace kadenza::interface {

/// The nodes that the person named, with the log-ins that were kept for them.
core::Result<std::vector<middleware::Server>> known_servers(const ClientOptions& options,
                                                            const middleware::TokenStore& tokens);

/// Connects a command with the servers it was given and with the person's log-ins. Runs `body` on this thread
/// until it ends, or until SIGINT or SIGTERM, which cancel it (kCancelled); a second signal ends the process.
core::Result<void> run_client(const ClientOptions& options, const middleware::TokenStore& tokens,
                              std::function<core::Task<core::Result<void>>(middleware::Client&)> body);

/// The commands. Each writes its results to the console and says with what the process ends.
ExitCode run_upload(const CommandLine& line, Console& console, const middleware::TokenStore& tokens);
ExitCode run_search(const CommandLine& line, Console& console, const middleware::TokenStore& tokens);
ExitCode run_get(const CommandLine& line, Console& console, const middleware::TokenStore& tokens);
ExitCode run_network(const CommandLine& line, Console& console, const middleware::TokenStore& tokens);
ExitCode run_lookup(const CommandLine& line, Console& console, const middleware::TokenStore& tokens);
ExitCode run_login(const CommandLine& line, Console& console, const middleware::TokenStore& tokens);

}  // namespace kadenza::interface
