// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/completion.hpp"

#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace kadenza::interface {
namespace {

struct OptionWords {
  std::vector<std::string> names;  ///< "--server", "-n"
  std::string text;
  bool takes_value = false;
};

struct CommandWords {
  std::string name;
  std::string text;
  std::vector<OptionWords> options;
};

std::vector<OptionWords> options_of(const CLI::App& app) {
  std::vector<OptionWords> found;
  for (const CLI::Option* option : app.get_options()) {
    OptionWords words;
    for (const std::string& name : option->get_lnames()) words.names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) words.names.push_back("-" + name);
    words.text = option->get_description();
    words.takes_value = option->get_items_expected_max() > 0;
    if (!words.names.empty()) found.push_back(std::move(words));
  }
  return found;
}

std::vector<CommandWords> commands_of(const CLI::App& app) {
  std::vector<CommandWords> found;
  for (const CLI::App* command : app.get_subcommands({})) {
    found.push_back({command->get_name(), command->get_description(), options_of(*command)});
  }
  return found;
}

std::string names_of(const std::vector<OptionWords>& options) {
  std::string names;
  for (const OptionWords& option : options) {
    for (const std::string& name : option.names) names += (names.empty() ? "" : " ") + name;
  }
  return names;
}

/// For a single-quoted word of any of the three shells; `special` are characters that it must not hold.
std::string quoted(std::string_view text, std::string_view special = "") {
  std::string out;
  for (const char c : text) {
    if (c == '\'' || special.find(c) != std::string_view::npos) continue;
    out += c;
  }
  return out;
}

std::string bash_script(const CLI::App& app) {
  std::string cases;
  std::string commands;
  for (const CommandWords& command : commands_of(app)) {
    commands += (commands.empty() ? "" : " ") + command.name;
    cases += fmt::format("    {}) words='{}' ;;\n", command.name, names_of(command.options));
  }
  return fmt::format(R"(_kadenza() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} command='' words='' word
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    [[ $word == -* ]] || {{ command=$word; break; }}
  done
  case $command in
    '') words='{} {}' ;;
{}    completion) ;;
  esac
  if [[ $command == completion ]]; then words='bash zsh fish'; fi
  if [[ -z $command || $command == completion || $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}}
complete -o filenames -F _kadenza kadenza
)",
                     commands, names_of(options_of(app)), cases);
}

std::string zsh_script(const CLI::App& app) {
  std::string commands;
  std::string cases;
  for (const CommandWords& command : commands_of(app)) {
    commands += fmt::format("    '{}:{}'\n", command.name, quoted(command.text, ":"));
    cases += fmt::format("    {})\n      _arguments", command.name);
    for (const OptionWords& option : command.options) {
      for (const std::string& name : option.names) {
        cases += fmt::format(" \\\n        '{}[{}]{}'", name, quoted(option.text, "[]:"),
                             option.takes_value ? ":value:_files" : "");
      }
    }
    cases += command.name == "completion" ? " \\\n        '1:shell:(bash zsh fish)'\n      ;;\n"
                                          : " \\\n        '*:file:_files'\n      ;;\n";
  }
  return fmt::format(R"(#compdef kadenza
_kadenza() {{
  local -a commands=(
{}  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
{}  esac
}}
if [[ $funcstack[1] == _kadenza ]]; then _kadenza "$@"; else compdef _kadenza kadenza; fi
)",
                     commands, cases);
}

std::string fish_script(const CLI::App& app) {
  std::string script = "complete -c kadenza -n __fish_use_subcommand -f\n";
  for (const CommandWords& command : commands_of(app)) {
    script += fmt::format("complete -c kadenza -n __fish_use_subcommand -a {} -d '{}'\n", command.name,
                          quoted(command.text, "\\"));
    for (const OptionWords& option : command.options) {
      script += fmt::format("complete -c kadenza -n '__fish_seen_subcommand_from {}'", command.name);
      for (const std::string& name : option.names) {
        script += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      script += fmt::format("{} -d '{}'\n", option.takes_value ? " -r" : "", quoted(option.text, "\\"));
    }
  }
  script += "complete -c kadenza -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'\n";
  return script;
}

}  // namespace

std::string completion_script(const CLI::App& app, std::string_view shell) {
  if (shell == "bash") return bash_script(app);
  if (shell == "zsh") return zsh_script(app);
  return fish_script(app);
}

}  // namespace kadenza::interface
