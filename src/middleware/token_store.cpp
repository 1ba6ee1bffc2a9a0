// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/token_store.hpp"

#include <algorithm>
#include <array>
#include <fstream>

#include <fmt/format.h>
#include <sys/stat.h>

#include "core/replace_file.hpp"
#include "middleware/user_folders.hpp"

namespace kadenza::middleware {
namespace {

constexpr std::size_t kTokenBytesMax = 1024;

/// What may stand in an Authorization header (RFC 6750 §2.1), so that no file can add headers of its own.
bool is_token(std::string_view text) {
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("-._~+/=").find(static_cast<char>(c)) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= kTokenBytesMax && std::ranges::all_of(text, allowed);
}

}  // namespace

TokenStore::TokenStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

TokenStore TokenStore::of_user() {
  const auto config = config_folder();
  return TokenStore(config ? *config / "tokens" : std::filesystem::path());
}

std::filesystem::path TokenStore::file(std::string_view host, std::uint16_t port) const {
  std::string name = fmt::format("{}_{}", host, port);
  std::ranges::replace(name, '/', '_');
  return folder_ / name;
}

std::optional<std::string> TokenStore::read(const std::filesystem::path& file) const {
  std::ifstream in(file);
  std::string token;
  if (!std::getline(in, token) || !is_token(token)) return std::nullopt;
  return token;
}

std::optional<std::string> TokenStore::load(const Endpoint& endpoint) const {
  if (folder_.empty()) return std::nullopt;
  if (auto token = read(file(endpoint.host, endpoint.port))) return token;
  if (endpoint.host != "localhost") return std::nullopt;
  for (const char* address : {"127.0.0.1", "::1"}) {
    if (auto token = read(file(address, endpoint.port))) return token;
  }
  return std::nullopt;
}

core::Result<void> TokenStore::save(const Endpoint& endpoint, std::string_view token) const {
  constexpr mode_t kOwnerOnlyFile = 0600;
  constexpr mode_t kOwnerOnlyFolder = 0700;
  if (folder_.empty()) {
    return core::fail(core::Errc::kInvalidArgument,
                      "There is no folder to keep the log-in in: set HOME or XDG_CONFIG_HOME.");
  }
  if (!is_token(token)) return core::fail(core::Errc::kInvalidArgument, "The server sent a malformed token.");
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error || ::chmod(folder_.c_str(), kOwnerOnlyFolder) != 0) {
    return core::fail(core::Errc::kInternal, fmt::format("Cannot prepare the folder {}.", folder_.string()));
  }
  return core::replace_file(file(endpoint.host, endpoint.port), std::string(token) + "\n", kOwnerOnlyFile);
}

void TokenStore::remove(const Endpoint& endpoint) const {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove(file(endpoint.host, endpoint.port), ignored);
}

}  // namespace kadenza::middleware
