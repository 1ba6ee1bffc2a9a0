// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace kadenza::interface {

/// The configuration file and the environment behind the flags: what no flag says is taken from the
/// environment, then from the file, then from the default. Used once, at start.
class Settings {
 public:
  /// Lets `option` of `command` be given as `KEY` of the file and as KADENZA_… in the environment.
  void add(CLI::App& command, CLI::Option& option, std::string key);

  /// Gives every option of a command that was called, and that no flag set, its value. `file`: given by the
  /// person, so it must exist; none: config_folder()/config.toml if it is there. kInvalidArgument names what
  /// is wrong and where.
  core::Result<void> apply(const std::optional<std::filesystem::path>& file) const;

  /// "KADENZA_" and the last part of the key in capitals: "serve.upload-limit" is KADENZA_UPLOAD_LIMIT.
  static std::string environment_name(std::string_view key);

 private:
  using Values = std::map<std::string, std::vector<std::string>>;
  struct Entry {
    CLI::App* command;
    CLI::Option* option;
    std::string key;
  };
  core::Result<Values> read(const std::filesystem::path& file) const;
  core::Result<void> check_keys(const Values& values, const std::filesystem::path& file) const;

  std::vector<Entry> entries_;
};

}  // namespace kadenza::interface
