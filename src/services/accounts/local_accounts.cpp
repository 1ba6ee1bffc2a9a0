// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/accounts/local_accounts.hpp"

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
#include "services/accounts/accounts_file.hpp"
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

struct LocalAccounts::State : std::enable_shared_from_this<State> {
  explicit State(Config given)
      : config(std::move(given)),
        file(config.directory / "accounts"),
        hashing(boost::asio::make_strand(config.blocking)) {}

  core::Result<void> save();
  void save_later();
  core::Result<core::Session> open_session(core::Principal principal);
  core::Result<core::Session> log_in(const std::string& user, std::string_view password);
  std::optional<StoredUser> find(std::string_view name) const;
  std::string any_hash() const;

  const Config config;
  const std::filesystem::path file;
  const boost::asio::any_io_executor hashing;  ///< a strand: one password at a time
  std::optional<std::string> generated_password;

  Sessions sessions;
  core::Digest local_token_hash;
  std::string local_token;
  std::atomic<std::size_t> waiting_log_ins = 0;

  mutable std::mutex mutex;  ///< guards users, backoff and codes; never held while hashing or writing
  std::vector<StoredUser> users;
  Backoff backoff;
  std::deque<OneTimeCode> codes;  ///< oldest first

  std::mutex file_mutex;  ///< one writer; taken before `mutex`
};

core::Result<void> LocalAccounts::State::save() {
  const std::lock_guard writing(file_mutex);
  AccountsData data;
  {
    const std::lock_guard lock(mutex);
    data.users = users;
  }
  data.sessions = sessions.all(config.clock->wall_now());
  return save_accounts(file, data);
}

void LocalAccounts::State::save_later() {
  // A save that fails here loses only how far an expiry had moved; the next one brings it along.
  boost::asio::post(config.blocking, [state = shared_from_this()] { (void)state->save(); });
}

std::optional<StoredUser> LocalAccounts::State::find(std::string_view name) const {
  const std::lock_guard lock(mutex);
  const auto user = std::ranges::find(users, name, &StoredUser::name);
  return user == users.end() ? std::nullopt : std::optional(*user);
}

std::string LocalAccounts::State::any_hash() const {
  const std::lock_guard lock(mutex);
  return users.empty() ? std::string() : users.front().password_hash;
}

core::Result<core::Session> LocalAccounts::State::open_session(core::Principal principal) {
  core::Session session{random_secret(kTokenBytes), std::move(principal), {}};
  session.expires = config.clock->wall_now() + Sessions::kLifetime;
  const core::Digest hash = core::sha256(session.token);
  sessions.add({hash, session.principal, session.expires});
  if (auto saved = save(); !saved) {
    sessions.remove(hash);
    return std::unexpected(std::move(saved).error());
  }
  return session;
}

