// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "distributed/cluster/document.hpp"
#include "distributed/cluster/exchange.hpp"
#include "services/accounts/account_book.hpp"
#include "services/accounts/accounts_file.hpp"

namespace kadenza::distributed::cluster {

/// Users and log-ins in the cluster document. Thread-safe; both must outlive it.
class DocumentBook final : public services::accounts::AccountBook {
 public:
  DocumentBook(ClusterDocument& document, ClusterExchange& exchange)
      : document_(document), exchange_(exchange) {}

  std::vector<services::accounts::StoredUser> users() const override;
  std::optional<services::accounts::StoredUser> user(std::string_view name) const override;
  std::optional<services::accounts::Sessions::Check> check(const core::Digest& token,
                                                           core::WallTime now) const override;

  core::Result<void> add_user(services::accounts::StoredUser user) override;
  core::Result<void> set_password(std::string_view name, std::string hash) override;
  core::Result<void> remove_user(std::string_view name) override;
  core::Result<void> add_session(services::accounts::StoredSession session) override;
  core::Result<bool> remove_session(const core::Digest& token) override;
  core::Result<void> renew_session(const core::Digest& token) override;
  core::Task<void> spread() override;

  /// The users and sessions of a node that was alone.
  core::Result<void> take_along(const services::accounts::AccountsData& alone);

 private:
  ClusterDocument& document_;
  ClusterExchange& exchange_;
};

}  // namespace kadenza::distributed::cluster
