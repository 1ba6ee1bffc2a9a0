// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/run.hpp"

#include <csignal>
#include <iostream>

#include "interface/client_command.hpp"
#include "interface/command_line.hpp"
#include "interface/completion.hpp"
#include "interface/i18n.hpp"
#include "interface/node_command.hpp"
#include "interface/usage_error.hpp"
#include "middleware/token_store.hpp"

namespace kadenza::interface {
namespace {

ExitCode wrong_usage(Console& console, const core::Error& error) {
  console.err << "kadenza: " << printable(error.detail) << '\n';
  return ExitCode::kUsage;
}

int run_serve(const CommandLine& line, Console& console, const Commands& commands) {
  const core::Result<ServeOptions> options = line.serve_options();
  if (!options) return static_cast<int>(wrong_usage(console, options.error()));
  return commands.serve(*options);
}

int run_proxy(const CommandLine& line, Console& console, const Commands& commands) {
  core::Result<ProxyOptions> options = line.proxy_options();
  if (!options) return static_cast<int>(wrong_usage(console, options.error()));
  auto servers = known_servers(line.client, middleware::TokenStore::of_user());
  if (!servers) return static_cast<int>(wrong_usage(console, servers.error()));
  options->servers = std::move(*servers);
  return commands.proxy(*options);
}

ExitCode run_client_command(const CommandLine& line, Console& console) {
  // A closed pipe is an error of the write that meets it, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  const middleware::TokenStore tokens = middleware::TokenStore::of_user();
  if (line.upload->parsed()) return run_upload(line, console, tokens);
  if (line.search->parsed()) return run_search(line, console, tokens);
  if (line.get->parsed()) return run_get(line, console, tokens);
  if (line.network->parsed()) return run_network(line, console, tokens);
  if (line.lookup->parsed()) return run_lookup(line, console, tokens);
  return run_login(line, console, tokens);
}

ExitCode run_cluster_command(const CommandLine& line, Console& console, const Commands& commands) {
  if (line.invite->parsed()) return run_invite(line, console);
  if (line.members->parsed()) return run_members(line, console);
  if (line.issuer_add->parsed()) return run_issuer_add(line, console);
  if (line.remove->parsed()) return run_remove(line, console);
  if (line.authority->parsed()) return run_authority(line, console);
  if (line.export_cluster->parsed()) return run_export(line, console);
  return run_recover(line, console, commands.recover);
}

}  // namespace

int run(std::vector<std::string> arguments, Console& console, const Commands& commands) {
  CommandLine line(commands.version);
  try {
    if (auto parsed = line.parse(std::move(arguments)); !parsed) {
      return static_cast<int>(wrong_usage(console, parsed.error()));
    }
  } catch (const CLI::Success& help_or_version) {
    return line.app.exit(help_or_version, console.out, console.err);
  } catch (const CLI::ParseError& error) {
    console.err << "kadenza: " << printable(usage_message(error.what())) << '\n'
                << tr("kadenza --help and kadenza COMMAND --help say what is possible.") << '\n';
    return static_cast<int>(ExitCode::kUsage);
  }
  if (line.serve->parsed()) return run_serve(line, console, commands);
  if (line.proxy->parsed()) return run_proxy(line, console, commands);
  if (line.cluster->parsed()) return static_cast<int>(run_cluster_command(line, console, commands));
  if (line.drain->parsed()) return static_cast<int>(run_drain(line, console));
  if (line.rpc->parsed()) return static_cast<int>(run_rpc(line, console));
  if (line.completion->parsed()) {
    console.out << completion_script(line.app, line.shell);
    return static_cast<int>(ExitCode::kOk);
  }
  return static_cast<int>(run_client_command(line, console));
}

int run(int argc, char** argv, const Commands& commands) {
  set_up_language();
  std::ios::sync_with_stdio(false);
  Console console = standard_console();
  const int code = run(std::vector<std::string>(argv + std::min(argc, 1), argv + argc), console, commands);
  std::cout.flush();
  return code;
}

}  // namespace kadenza::interface
