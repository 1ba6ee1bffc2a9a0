// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/cluster/cluster_accounts.hpp"

#include <utility>

#include "distributed/cluster/document_book.hpp"
#include "services/accounts/accounts_file.hpp"

namespace kadenza::distributed::cluster {

using core::Result;

Result<std::unique_ptr<ClusterAccounts>> ClusterAccounts::open(Config config) {
  auto book = std::make_shared<DocumentBook>(*config.document, *config.exchange);
  std::unique_ptr<ClusterAccounts> accounts(new ClusterAccounts(book, std::move(config.accounts)));
  if (!config.created_in || !book->users().empty()) return accounts;
  KADENZA_TRY(const auto alone, services::accounts::load_accounts(*config.created_in / "accounts"));
  if (alone) {
    KADENZA_TRY_VOID(book->take_along(*alone));
  } else {
    KADENZA_TRY(accounts->generated_password_, accounts->create_first_user());
  }
  return accounts;
}

std::optional<std::string> ClusterAccounts::take_generated_password() {
  return std::exchange(generated_password_, std::nullopt);
}

}  // namespace kadenza::distributed::cluster
