// SPDX-License-Identifier: AGPL-3.0-or-later
#include <boost/json/serialize.hpp>

#include "interface/client_command.hpp"
#include "interface/i18n.hpp"
#include "interface/secret_input.hpp"

namespace kadenza::interface {
namespace {

core::Result<std::string> read_password(const LoginOptions& options, Console& console) {
  std::string password;
  if (options.password_from_stdin) {
    password = secret_from_stdin();
  } else {
    KADENZA_TRY(password,
                ask_secret(console, trf("Password of {}: ", printable(options.user)),
                           "There is no terminal to ask for the password at; use --password-stdin."));
  }
  if (password.empty()) return core::fail(core::Errc::kInvalidArgument, "No password was given.");
  return password;
}

}  // namespace

ExitCode run_login(const CommandLine& line, Console& console, const middleware::TokenStore& tokens) {
  const LoginOptions& options = line.login_options;
  const bool json = line.client.json;
  std::string password;
  if (options.code.empty()) {
    auto given = read_password(options, console);
    if (!given) {
      print_error(console, given.error(), json);
      return ExitCode::kUsage;
    }
    password = std::move(*given);
  }
  middleware::LogIn log_in;
  auto ended =
      run_client(line.client, tokens, [&](middleware::Client& client) -> core::Task<core::Result<void>> {
        if (options.code.empty()) {
          KADENZA_CO_TRY(log_in, co_await client.log_in(options.user, password));
        } else {
          KADENZA_CO_TRY(log_in, co_await client.redeem(options.code));
        }
        co_return tokens.save(log_in.endpoint, log_in.token);
      });
  if (!ended) {
    print_error(console, ended.error(), json);
    return exit_code(ended.error().code);
  }
  if (json) {
    boost::json::object object;
    object["server"] = log_in.endpoint.url();
    object["user"] = log_in.user;
    object["role"] = log_in.role;
    console.out << boost::json::serialize(object) << '\n';
  } else {
    console.out << trf("Logged in to {} as {}.", log_in.endpoint.url(), printable(log_in.user)) << '\n';
  }
  return ExitCode::kOk;
}

}  // namespace kadenza::interface
