// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace kadenza::interface {

/// Where a command writes. Results go to `out`, everything else to `err`.
struct Console {
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  bool colour = false;    ///< on `out`
  std::size_t width = 0;  ///< of the terminal in columns; 0 = unlimited
};

/// The process's own: standard output and error. NO_COLOR and TERM=dumb are honoured.
Console standard_console();

/// What the process ends with; part of the interface (docs/cli.md).
enum class ExitCode : int {
  kOk = 0,
  kFailed = 1,       ///< something was refused, or was not found
  kUsage = 2,        ///< the command line, the environment or the configuration is wrong
  kUnreachable = 3,  ///< no server answers
  kNotLoggedIn = 4,
  kInterrupted = 130,
};
ExitCode exit_code(core::Errc code);

/// "what: detail", in the person's language as far as it is ours.
std::string describe(const core::Error& error);
/// "kadenza: what: detail" on `err`, or as {"error":{"code","detail"}} on `out` for programs.
void print_error(Console& console, const core::Error& error, bool json);

/// Text of strangers for a terminal: control characters, which could command it, become "�".
std::string printable(std::string_view text);
/// Columns that the text takes, wide characters counted twice.
std::size_t display_width(std::string_view text);
/// Cut or padded with spaces to exactly `width` columns.
std::string fitted(std::string_view text, std::size_t width);
std::u32string decode_utf8(std::string_view text);
std::string encode_utf8(std::u32string_view text);

std::string format_bytes(double bytes);            ///< "12.3 MB"
std::string format_duration(std::size_t seconds);  ///< "3:05", "1:02:03"

}  // namespace kadenza::interface
