// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/console.hpp"

#include <array>
#include <cstdlib>
#include <cwchar>
#include <iostream>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "interface/i18n.hpp"

namespace kadenza::interface {
namespace {

constexpr char32_t kReplacement = 0xfffd;

bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069);
}

std::size_t width_of(char32_t c) {
  const int width = ::wcwidth(static_cast<wchar_t>(c));
  return width < 0 ? 1 : static_cast<std::size_t>(width);
}

const char* category(core::Errc code) {
  switch (code) {
    case core::Errc::kInvalidArgument:
      return tr("invalid request");
    case core::Errc::kMissingTags:
      return tr("title or artist is missing");
    case core::Errc::kUnsupportedMedia:
      return tr("not a known audio format");
    case core::Errc::kDamagedMedia:
      return tr("damaged audio");
    case core::Errc::kTooLarge:
      return tr("too large");
    case core::Errc::kNotFound:
      return tr("not found");
    case core::Errc::kUnauthenticated:
      return tr("not logged in");
    case core::Errc::kForbidden:
      return tr("not allowed");
    case core::Errc::kConflict:
      return tr("conflict");
    case core::Errc::kNoSpace:
      return tr("no space left");
    case core::Errc::kTooManyRequests:
      return tr("too many requests");
    case core::Errc::kUnavailable:
      return tr("server not reachable");
    case core::Errc::kDeadlineExceeded:
      return tr("no answer in time");
    case core::Errc::kCancelled:
      return tr("interrupted");
    case core::Errc::kCorrupted:
      return tr("corrupted data");
    case core::Errc::kInternal:
      return tr("internal error");
  }
  return tr("internal error");
}

}  // namespace

Console standard_console() {
  Console console{std::cout, std::cerr};
  console.out_is_terminal = ::isatty(STDOUT_FILENO) != 0;
  console.err_is_terminal = ::isatty(STDERR_FILENO) != 0;
  const char* term = std::getenv("TERM");
  const char* no_colour = std::getenv("NO_COLOR");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  console.colour = console.out_is_terminal && !dumb && (no_colour == nullptr || *no_colour == '\0');
  winsize size{};
  const int terminal = console.out_is_terminal ? STDOUT_FILENO : STDERR_FILENO;
  if (::ioctl(terminal, TIOCGWINSZ, &size) == 0) console.width = size.ws_col;
  return console;
}

ExitCode exit_code(core::Errc code) {
  switch (code) {
    case core::Errc::kUnavailable:
    case core::Errc::kDeadlineExceeded:
      return ExitCode::kUnreachable;
    case core::Errc::kUnauthenticated:
    case core::Errc::kForbidden:
      return ExitCode::kNotLoggedIn;
    case core::Errc::kCancelled:
      return ExitCode::kInterrupted;
    default:
      return ExitCode::kFailed;
  }
}

std::string describe(const core::Error& error) {
  return error.detail.empty() ? std::string(category(error.code))
                              : fmt::format("{}: {}", category(error.code), printable(error.detail));
}

void print_error(Console& console, const core::Error& error, bool json) {
  if (json) {
    boost::json::object inner;
    inner["code"] = core::to_string(error.code);
    inner["detail"] = error.detail;
    boost::json::object outer;
    outer["error"] = std::move(inner);
    console.out << boost::json::serialize(outer) << '\n';
    return;
  }
  console.err << "kadenza: " << describe(error) << '\n';
  if (error.code == core::Errc::kUnauthenticated) console.err << tr("Log in with: kadenza login") << '\n';
}

std::u32string decode_utf8(std::string_view text) {
  std::u32string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const std::size_t length = first < 0x80        ? 1
                               : first >> 5U == 6  ? 2
                               : first >> 4U == 14 ? 3
                               : first >> 3U == 30 ? 4
                                                   : 0;
    char32_t c = length == 1 ? first : first & (0x7fU >> length);
    bool good = length > 0 && i + length <= text.size();
    for (std::size_t k = 1; good && k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      good = next >> 6U == 2;
      c = (c << 6U) | (next & 0x3fU);
    }
    decoded += good ? c : kReplacement;
    i += good ? length : 1;
  }
  return decoded;
}

std::string encode_utf8(std::u32string_view text) {
  std::string encoded;
  for (const char32_t c : text) {
    if (c < 0x80) {
      encoded += static_cast<char>(c);
    } else if (c < 0x800) {
      encoded += {static_cast<char>(0xc0U | c >> 6U), static_cast<char>(0x80U | (c & 0x3fU))};
    } else if (c < 0x10000) {
      encoded += {static_cast<char>(0xe0U | c >> 12U), static_cast<char>(0x80U | (c >> 6U & 0x3fU)),
                  static_cast<char>(0x80U | (c & 0x3fU))};
    } else {
      encoded += {static_cast<char>(0xf0U | c >> 18U), static_cast<char>(0x80U | (c >> 12U & 0x3fU)),
                  static_cast<char>(0x80U | (c >> 6U & 0x3fU)), static_cast<char>(0x80U | (c & 0x3fU))};
    }
  }
  return encoded;
}

std::string printable(std::string_view text) {
  std::u32string decoded = decode_utf8(text);
  for (char32_t& c : decoded) {
    if (is_control(c)) c = kReplacement;
  }
  return encode_utf8(decoded);
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (const char32_t c : decode_utf8(text)) width += width_of(c);
  return width;
}

std::string fitted(std::string_view text, std::size_t width) {
  std::u32string kept = decode_utf8(text);
  std::size_t taken = 0;
  for (const char32_t c : kept) taken += width_of(c);
  if (taken > width) {
    while (!kept.empty() && taken + 1 > width) {
      taken -= width_of(kept.back());
      kept.pop_back();
    }
    if (width > 0) {
      kept += U'…';
      ++taken;
    }
  }
  return encode_utf8(kept) + std::string(width - std::min(width, taken), ' ');
}

std::string format_bytes(double bytes) {
  constexpr std::array kUnits{"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (bytes >= 999.95 && unit + 1 < kUnits.size()) {
    bytes /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, kUnits[unit]);
}

std::string format_duration(std::size_t seconds) {
  const std::size_t hours = seconds / 3600;
  const std::size_t minutes = seconds / 60 % 60;
  return hours > 0 ? fmt::format("{}:{:02}:{:02}", hours, minutes, seconds % 60)
                   : fmt::format("{}:{:02}", minutes, seconds % 60);
}

}  // namespace kadenza::interface
