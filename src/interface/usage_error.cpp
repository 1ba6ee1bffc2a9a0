// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/usage_error.hpp"

#include <array>
#include <regex>

#include "interface/i18n.hpp"

namespace kadenza::interface {
namespace {

struct Wording {
  const char* pattern;  ///< of CLI11 2.x
  std::string (*say)(const std::smatch&);
};

constexpr std::array kWordings{
    Wording{"The following arguments? (?:was|were) not expected: (.*)",
            [](const std::smatch& m) { return trf("Not understood: {}", m.str(1)); }},
    Wording{"A subcommand is required",
            [](const std::smatch&) { return std::string(tr("A command is missing.")); }},
    Wording{"(.*) is required", [](const std::smatch& m) { return trf("{} is missing.", m.str(1)); }},
    Wording{"(.*): [0-9]+ required (.*) missing",
            [](const std::smatch& m) { return trf("{} needs a value: {}", m.str(1), m.str(2)); }},
    Wording{"(.*): Value (.*) not in range (.*) to (.*)",
            [](const std::smatch& m) {
              return trf("{}: “{}” is not a number from {} to {}.", m.str(1), m.str(2), m.str(3), m.str(4));
            }},
    Wording{"(.*): (.*) not in \\{(.*)\\}",
            [](const std::smatch& m) {
              return trf("{}: “{}” is none of {}.", m.str(1), m.str(2),
                         std::regex_replace(m.str(3), std::regex(","), ", "));
            }},
    Wording{"(.*): File does not exist: (.*)",
            [](const std::smatch& m) { return trf("{}: there is no file {}.", m.str(1), m.str(2)); }},
    Wording{"Could not convert: (.*) = (.*)",
            [](const std::smatch& m) { return trf("{}: “{}” is not such a value.", m.str(1), m.str(2)); }},
    Wording{"(.*): At Most ([0-9]+) required but received ([0-9]+)",
            [](const std::smatch& m) {
              return trf("{} is given {} times, and may be at most {}.", m.str(1), m.str(3), m.str(2));
            }},
    Wording{"(.*) requires (.*)",
            [](const std::smatch& m) { return trf("{} is possible with {} only.", m.str(1), m.str(2)); }},
    Wording{"(.*) excludes (.*)",
            [](const std::smatch& m) { return trf("{} is not possible with {}.", m.str(1), m.str(2)); }},
};

}  // namespace

std::string usage_message(std::string_view message) {
  const std::string whole(message);
  std::smatch match;
  for (const auto& [pattern, say] : kWordings)
    if (std::regex_match(whole, match, std::regex(pattern))) return say(match);
  return whole;
}

}  // namespace kadenza::interface
