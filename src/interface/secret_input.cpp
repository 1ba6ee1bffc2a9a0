// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/secret_input.hpp"

#include <iostream>

#include <termios.h>
#include <unistd.h>

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

}  // namespace

core::Result<std::string> ask_secret(Console& console, std::string_view prompt, std::string_view otherwise) {
  if (::isatty(STDIN_FILENO) == 0) return core::fail(core::Errc::kInvalidArgument, std::string(otherwise));
  console.err << prompt << std::flush;
  const Silence silence;
  std::string secret;
  std::getline(std::cin, secret);
  console.err << '\n';
  return secret;
}

std::string secret_from_stdin() {
  std::string secret;
  std::getline(std::cin, secret);
  return secret;
}

}  // namespace kadenza::interface
