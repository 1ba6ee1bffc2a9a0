// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <string>

#include <fmt/format.h>

namespace kadenza::interface {

/// Chooses the language of texts for people, as gettext does (LANGUAGE, LC_ALL, LC_MESSAGES, LANG), and also
/// on machines without that language's locale. Translations lie in share/locale beside the folder of the
/// program. Once, before threads start.
void set_up_language();

/// The text in the person's language. `message` is English and the key of po/*.po.
[[gnu::format_arg(1)]] const char* tr(const char* message);
/// The same with one form for one and others for many.
[[gnu::format_arg(1), gnu::format_arg(2)]] const char* trn(const char* one, const char* many,
                                                           unsigned long count);

/// tr() with the values of its {} places.
template <class... Args>
std::string trf(const char* message, const Args&... args) {
  return fmt::vformat(tr(message), fmt::make_format_args(args...));
}

}  // namespace kadenza::interface
