// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "core/accounts.hpp"
#include "services/accounts/account_book.hpp"
#include "services/accounts/password.hpp"

namespace kadenza::services::accounts {

/// The user that the first start creates, and whom the local token stands for.
inline constexpr std::string_view kFirstUser = "admin";

/// Log-ins by name and password, over a book of users and sessions.
///
/// Thread-safe. Passwords are hashed on `blocking`, one at a time (so guessing them costs a stranger's time,
/// not the node's memory); authenticate() reads memory only and takes about a microsecond. Tokens are 256
/// random bits, kept as their SHA-256; they expire 90 days after their last use. One-time codes, and how long
/// a name must wait after failures, are this node's own.
class PasswordAccounts : public core::Accounts {
 public:
  struct Config {
    boost::asio::any_io_executor blocking;  ///< a pool that may block; stopped before the book goes
    const core::Clock* clock = nullptr;     ///< must outlive the pool
    PasswordCost cost = {};
  };

  PasswordAccounts(std::shared_ptr<AccountBook> book, Config config);

  /// Blocking. Creates the first user with a generated password, which is returned: to be shown once, then
  /// forgotten.
  core::Result<std::string> create_first_user();

  /// A bearer token of the administrator for the operator's own command line; made anew by each process and
  /// never stored by this object.
  std::string local_token() const;

  std::vector<core::Principal> users() const;
  /// Blocking, for the operator's commands. kConflict when the name is taken, kInvalidArgument for a name or
  /// password that cannot be accepted.
  core::Result<void> create_user(std::string_view name, std::string_view password, core::Role role);
  /// Blocking. Ends the user's sessions. kNotFound for an unknown name.
  core::Result<void> set_password(std::string_view name, std::string_view password);
  /// Blocking. Ends the user's sessions. kNotFound for an unknown name, kConflict for the last administrator.
  core::Result<void> remove_user(std::string_view name);

  core::Task<core::Result<core::Session>> log_in(std::string user, std::string password,
                                                 core::Deadline deadline) override;
  core::Task<core::Result<core::Session>> redeem(std::string code, core::Deadline deadline) override;
  core::Task<core::Result<std::string>> one_time_code(core::Principal principal,
                                                      core::Deadline deadline) override;
  core::Task<core::Result<void>> log_out(std::string token, core::Deadline deadline) override;
  core::Result<core::Principal> authenticate(std::string_view token) const override;

 private:
  struct State;

  std::shared_ptr<State> state_;  ///< shared with what waits on the pool
};

}  // namespace kadenza::services::accounts
