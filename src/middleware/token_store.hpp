// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/error.hpp"
#include "middleware/endpoint.hpp"

namespace kadenza::middleware {

/// The bearer tokens of a person's log-ins: one file HOST_PORT per node, which only the owner may read. A
/// node leaves its operator's token there, `kadenza login` any other. Blocking; any thread.
class TokenStore {
 public:
  explicit TokenStore(std::filesystem::path folder);
  /// The one in config_folder(); keeps nothing when there is none.
  static TokenStore of_user();

  /// "localhost" also finds what was saved for the loopback addresses.
  std::optional<std::string> load(const Endpoint& endpoint) const;
  core::Result<void> save(const Endpoint& endpoint, std::string_view token) const;
  void remove(const Endpoint& endpoint) const;

 private:
  std::filesystem::path file(std::string_view host, std::uint16_t port) const;
  std::optional<std::string> read(const std::filesystem::path& file) const;

  std::filesystem::path folder_;  ///< empty: keeps nothing
};

}  // namespace kadenza::middleware
