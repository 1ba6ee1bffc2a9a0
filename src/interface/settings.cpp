// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/settings.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <sstream>

#include <CLI/CLI.hpp>
#include <toml++/toml.h>

#include "interface/i18n.hpp"
#include "interface/usage_error.hpp"
#include "middleware/user_folders.hpp"

namespace kadenza::interface {
namespace {

std::unexpected<core::Error> invalid(std::string detail) {
  return core::fail(core::Errc::kInvalidArgument, std::move(detail));
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::optional<std::string> scalar_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
  return std::nullopt;
}

/// Tables become dotted keys. False (with the key in `bad`) for a value that no option can have.
bool flatten(const toml::table& table, const std::string& prefix,
             std::map<std::string, std::vector<std::string>>& values, std::string& bad) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (const auto* inner = node.as_table()) {
      if (!flatten(*inner, key + ".", values, bad)) return false;
      continue;
    }
    const auto* array = node.as_array();
    bool understood = array != nullptr;
    if (array == nullptr) {
      const auto text = scalar_text(node);
      understood = text.has_value();
      if (text) values[key].push_back(*text);
    } else {
      for (const auto& item : *array) {
        const auto text = scalar_text(item);
        understood = understood && text.has_value();
        if (text) values[key].push_back(*text);
      }
    }
    if (!understood) {
      bad = key;
      return false;
    }
  }
  return true;
}

}  // namespace

void Settings::add(CLI::App& command, CLI::Option& option, std::string key) {
  entries_.push_back({&command, &option, std::move(key)});
}

std::string Settings::environment_name(std::string_view key) {
  std::string name = "KADENZA_";
  for (const char c : key.substr(key.rfind('.') + 1)) {
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

core::Result<Settings::Values> Settings::read(const std::filesystem::path& file) const {
  Values values;
  try {
    const toml::table table = toml::parse_file(file.string());
    std::string bad;
    if (!flatten(table, "", values, bad)) {
      return invalid(trf("{}: the value of “{}” must be a text, a number, true or false, or a list of them.",
                         file.string(), bad));
    }
  } catch (const toml::parse_error& error) {
    const std::string why(error.description());
    return invalid(trf("{}, line {}: {}.", file.string(), error.source().begin.line, why));
  }
  KADENZA_TRY_VOID(check_keys(values, file));
  return values;
}

core::Result<void> Settings::check_keys(const Values& values, const std::filesystem::path& file) const {
  for (const auto& [key, unused] : values) {
    if (std::ranges::find(entries_, key, &Entry::key) != entries_.end()) continue;
    const auto nearest = std::ranges::min_element(
        entries_, {}, [&](const Entry& entry) { return edit_distance(entry.key, key); });
    return invalid(trf("{}: there is no setting “{}”. Did you mean “{}”?", file.string(), key, nearest->key));
  }
  return {};
}

core::Result<void> Settings::apply(const std::optional<std::filesystem::path>& file) const {
  Values values;
  if (file) {
    KADENZA_TRY(values, read(*file));
  } else if (const auto folder = middleware::config_folder()) {
    std::error_code unreadable;
    if (std::filesystem::exists(*folder / "config.toml", unreadable)) {
      KADENZA_TRY(values, read(*folder / "config.toml"));
    }
  }
  for (const Entry& entry : entries_) {
    if (!entry.command->parsed() || entry.option->count() > 0) continue;
    const std::string variable = environment_name(entry.key);
    const char* environment = std::getenv(variable.c_str());
    const auto in_file = values.find(entry.key);
    std::string source = variable;
    if (environment != nullptr && *environment != '\0') {
      entry.option->add_result(std::string(environment));
    } else if (in_file != values.end()) {
      source = entry.key;
      for (const std::string& value : in_file->second) entry.option->add_result(value);
    } else {
      continue;
    }
    try {
      entry.option->run_callback();
    } catch (const CLI::ParseError& error) {
      return invalid(trf("The setting {} is wrong. {}", source, usage_message(error.what())));
    }
  }
  return {};
}

}  // namespace kadenza::interface
