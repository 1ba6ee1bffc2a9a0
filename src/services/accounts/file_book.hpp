// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "services/accounts/account_book.hpp"
#include "services/accounts/sessions.hpp"

namespace kadenza::services::accounts {

/// The users and sessions of one node, in a file that is replaced as a whole. Thread-safe.
class FileBook final : public AccountBook {
 public:
  struct Opened {
    std::shared_ptr<FileBook> book;
    bool fresh = false;  ///< there was no file
  };
  /// `clock` must outlive it. kCorrupted when the file cannot be understood, kInternal when the disk fails.
  static core::Result<Opened> open(std::filesystem::path file, const core::Clock& clock);

  std::vector<StoredUser> users() const override;
  std::optional<StoredUser> user(std::string_view name) const override;
  std::optional<Sessions::Check> check(const core::Digest& token, core::WallTime now) const override;

  core::Result<void> add_user(StoredUser user) override;
  core::Result<void> set_password(std::string_view name, std::string hash) override;
  core::Result<void> remove_user(std::string_view name) override;
  core::Result<void> add_session(StoredSession session) override;
  core::Result<bool> remove_session(const core::Digest& token) override;
  core::Result<void> renew_session(const core::Digest& token) override;
  core::Task<void> spread() override;

  core::Result<void> save();

 private:
  FileBook(std::filesystem::path file, const core::Clock& clock) : file_(std::move(file)), clock_(clock) {}

  const std::filesystem::path file_;
  const core::Clock& clock_;
  Sessions sessions_;

  mutable std::mutex mutex_;  ///< guards users_; never held while writing
  std::vector<StoredUser> users_;

  std::mutex file_mutex_;  ///< one writer; taken before `mutex_`
};

}  // namespace kadenza::services::accounts
