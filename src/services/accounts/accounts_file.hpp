// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "services/accounts/account_book.hpp"
#include "services/accounts/sessions.hpp"

namespace kadenza::services::accounts {

/// What the accounts file holds.
struct AccountsData {
  std::vector<StoredUser> users;
  std::vector<StoredSession> sessions;
};

/// The file's JSON, version 1. kCorrupted says what is wrong with it.
core::Result<AccountsData> parse_accounts(std::string_view json);
std::string serialise_accounts(const AccountsData& data);

/// Blocking. None when there is no such file.
core::Result<std::optional<AccountsData>> load_accounts(const std::filesystem::path& file);

/// Blocking. Replaces the file as a whole, durably and readable by its owner only: a crash leaves the old one
/// or the new one. One caller at a time.
core::Result<void> save_accounts(const std::filesystem::path& file, const AccountsData& data);

}  // namespace kadenza::services::accounts
