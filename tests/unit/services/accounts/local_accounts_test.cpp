// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/accounts/local_accounts.hpp"

#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

namespace kadenza::services::accounts {
namespace {

using namespace std::chrono_literals;

class ManualClock final : public core::Clock {
 public:
  core::Instant now() const noexcept override { return core::Instant(1h) + offset_.load(); }
  core::WallTime wall_now() const noexcept override {
    return core::WallTime(std::chrono::days(20000)) +
           std::chrono::duration_cast<std::chrono::milliseconds>(offset_.load());
  }
  void advance(core::Duration by) { offset_ = offset_.load() + by; }

 private:
  std::atomic<core::Duration> offset_{core::Duration::zero()};
};

class LocalAccountsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "local_accounts_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    open();
    password_ = accounts_->take_generated_password().value_or("");
    ASSERT_FALSE(password_.empty());
  }
  void TearDown() override {
    accounts_.reset();
    pool_.join();  // a moved expiry may still be on its way to the disk
    std::filesystem::remove_all(folder_);
  }
  void open() {
    accounts_.reset();
    auto opened = LocalAccounts::open({folder_, pool_.get_executor(), &clock_, kCheap});
    ASSERT_TRUE(opened) << opened.error().detail;
    accounts_ = std::move(*opened);
  }
  template <class T>
  T run(core::Task<T> task) {
    return boost::asio::co_spawn(pool_, std::move(task), boost::asio::use_future).get();
  }
  core::Result<core::Session> log_in(const std::string& user, const std::string& password) {
    return run(accounts_->log_in(user, password, core::Instant::max()));
  }
  std::string content() const {
    std::ifstream in(folder_ / "accounts");
    return {std::istreambuf_iterator<char>(in), {}};
  }

  static constexpr PasswordCost kCheap{1, 8192};
  ManualClock clock_;
  boost::asio::thread_pool pool_{2};
  std::filesystem::path folder_;
  std::unique_ptr<LocalAccounts> accounts_;
  std::string password_;
};

TEST_F(LocalAccountsTest, TheFirstStartMakesAnAdministratorOnce) {
  EXPECT_FALSE(accounts_->take_generated_password());
  open();
  EXPECT_FALSE(accounts_->take_generated_password());
  const auto session = log_in("admin", password_);
  ASSERT_TRUE(session);
  EXPECT_EQ(session->principal.role, core::Role::kAdmin);
  EXPECT_EQ(session->expires, clock_.wall_now() + std::chrono::days(90));
}

TEST_F(LocalAccountsTest, ATokenWorksAcrossARestartUntilLogOut) {
  const auto session = log_in("admin", password_);
  ASSERT_TRUE(session);
  open();
  EXPECT_EQ(accounts_->authenticate(session->token)->user, "admin");
  EXPECT_TRUE(run(accounts_->log_out(session->token, core::Instant::max())));
  EXPECT_FALSE(accounts_->authenticate(session->token));
  open();
  EXPECT_FALSE(accounts_->authenticate(session->token));
  EXPECT_FALSE(run(accounts_->log_out(session->token, core::Instant::max())));
}

TEST_F(LocalAccountsTest, UseMovesTheExpiryInTheFileToo) {
  const auto session = log_in("admin", password_);
  clock_.advance(std::chrono::days(80));
  ASSERT_TRUE(accounts_->authenticate(session->token));
  open();
  clock_.advance(std::chrono::days(80));
  EXPECT_TRUE(accounts_->authenticate(session->token));
  clock_.advance(std::chrono::days(91));
  EXPECT_FALSE(accounts_->authenticate(session->token));
}

TEST_F(LocalAccountsTest, TheFileHoldsNoSecret) {
  const auto session = log_in("admin", password_);
  ASSERT_TRUE(session);
  EXPECT_EQ(content().find(session->token), std::string::npos);
  EXPECT_EQ(content().find(password_), std::string::npos);
  EXPECT_EQ(content().find(accounts_->local_token()), std::string::npos);
  EXPECT_NE(content().find("$argon2id$"), std::string::npos);
}

TEST_F(LocalAccountsTest, WrongNameAndWrongPasswordLookAlike) {
  const auto wrong_password = log_in("admin", "not the password");
  const auto wrong_name = log_in("nobody", "not the password");
  ASSERT_FALSE(wrong_password);
  EXPECT_EQ(wrong_password.error(), wrong_name.error());
  EXPECT_EQ(wrong_name.error().code, core::Errc::kUnauthenticated);
  EXPECT_FALSE(log_in("nobody", password_)) << "an unknown name was let in with the first user's password";
}

TEST_F(LocalAccountsTest, AnUnknownNameTakesAsLongAsAKnownOne) {
  accounts_.reset();
  std::filesystem::remove_all(folder_ / "accounts");
  accounts_ = std::move(*LocalAccounts::open({folder_, pool_.get_executor(), &clock_, {3, 32u << 20}}));
  const auto seconds = [&](const char* name) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(log_in(name, "not the password"));
    return std::chrono::steady_clock::now() - start;
  };
  // Hashing takes thousands of times longer than all the rest, so a generous factor still tells.
  EXPECT_GT(seconds("nobody") * 10, seconds("admin"));
}

