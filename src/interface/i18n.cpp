// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/i18n.hpp"

#include <clocale>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include <libintl.h>

namespace kadenza::interface {
namespace {

constexpr const char* kDomain = "kadenza";

/// What the environment asks for, in the order of POSIX; "" when nothing.
std::string_view wanted_locale() {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
  }
  return "";
}

bool is_plain(std::string_view locale) {
  return locale == "C" || locale == "POSIX";
}

}  // namespace

void set_up_language() {
  const std::string_view wanted = wanted_locale();
  const bool known = std::setlocale(LC_CTYPE, "") != nullptr && std::setlocale(LC_MESSAGES, "") != nullptr;
  if (!is_plain(wanted) && (!known || is_plain(std::setlocale(LC_MESSAGES, nullptr)))) {
    // gettext translates nothing in the C locale; LANGUAGE alone decides in this one, which is always there.
    std::setlocale(LC_ALL, "C.UTF-8");
    std::setlocale(LC_NUMERIC, "C");
    if (!wanted.empty()) ::setenv("LANGUAGE", std::string(wanted).c_str(), 0);
  }
  std::error_code unknown;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", unknown);
  if (!unknown) {
    const auto folder = program.parent_path().parent_path() / "share" / "locale";
    ::bindtextdomain(kDomain, folder.c_str());
  }
  ::bind_textdomain_codeset(kDomain, "UTF-8");
}

const char* tr(const char* message) {
  return ::dgettext(kDomain, message);
}

const char* trn(const char* one, const char* many, unsigned long count) {
  return ::dngettext(kDomain, one, many, count);
}

}  // namespace kadenza::interface
