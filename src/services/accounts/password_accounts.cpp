// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/accounts/password_accounts.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <fmt/format.h>

#include "core/blocking.hpp"
#include "core/sha256.hpp"
#include "services/accounts/backoff.hpp"
#include "services/accounts/sessions.hpp"

namespace kadenza::services::accounts {
namespace {

constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kCodeBytes = 20;
constexpr std::size_t kGeneratedPasswordBytes = 10;
constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kTokenTextMax = 128;
constexpr std::size_t kCodesMax = 64;
constexpr std::size_t kWaitingLogInsMax = 16;
constexpr std::chrono::minutes kCodeLifetime{5};

core::Error wrong_credentials() {
  return {core::Errc::kUnauthenticated, "The name or the password is wrong."};
}

core::Result<void> check_name(std::string_view name) {
  const bool plain = std::ranges::all_of(name, [](unsigned char c) { return c > 0x20 && c != 0x7f; });
  if (name.empty() || name.size() > kNameBytesMax || !plain) {
    return core::fail(
        core::Errc::kInvalidArgument,
        fmt::format("A user's name must have 1 to {} bytes and no white space.", kNameBytesMax));
  }
  return {};
}

struct OneTimeCode {
  core::Digest hash;
  core::Principal principal;
  core::Instant expires{};
};

}  // namespace

struct PasswordAccounts::State : std::enable_shared_from_this<State> {
  State(std::shared_ptr<AccountBook> kept_in, Config given)
      : book(std::move(kept_in)),
        config(std::move(given)),
        hashing(boost::asio::make_strand(config.blocking)),
        local_token(random_secret(kTokenBytes)),
        local_token_hash(core::sha256(local_token)) {}

  void renew_later(const core::Digest& token);
  core::Result<core::Session> open_session(core::Principal principal);
  core::Result<core::Session> log_in(const std::string& user, std::string_view password);
  std::string any_hash() const;

  const std::shared_ptr<AccountBook> book;
  const Config config;
  const boost::asio::any_io_executor hashing;  ///< a strand: one password at a time
  const std::string local_token;
  const core::Digest local_token_hash;
  std::atomic<std::size_t> waiting_log_ins = 0;