TEST_F(LocalAccountsTest, GuessingIsSlowedDownEvenForTheRightPassword) {
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(log_in("admin", "wrong guess").error().code, core::Errc::kUnauthenticated);
  EXPECT_EQ(log_in("admin", password_).error().code, core::Errc::kTooManyRequests);
  clock_.advance(2s);
  EXPECT_TRUE(log_in("admin", password_));
  for (int i = 0; i < 5; ++i) (void)log_in("nobody", "wrong guess");
  EXPECT_EQ(log_in("nobody", "wrong guess").error().code, core::Errc::kTooManyRequests);
}

TEST_F(LocalAccountsTest, ACodeWorksOnceAndNotForLong) {
  const core::Principal ana{"admin", core::Role::kAdmin};
  const auto code = run(accounts_->one_time_code(ana, core::Instant::max()));
  ASSERT_TRUE(code);
  const auto session = run(accounts_->redeem(*code, core::Instant::max()));
  ASSERT_TRUE(session);
  EXPECT_EQ(accounts_->authenticate(session->token)->user, "admin");
  EXPECT_FALSE(run(accounts_->redeem(*code, core::Instant::max())));

  const auto late = run(accounts_->one_time_code(ana, core::Instant::max()));
  clock_.advance(6min);
  EXPECT_EQ(run(accounts_->redeem(*late, core::Instant::max())).error().code, core::Errc::kUnauthenticated);
}

TEST_F(LocalAccountsTest, TheLocalTokenIsAnAdministratorsAndChangesWithTheProcess) {
  const std::string token = accounts_->local_token();
  EXPECT_EQ(accounts_->authenticate(token)->role, core::Role::kAdmin);
  open();
  EXPECT_NE(accounts_->local_token(), token);
  EXPECT_FALSE(accounts_->authenticate(token));
}

TEST_F(LocalAccountsTest, UsersAndPasswords) {
  EXPECT_TRUE(accounts_->create_user("ana", "long enough", core::Role::kListener));
  EXPECT_EQ(accounts_->create_user("ana", "long enough", core::Role::kListener).error().code,
            core::Errc::kConflict);
  EXPECT_EQ(accounts_->create_user("bad name", "long enough", core::Role::kListener).error().code,
            core::Errc::kInvalidArgument);
  EXPECT_EQ(accounts_->create_user("bea", "short", core::Role::kListener).error().code,
            core::Errc::kInvalidArgument);
  const auto session = log_in("ana", "long enough");
  ASSERT_TRUE(session);
  EXPECT_TRUE(accounts_->set_password("ana", "another one"));
  EXPECT_FALSE(accounts_->authenticate(session->token)) << "a changed password must end the sessions";
  EXPECT_FALSE(log_in("ana", "long enough"));
  EXPECT_TRUE(log_in("ana", "another one"));
  EXPECT_EQ(accounts_->set_password("bea", "another one").error().code, core::Errc::kNotFound);
}

TEST_F(LocalAccountsTest, ADamagedFileIsLeftAlone) {
  accounts_.reset();
  std::ofstream(folder_ / "accounts") << "{\"version\":";
  const auto opened = LocalAccounts::open({folder_, pool_.get_executor(), &clock_, kCheap});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, core::Errc::kCorrupted);
  EXPECT_EQ(content(), "{\"version\":");
}

TEST_F(LocalAccountsTest, HostileInputIsRefusedAtOnce) {
  const std::string huge(1u << 20, 'x');
  EXPECT_FALSE(accounts_->authenticate(huge));
  EXPECT_FALSE(accounts_->authenticate(""));
  EXPECT_EQ(log_in(huge, "p").error().code, core::Errc::kInvalidArgument);
  EXPECT_EQ(log_in("admin", huge).error().code, core::Errc::kInvalidArgument);
  EXPECT_FALSE(run(accounts_->redeem(huge, core::Instant::max())));
}

TEST_F(LocalAccountsTest, TokensAreCheckedWhileOthersLogInAndOut) {
  const auto steady = log_in("admin", password_);
  ASSERT_TRUE(steady);
  std::atomic<bool> stop = false;
  std::atomic<int> misses = 0;
  std::vector<std::jthread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!stop) misses += accounts_->authenticate(steady->token) ? 0 : 1;
    });
  }
  for (int i = 0; i < 20; ++i) {
    const auto session = log_in("admin", password_);
    ASSERT_TRUE(session);
    ASSERT_TRUE(run(accounts_->log_out(session->token, core::Instant::max())));
    clock_.advance(std::chrono::days(2));
  }
  stop = true;
  readers.clear();
  EXPECT_EQ(misses, 0);
}

}  // namespace
}  // namespace kadenza::services::accounts
