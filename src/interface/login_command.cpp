// SPDX-License-Identifier: AGPL-3.0-or-later
#include <iostream>

#include <boost/json/serialize.hpp>
#include <termios.h>
#include <unistd.h>

#include "interface/client_command.hpp"
#include "interface/i18n.hpp"

namespace kadenza::interface {
namespace {

/// Switches the terminal's echo off while it lives.
class Silence {
 public:
  Silence() {
    active_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!active_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    active_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
  ~Silence() {
    if (active_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }

 private:
  termios before_{};
  bool active_ = false;
};

core::Result<std::string> read_password(const LoginOptions& options, Console& console) {
  std::string password;
  if (options.password_from_stdin) {
    std::getline(std::cin, password);
  } else {
    if (::isatty(STDIN_FILENO) == 0) {
      return core::fail(core::Errc::kInvalidArgument,
                        "There is no terminal to ask for the password at; use --password-stdin.");
    }
    console.err << trf("Password of {}: ", printable(options.user)) << std::flush;
    const Silence silence;
    std::getline(std::cin, password);
    console.err << '\n';
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