  mutable std::mutex mutex;  ///< guards backoff and codes; never held while hashing or writing
  Backoff backoff;
  std::deque<OneTimeCode> codes;  ///< oldest first
};

void PasswordAccounts::State::renew_later(const core::Digest& token) {
  // One that fails here loses only how far an expiry had moved; the next use brings it along.
  boost::asio::post(config.blocking,
                    [state = shared_from_this(), token] { (void)state->book->renew_session(token); });
}

std::string PasswordAccounts::State::any_hash() const {
  const auto users = book->users();
  return users.empty() ? std::string() : users.front().password_hash;
}

core::Result<core::Session> PasswordAccounts::State::open_session(core::Principal principal) {
  core::Session session{random_secret(kTokenBytes), std::move(principal), {}};
  session.expires = config.clock->wall_now() + Sessions::kLifetime;
  KADENZA_TRY_VOID(book->add_session({core::sha256(session.token), session.principal, session.expires}));
  return session;
}

core::Result<core::Session> PasswordAccounts::State::log_in(const std::string& name,
                                                            std::string_view password) {
  {
    const std::lock_guard lock(mutex);
    const core::Duration wait = backoff.wait(name, config.clock->now());
    if (wait > core::Duration::zero()) {
      return core::fail(core::Errc::kTooManyRequests,
                        fmt::format("Too many wrong passwords for this name. Try again in {} s.",
                                    std::chrono::ceil<std::chrono::seconds>(wait).count()));
    }
  }
  const std::optional<StoredUser> user = book->user(name);
  // An unknown name takes as long as a known one: its password is compared with somebody's all the same.
  const bool right = password_matches(password, user ? user->password_hash : any_hash());
  {
    const std::lock_guard lock(mutex);
    if (!user || !right) {
      backoff.failed(name, config.clock->now());
      return std::unexpected(wrong_credentials());
    }
    backoff.succeeded(name);
  }
  return open_session({user->name, user->role});
}

PasswordAccounts::PasswordAccounts(std::shared_ptr<AccountBook> book, Config config)
    : state_(std::make_shared<State>(std::move(book), std::move(config))) {}

core::Result<std::string> PasswordAccounts::create_first_user() {
  std::string password = random_secret(kGeneratedPasswordBytes);
  KADENZA_TRY_VOID(create_user(kFirstUser, password, core::Role::kAdmin));
  return password;
}

std::string PasswordAccounts::local_token() const {
  return state_->local_token;
}

std::vector<core::Principal> PasswordAccounts::users() const {
  std::vector<core::Principal> found;
  for (StoredUser& user : state_->book->users()) found.push_back({std::move(user.name), user.role});
  return found;
}

core::Result<void> PasswordAccounts::create_user(std::string_view name, std::string_view password,
                                                 core::Role role) {
  KADENZA_TRY_VOID(check_name(name));
  KADENZA_TRY(std::string hash, hash_password(password, state_->config.cost));
  return state_->book->add_user({std::string(name), std::move(hash), role});
}

core::Result<void> PasswordAccounts::set_password(std::string_view name, std::string_view password) {
  KADENZA_TRY(std::string hash, hash_password(password, state_->config.cost));
  return state_->book->set_password(name, std::move(hash));
}

core::Result<void> PasswordAccounts::remove_user(std::string_view name) {
  const auto other_administrator = [&](const StoredUser& user) {
    return user.role == core::Role::kAdmin && user.name != name;
  };
  if (!std::ranges::any_of(state_->book->users(), other_administrator)) {
    return core::fail(core::Errc::kConflict, "There must be another administrator before this one can go.");
  }
  return state_->book->remove_user(name);
}

core::Task<core::Result<core::Session>> PasswordAccounts::log_in(std::string user, std::string password,
                                                                 core::Deadline) {
  std::shared_ptr<State> state = state_;
  if (user.size() > kNameBytesMax || password.size() > kPasswordBytesMax) {
    co_return core::fail(core::Errc::kInvalidArgument, "The name or the password is too long.");
  }
  const std::shared_ptr<void> place(nullptr, [state](void*) { state->waiting_log_ins.fetch_sub(1); });
  if (state->waiting_log_ins.fetch_add(1) >= kWaitingLogInsMax) {
    co_return core::fail(core::Errc::kTooManyRequests,
                         "Too many people are logging in at this moment. Try again in a few seconds.");
  }
  auto work = [state, place, user, password] { return state->log_in(user, password); };
  auto session = co_await core::run_on(state->hashing, std::move(work));
  if (session) co_await state->book->spread();
  co_return session;
}

core::Task<core::Result<core::Session>> PasswordAccounts::redeem(std::string code, core::Deadline) {
  std::shared_ptr<State> state = state_;
  std::optional<core::Principal> principal;
  if (code.size() <= kTokenTextMax) {
    const core::Digest hash = core::sha256(code);
    const std::lock_guard lock(state->mutex);
    const auto found = std::ranges::find(state->codes, hash, &OneTimeCode::hash);
    if (found != state->codes.end()) {
      if (found->expires > state->config.clock->now()) principal = found->principal;
      state->codes.erase(found);
    }
  }
  if (!principal) {
    co_return core::fail(core::Errc::kUnauthenticated,
                         "This sign-in code is wrong, was used already, or is older than 5 minutes.");
  }
  auto work = [state, who = *principal] { return state->open_session(who); };
  auto session = co_await core::run_on(state->config.blocking, std::move(work));
  if (session) co_await state->book->spread();
  co_return session;
}

core::Task<core::Result<std::string>> PasswordAccounts::one_time_code(core::Principal principal,
                                                                      core::Deadline) {
  std::string code = random_secret(kCodeBytes);
  const core::Instant expires = state_->config.clock->now() + kCodeLifetime;
  const std::lock_guard lock(state_->mutex);
  if (state_->codes.size() >= kCodesMax) state_->codes.pop_front();
  state_->codes.push_back({core::sha256(code), std::move(principal), expires});
  co_return code;
}

core::Task<core::Result<void>> PasswordAccounts::log_out(std::string token, core::Deadline) {
  std::shared_ptr<State> state = state_;
  core::Result<bool> removed = false;
  if (token.size() <= kTokenTextMax) {
    auto work = [state, hash = core::sha256(token)] { return state->book->remove_session(hash); };
    removed = co_await core::run_on(state->config.blocking, std::move(work));
  }
  if (!removed) co_return std::unexpected(std::move(removed).error());
  if (!*removed) co_return core::fail(core::Errc::kUnauthenticated, "This log-in is not valid (any more).");
  co_await state->book->spread();
  co_return core::Result<void>();
}

core::Result<core::Principal> PasswordAccounts::authenticate(std::string_view token) const {
  if (token.empty() || token.size() > kTokenTextMax) {
    return core::fail(core::Errc::kUnauthenticated, "A log-in is needed.");
  }
  const core::Digest hash = core::sha256(token);
  if (hash == state_->local_token_hash) return core::Principal{std::string(kFirstUser), core::Role::kAdmin};
  auto session = state_->book->check(hash, state_->config.clock->wall_now());
  if (!session) {
    return core::fail(core::Errc::kUnauthenticated, "This log-in is not valid (any more). Log in again.");
  }
  if (session->worth_saving) state_->renew_later(hash);
  return std::move(session->principal);
}

}  // namespace kadenza::services::accounts
