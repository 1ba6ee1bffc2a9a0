// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/accounts/accounts_file.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "core/replace_file.hpp"

namespace kadenza::services::accounts {
namespace {

namespace json = boost::json;

constexpr int kVersion = 1;
constexpr std::size_t kFileBytesMax = 8u << 20;

core::Role role_of(const json::value& value) {
  const auto number = value.to_number<int>();
  if (number < static_cast<int>(core::Role::kListener) || number > static_cast<int>(core::Role::kAdmin)) {
    throw std::out_of_range("unknown role");
  }
  return static_cast<core::Role>(number);
}

std::string text_of(const json::value& value) {
  return std::string(value.as_string());
}

StoredUser user_of(const json::value& value) {
  const json::object& object = value.as_object();
  return {text_of(object.at("name")), text_of(object.at("password_hash")), role_of(object.at("role"))};
}

StoredSession session_of(const json::value& value, const std::vector<StoredUser>& users) {
  const json::object& object = value.as_object();
  const auto token = core::Digest::parse(text_of(object.at("token_sha256")));
  if (!token) throw std::out_of_range("a token's hash is malformed");
  const std::string name = text_of(object.at("user"));
  const auto user = std::ranges::find(users, name, &StoredUser::name);
  if (user == users.end()) throw std::out_of_range("a session of an unknown user");
  const std::chrono::milliseconds expires(object.at("expires_ms").to_number<std::int64_t>());
  return {*token, {name, user->role}, core::WallTime(expires)};
}

AccountsData data_of(const json::value& value) {
  const json::object& object = value.as_object();
  if (object.at("version").to_number<int>() != kVersion) throw std::out_of_range("unknown version");
  AccountsData data;
  for (const json::value& user : object.at("users").as_array()) data.users.push_back(user_of(user));
  for (const json::value& session : object.at("sessions").as_array()) {
    data.sessions.push_back(session_of(session, data.users));
  }
  return data;
}

}  // namespace

core::Result<AccountsData> parse_accounts(std::string_view text) {
  try {
    return data_of(json::parse({text.data(), text.size()}));
  } catch (const std::exception& error) {
    return core::fail(core::Errc::kCorrupted,
                      fmt::format("The accounts file cannot be understood ({}). Restore it from a backup, or "
                                  "move it away to start with a new administrator.",
                                  error.what()));
  }
}

std::string serialise_accounts(const AccountsData& data) {
  json::array users;
  for (const StoredUser& user : data.users) {
    users.push_back(json::object{
        {"name", user.name}, {"password_hash", user.password_hash}, {"role", static_cast<int>(user.role)}});
  }
  json::array sessions;
  for (const StoredSession& session : data.sessions) {
    sessions.push_back(json::object{{"token_sha256", session.token.text()},
                                    {"user", session.principal.user},
                                    {"expires_ms", session.expires.time_since_epoch().count()}});
  }
  return json::serialize(
      json::object{{"version", kVersion}, {"users", std::move(users)}, {"sessions", std::move(sessions)}});
}

core::Result<std::optional<AccountsData>> load_accounts(const std::filesystem::path& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (error == std::errc::no_such_file_or_directory) return std::nullopt;
  if (error) {
    return core::fail(core::Errc::kInternal,
                      fmt::format("Cannot read {}: {}.", file.string(), error.message()));
  }
  if (size > kFileBytesMax) {
    return core::fail(core::Errc::kCorrupted,
                      fmt::format("{} is too large to be an accounts file.", file.string()));
  }
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) return core::fail(core::Errc::kInternal, fmt::format("Cannot read {}.", file.string()));
  KADENZA_TRY(AccountsData data, parse_accounts(text));
  return data;
}

core::Result<void> save_accounts(const std::filesystem::path& file, const AccountsData& data) {
  constexpr mode_t kOwnerOnly = 0600;
  return core::replace_file(file, serialise_accounts(data), kOwnerOnly);
}

}  // namespace kadenza::services::accounts