core::Result<core::Session> LocalAccounts::State::log_in(const std::string& name, std::string_view password) {
  {
    const std::lock_guard lock(mutex);
    const core::Duration wait = backoff.wait(name, config.clock->now());
    if (wait > core::Duration::zero()) {
      return core::fail(core::Errc::kTooManyRequests,
                        fmt::format("Too many wrong passwords for this name. Try again in {} s.",
                                    std::chrono::ceil<std::chrono::seconds>(wait).count()));
    }
  }
  const std::optional<StoredUser> user = find(name);
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

LocalAccounts::LocalAccounts(std::shared_ptr<State> state) : state_(std::move(state)) {}

LocalAccounts::~LocalAccounts() {
  (void)state_->save();  // how far expiries moved since the last save: worth trying, not worth failing
}

core::Result<std::unique_ptr<LocalAccounts>> LocalAccounts::open(Config config) {
  auto state = std::make_shared<State>(std::move(config));
  state->local_token = random_secret(kTokenBytes);
  state->local_token_hash = core::sha256(state->local_token);

  KADENZA_TRY(std::optional<AccountsData> data, load_accounts(state->file));
  if (data) {
    state->users = std::move(data->users);
    for (StoredSession& session : data->sessions) state->sessions.add(std::move(session));
    return std::unique_ptr<LocalAccounts>(new LocalAccounts(std::move(state)));
  }
  std::unique_ptr<LocalAccounts> accounts(new LocalAccounts(state));
  std::string password = random_secret(kGeneratedPasswordBytes);
  KADENZA_TRY_VOID(accounts->create_user(kFirstUser, password, core::Role::kAdmin));
  state->generated_password = std::move(password);
  return accounts;
}

std::optional<std::string> LocalAccounts::take_generated_password() {
  return std::exchange(state_->generated_password, std::nullopt);
}

std::string LocalAccounts::local_token() const {
  return state_->local_token;
}

core::Result<void> LocalAccounts::create_user(std::string_view name, std::string_view password,
                                              core::Role role) {
  KADENZA_TRY_VOID(check_name(name));
  KADENZA_TRY(std::string hash, hash_password(password, state_->config.cost));
  {
    const std::lock_guard lock(state_->mutex);
    if (std::ranges::find(state_->users, name, &StoredUser::name) != state_->users.end()) {
      return core::fail(core::Errc::kConflict, fmt::format("There is already a user called {}.", name));
    }
    state_->users.push_back({std::string(name), std::move(hash), role});
  }
  return state_->save();
}

core::Result<void> LocalAccounts::set_password(std::string_view name, std::string_view password) {
  KADENZA_TRY(std::string hash, hash_password(password, state_->config.cost));
  {
    const std::lock_guard lock(state_->mutex);
    const auto user = std::ranges::find(state_->users, name, &StoredUser::name);
    if (user == state_->users.end()) {
      return core::fail(core::Errc::kNotFound, fmt::format("There is no user called {}.", name));
    }
    user->password_hash = std::move(hash);
  }
  state_->sessions.remove_user(name);
  return state_->save();
}

core::Task<core::Result<core::Session>> LocalAccounts::log_in(std::string user, std::string password,
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
  co_return co_await core::run_on(state->hashing, std::move(work));
}

core::Task<core::Result<core::Session>> LocalAccounts::redeem(std::string code, core::Deadline) {
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
  co_return co_await core::run_on(state->config.blocking, std::move(work));
}

core::Task<core::Result<std::string>> LocalAccounts::one_time_code(core::Principal principal,
                                                                   core::Deadline) {
  std::string code = random_secret(kCodeBytes);
  const core::Instant expires = state_->config.clock->now() + kCodeLifetime;
  const std::lock_guard lock(state_->mutex);
  if (state_->codes.size() >= kCodesMax) state_->codes.pop_front();
  state_->codes.push_back({core::sha256(code), std::move(principal), expires});
  co_return code;
}

core::Task<core::Result<void>> LocalAccounts::log_out(std::string token, core::Deadline) {
  std::shared_ptr<State> state = state_;
  if (token.size() > kTokenTextMax || !state->sessions.remove(core::sha256(token))) {
    co_return core::fail(core::Errc::kUnauthenticated, "This log-in is not valid (any more).");
  }
  auto work = [state] { return state->save(); };
  co_return co_await core::run_on(state->config.blocking, std::move(work));
}

core::Result<core::Principal> LocalAccounts::authenticate(std::string_view token) const {
  if (token.empty() || token.size() > kTokenTextMax) {
    return core::fail(core::Errc::kUnauthenticated, "A log-in is needed.");
  }
  const core::Digest hash = core::sha256(token);
  if (hash == state_->local_token_hash) return core::Principal{std::string(kFirstUser), core::Role::kAdmin};
  auto session = state_->sessions.check(hash, state_->config.clock->wall_now());
  if (!session) {
    return core::fail(core::Errc::kUnauthenticated, "This log-in is not valid (any more). Log in again.");
  }
  if (session->worth_saving) state_->save_later();
  return std::move(session->principal);
}

}  // namespace kadenza::services::accounts
