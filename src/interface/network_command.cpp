// SPDX-License-Identifier: AGPL-3.0-or-later
#include <boost/json/serialize.hpp>

#include "core/ids.hpp"
#include "core/sha256.hpp"
#include "interface/client_command.hpp"
#include "interface/i18n.hpp"
#include "interface/network_view.hpp"

namespace kadenza::interface {
namespace {

ExitCode failed(const CommandLine& line, Console& console, const core::Error& error) {
  print_error(console, error, line.client.json);
  return exit_code(error.code);
}

core::Result<std::string> key_of(const LookupOptions& options) {
  if (options.hash) return core::sha256(options.key).text();
  if (core::NodeId::parse(options.key)) return options.key;
  return core::fail(core::Errc::kInvalidArgument,
                    tr("This is not an id of 52 letters and digits. With --hash any text is a key."));
}

}  // namespace

ExitCode run_network(const CommandLine& line, Console& console, const middleware::TokenStore& tokens) {
  middleware::NetworkAnswer answer;
  const auto ended =
      run_client(line.client, tokens, [&](middleware::Client& client) -> core::Task<core::Result<void>> {
        KADENZA_CO_TRY(answer, co_await client.network());
        co_return core::Result<void>();
      });
  if (!ended) return failed(line, console, ended.error());
  if (line.client.json) {
    console.out << boost::json::serialize(answer.json) << '\n';
  } else {
    print_network(console, answer);
  }
  return ExitCode::kOk;
}

ExitCode run_lookup(const CommandLine& line, Console& console, const middleware::TokenStore& tokens) {
  const auto key = key_of(line.lookup_options);
  if (!key) {
    print_error(console, key.error(), line.client.json);
    return ExitCode::kUsage;
  }
  middleware::LookupAnswer answer;
  const auto ended =
      run_client(line.client, tokens, [&](middleware::Client& client) -> core::Task<core::Result<void>> {
        KADENZA_CO_TRY(answer, co_await client.lookup(*key));
        co_return core::Result<void>();
      });
  if (!ended) return failed(line, console, ended.error());
  if (line.client.json) {
    console.out << boost::json::serialize(answer.json) << '\n';
  } else {
    print_lookup(console, answer);
  }
  return ExitCode::kOk;
}

}  // namespace kadenza::interface
