// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/enrolment/web_certificates.hpp"

#include <fstream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "core/replace_file.hpp"
#include "distributed/identity/web_names.hpp"
#include "support/memory_membership.hpp"
#include "support/temporary_folder.hpp"

namespace kadenza::distributed::enrolment {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using core::Errc;
using core::Result;
using core::Task;
using Names = std::vector<std::string>;

class MovableClock final : public core::Clock {
 public:
  core::Instant now() const noexcept override { return machine_.now(); }
  core::WallTime wall_now() const noexcept override { return core::WallTime(1'800'000'000s) + ahead; }
  std::chrono::hours ahead{0};

 private:
  core::SystemClock machine_;
};

const core::NodeId kFirst{{1}};
const core::NodeId kSecond{{2}};

class NobodyAnswers final : public peers::Peers {
 public:
  Task<Result<std::string>> call(kademlia::Contact, std::string_view, std::string, core::Deadline) override {
    co_return core::fail(Errc::kUnavailable, "nobody answers");
  }
};

/// A node that asks two issuers, and a folder for each.
class WebCertificatesTest : public ::testing::Test {
 protected:
  ~WebCertificatesTest() override { pool_.join(); }

  Result<void> refresh(WebCertificates& certificates) {
    return asio::co_spawn(pool_, certificates.refresh(), asio::use_future).get();
  }

  std::unique_ptr<WebIssuer> issuer(const core::NodeId& self, const std::filesystem::path& folder,
                                    bool* may_issue) {
    return std::make_unique<WebIssuer>(
        WebIssuer::Options{.self = self,
                           .file = folder / "web-authority.key",
                           .check_issuer = [may_issue]() -> Task<Result<void>> {
                             if (!*may_issue) co_return core::fail(Errc::kUnavailable, "nobody answers");
                             co_return Result<void>();
                           },
                           .blocking = pool_.get_executor(),
                           .clock = &clock_});
  }

  WebCertificates node(Names required = {"attic.local"}) {
    return WebCertificates({.files = IdentityFiles(folder_.path()),
                            .required = std::move(required),
                            .welcome = {"127.0.0.1", "bank.example"},
                            .sources = [this] { return sources_; },
                            .blocking = pool_.get_executor(),
                            .clock = &clock_});
  }

  static core::NodeId issuer_of(const WebCertificates& certificates) {
    return *identity::web_issuer(certificates.current()->certificate);
  }

  MovableClock clock_;
  asio::thread_pool pool_{2};
  kadenza::testing::TemporaryFolder folder_, first_folder_, second_folder_;
  bool first_answers_ = true, second_answers_ = true;
  std::unique_ptr<WebIssuer> first_ = issuer(kFirst, first_folder_.path(), &first_answers_);
  std::unique_ptr<WebIssuer> second_ = issuer(kSecond, second_folder_.path(), &second_answers_);
  std::vector<WebSource> sources_{own_source(kFirst, *first_), own_source(kSecond, *second_)};
};

TEST_F(WebCertificatesTest, OneIsKeptUntilItEndsSoon) {
  auto node = this->node();
  ASSERT_TRUE(refresh(node));
  const auto made = *node.current();
  EXPECT_EQ(identity::names_of(made.certificate), (Names{"attic.local", "127.0.0.1"}));
  EXPECT_TRUE(made.certificate.signed_by(made.authority));

  auto restarted = this->node();
  clock_.ahead = 24h * 59;
  ASSERT_TRUE(refresh(restarted));
  EXPECT_EQ(restarted.current()->certificate.fingerprint(), made.certificate.fingerprint());

  clock_.ahead = 24h * 61;
  ASSERT_TRUE(refresh(restarted));
  EXPECT_NE(restarted.current()->certificate.fingerprint(), made.certificate.fingerprint());
  EXPECT_EQ(restarted.current()->authority.fingerprint(), made.authority.fingerprint());
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_EQ(entry.status().permissions(), std::filesystem::perms(0600)) << entry.path();
  }
}

TEST_F(WebCertificatesTest, AnotherIssuerIsAskedOnlyWhenTimeIsShort) {
  auto node = this->node();
  ASSERT_TRUE(refresh(node));
  first_answers_ = false;
  clock_.ahead = 24h * 65;
  EXPECT_EQ(refresh(node).error().code, Errc::kUnavailable);
  EXPECT_EQ(issuer_of(node), kFirst);
  clock_.ahead = 24h * 80;
  ASSERT_TRUE(refresh(node));
  EXPECT_EQ(issuer_of(node), kSecond);
}

TEST_F(WebCertificatesTest, ACertificateOfARemovedIssuerIsReplaced) {
  auto node = this->node();
  ASSERT_TRUE(refresh(node));
  sources_.erase(sources_.begin());
  ASSERT_TRUE(refresh(node));
  EXPECT_EQ(issuer_of(node), kSecond);
}

TEST_F(WebCertificatesTest, FurtherNamesAndDamagedFilesNeedANewOne) {
  auto node = this->node();
  ASSERT_TRUE(refresh(node));
  auto renamed = this->node({"cellar.local"});
  ASSERT_TRUE(refresh(renamed));
  EXPECT_EQ(identity::names_of(renamed.current()->certificate).front(), "cellar.local");

  const auto other_key = identity::WebKey::generate();
  ASSERT_TRUE(core::replace_file(IdentityFiles(folder_.path()).web_key, *other_key->pem(), 0600));
  auto after_crash = this->node({"cellar.local"});
  ASSERT_TRUE(refresh(after_crash));
  const auto key = identity::WebKey::parse([&] {
    std::ifstream file(IdentityFiles(folder_.path()).web_key);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }());
  EXPECT_TRUE(key->belongs_to(after_crash.current()->certificate));
}

TEST_F(WebCertificatesTest, ANamePeopleGaveMustBeCertified) {
  auto node = this->node({"bank.example", "attic.local"});
  const auto refused = refresh(node);
  EXPECT_EQ(refused.error().code, Errc::kForbidden);
  EXPECT_NE(refused.error().detail.find("bank.example"), std::string::npos);
  EXPECT_NE(refused.error().detail.find("--https-domain"), std::string::npos);
  EXPECT_FALSE(node.current());
}

TEST_F(WebCertificatesTest, AnAuthorityOutlivesItsProcessAndDamageIsSaid) {
  auto node = this->node();
  ASSERT_TRUE(refresh(node));
  const auto authority = node.current()->authority.fingerprint();
  first_ = issuer(kFirst, first_folder_.path(), &first_answers_);
  ASSERT_TRUE(first_->load());
  sources_ = {own_source(kFirst, *first_)};
  auto another = this->node({"cellar.local"});
  ASSERT_TRUE(refresh(another));
  EXPECT_EQ(another.current()->authority.fingerprint(), authority);

  WebIssuer wider({.file = first_folder_.path() / "web-authority.key",
                   .domains = {"roof.local", "music.example"},
                   .blocking = pool_.get_executor(),
                   .clock = &clock_});
  const auto too_narrow = wider.load();
  EXPECT_EQ(too_narrow.error().code, Errc::kConflict);
  EXPECT_NE(too_narrow.error().detail.find("music.example"), std::string::npos);
  ASSERT_TRUE(core::replace_file(first_folder_.path() / "web-authority.key", "nonsense", 0600));
  EXPECT_EQ(issuer(kFirst, first_folder_.path(), &first_answers_)->load().error().code, Errc::kCorrupted);
}

TEST(WebSources, BeginWithTheOldestIssuer) {
  kadenza::testing::MemoryMembership membership;
  const auto certificate = identity::Authority::create(core::WallTime(1'800'000'000s))->certificate();
  const core::NodeId member{{3}}, young{{1}}, old{{2}};
  const core::SystemClock clock;
  asio::thread_pool blocking(1);
  WebIssuer own({.blocking = blocking.get_executor(), .clock = &clock});
  NobodyAnswers peers;
  const auto order = [&] {
    std::vector<core::NodeId> ids;
    for (const auto& source : web_sources({membership, member, own, peers, {}, clock})) {
      ids.push_back(source.issuer);
    }
    return ids;
  };
  EXPECT_EQ(order(), std::vector{member}) << "the document may not have travelled yet";
  const auto add = [&](const core::NodeId& id, std::chrono::seconds since, bool issuer) {
    auto adding =
        membership.add({id, "n", core::WallTime(since), issuer ? std::optional(certificate) : std::nullopt});
    asio::thread_pool pool(1);
    EXPECT_TRUE(asio::co_spawn(pool, std::move(adding), asio::use_future).get());
  };
  add(young, 30s, true);
  add(member, 10s, false);
  add(old, 20s, true);
  EXPECT_EQ(order(), (std::vector{old, young}));
}

}  // namespace
}  // namespace kadenza::distributed::enrolment
