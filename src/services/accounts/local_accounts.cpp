// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/accounts/local_accounts.hpp"

#include <utility>

#include "services/accounts/file_book.hpp"

namespace kadenza::services::accounts {

LocalAccounts::LocalAccounts(std::shared_ptr<FileBook> book, PasswordAccounts::Config config)
    : PasswordAccounts(book, std::move(config)), book_(std::move(book)) {}

LocalAccounts::~LocalAccounts() {
  (void)book_->save();  // how far expiries moved since the last save: worth trying, not worth failing
}

core::Result<std::unique_ptr<LocalAccounts>> LocalAccounts::open(Config config) {
  KADENZA_TRY(FileBook::Opened opened, FileBook::open(config.directory / "accounts", *config.clock));
  std::unique_ptr<LocalAccounts> accounts(
      new LocalAccounts(std::move(opened.book), {std::move(config.blocking), config.clock, config.cost}));
  if (opened.fresh) {
    KADENZA_TRY(accounts->generated_password_, accounts->create_first_user());
  }
  return accounts;
}

std::optional<std::string> LocalAccounts::take_generated_password() {
  return std::exchange(generated_password_, std::nullopt);
}

}  // namespace kadenza::services::accounts
