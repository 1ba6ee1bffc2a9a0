// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/accounts/file_book.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <fmt/format.h>

#include "services/accounts/accounts_file.hpp"

namespace kadenza::services::accounts {
namespace {

std::unexpected<core::Error> unknown(std::string_view name) {
  return core::fail(core::Errc::kNotFound, fmt::format("There is no user called {}.", name));
}

}  // namespace

core::Result<FileBook::Opened> FileBook::open(std::filesystem::path file, const core::Clock& clock) {
  KADENZA_TRY(std::optional<AccountsData> data, load_accounts(file));
  std::shared_ptr<FileBook> book(new FileBook(std::move(file), clock));
  if (data) {
    book->users_ = std::move(data->users);
    for (StoredSession& session : data->sessions) book->sessions_.add(std::move(session));
  }
  return Opened{std::move(book), !data};
}

core::Result<void> FileBook::save() {
  const std::lock_guard writing(file_mutex_);
  return save_accounts(file_, {users(), sessions_.all(clock_.wall_now())});
}

std::vector<StoredUser> FileBook::users() const {
  const std::lock_guard lock(mutex_);
  return users_;
}

std::optional<StoredUser> FileBook::user(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto user = std::ranges::find(users_, name, &StoredUser::name);
  return user == users_.end() ? std::nullopt : std::optional(*user);
}

std::optional<Sessions::Check> FileBook::check(const core::Digest& token, core::WallTime now) const {
  return sessions_.check(token, now);
}

core::Result<void> FileBook::add_user(StoredUser user) {
  {
    const std::lock_guard lock(mutex_);
    if (std::ranges::find(users_, user.name, &StoredUser::name) != users_.end()) {
      return core::fail(core::Errc::kConflict, fmt::format("There is already a user called {}.", user.name));
    }
    users_.push_back(std::move(user));
  }
  return save();
}

core::Result<void> FileBook::set_password(std::string_view name, std::string hash) {
  {
    const std::lock_guard lock(mutex_);
    const auto user = std::ranges::find(users_, name, &StoredUser::name);
    if (user == users_.end()) return unknown(name);
    user->password_hash = std::move(hash);
  }
  sessions_.remove_user(name);
  return save();
}

core::Result<void> FileBook::remove_user(std::string_view name) {
  {
    const std::lock_guard lock(mutex_);
    const auto is_named = [&](const StoredUser& user) { return user.name == name; };
    if (std::erase_if(users_, is_named) == 0) return unknown(name);
  }
  sessions_.remove_user(name);
  return save();
}

core::Result<void> FileBook::add_session(StoredSession session) {
  const core::Digest token = session.token;
  sessions_.add(std::move(session));
  auto saved = save();
  if (!saved) sessions_.remove(token);
  return saved;
}

core::Result<bool> FileBook::remove_session(const core::Digest& token) {
  if (!sessions_.remove(token)) return false;
  KADENZA_TRY_VOID(save());
  return true;
}

core::Result<void> FileBook::renew_session(const core::Digest&) {
  return save();  // check() moved the expiry in memory
}

core::Task<void> FileBook::spread() {
  co_return;
}

}  // namespace kadenza::services::accounts
