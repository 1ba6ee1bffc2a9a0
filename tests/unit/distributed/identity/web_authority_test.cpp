// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/web_authority.hpp"

#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include "distributed/identity/authority.hpp"
#include "distributed/identity/openssl.hpp"
#include "distributed/identity/web_key.hpp"
#include "distributed/identity/web_names.hpp"

namespace kadenza::distributed::identity {
namespace {

using namespace std::chrono_literals;
using core::Errc;

using Names = std::vector<std::string>;
using Store = std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>>;
using Check = std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>>;

const core::WallTime kNow = core::WallTime(1'800'000'000s);
const core::NodeId kIssuer{{7}};

/// As a browser that has installed the authority does: purpose, times and name constraints.
int verified(const Certificate& certificate, const Certificate& authority, core::WallTime now = kNow) {
  const Store store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), authority.handle());
  const Check check(X509_STORE_CTX_new());
  X509_STORE_CTX_init(check.get(), store.get(), certificate.handle(), nullptr);
  X509_STORE_CTX_set_time(check.get(), 0,
                          std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
  X509_STORE_CTX_set_purpose(check.get(), X509_PURPOSE_SSL_SERVER);
  X509_verify_cert(check.get());
  return X509_STORE_CTX_get_error(check.get());
}

TEST(WebAuthority, CertifiesPrivateNamesAndAddresses) {
  const auto authority = WebAuthority::create(kIssuer, {}, kNow);
  const auto key = WebKey::generate();
  ASSERT_TRUE(authority && key);
  const Names names{"attic.local", "localhost", "127.0.0.1", "192.168.1.7", "fd00::7", "a.b.home.arpa"};
  const auto certificate = authority->certify(*key->request(), names, kNow);
  ASSERT_TRUE(certificate) << certificate.error().detail;
  EXPECT_EQ(names_of(*certificate), names);
  EXPECT_EQ(verified(*certificate, authority->certificate()), X509_V_OK);
  EXPECT_EQ(verified(*certificate, authority->certificate(), kNow + WebAuthority::kServerValidity),
            X509_V_ERR_CERT_HAS_EXPIRED);
  EXPECT_TRUE(key->belongs_to(*certificate));
  EXPECT_EQ(web_issuer(*certificate), kIssuer);
}

TEST(WebAuthority, CannotSpeakForTheRestOfTheInternet) {
  const auto authority = WebAuthority::create(kIssuer, {}, kNow);
  const auto key = WebKey::generate();
  for (const char* name : {"bank.example", "localhost.example", "203.0.113.7", "2001:db8::1", "attic"}) {
    EXPECT_FALSE(authority->permits(name)) << name;
    const Names names{name};
    EXPECT_EQ(authority->certify(*key->request(), names, kNow).error().code, Errc::kForbidden) << name;
  }
  const Names mixed{"bank.example", "attic.local"};
  EXPECT_EQ(names_of(*authority->certify(*key->request(), mixed, kNow)), Names{"attic.local"});

  // Even who has stolen its key: browsers check the limits that stand in its certificate.
  const Names wide{"bank.example"};
  const auto generous = WebAuthority::create(kIssuer, wide, kNow);
  const auto stolen = WebAuthority::parse(*generous->pem());
  const auto forged = stolen->certify(*key->request(), wide, kNow);
  ASSERT_TRUE(forged);
  EXPECT_EQ(verified(*forged, generous->certificate()), X509_V_OK);
  EXPECT_NE(verified(*forged, authority->certificate()), X509_V_OK);
}

TEST(WebAuthority, DomainsChosenWhenItIsMadeAreItsOwn) {
  const Names domains{"music.example", "203.0.113.7", "2001:db8::1", "attic"};
  const auto authority = WebAuthority::create(kIssuer, domains, kNow);
  const auto key = WebKey::generate();
  const Names names{"music.example", "cellar.music.example", "203.0.113.7", "2001:db8::1", "attic"};
  const auto certificate = authority->certify(*key->request(), names, kNow);
  ASSERT_TRUE(certificate) << certificate.error().detail;
  EXPECT_EQ(names_of(*certificate), names);
  EXPECT_EQ(verified(*certificate, authority->certificate()), X509_V_OK);
  EXPECT_FALSE(authority->permits("notmusic.example"));
}

TEST(WebAuthority, MakesNoMembersAndNoFurtherAuthorities) {
  const auto authority = WebAuthority::create(kIssuer, {}, kNow);
  const auto node = NodeKey::generate();
  const Names names{node->id().text()};
  EXPECT_FALSE(authority->certify(*certificate_request(*node), names, kNow));
  const auto key = WebKey::generate();
  const Names good{"attic.local"};
  const auto certificate = authority->certify(*key->request(), good, kNow);
  EXPECT_FALSE(certificate->is_authority());
  const std::vector trusted{authority->certificate()};
  EXPECT_FALSE(check_certificate(*certificate, trusted, kNow));
  X509* const raw = certificate->handle();
  EXPECT_EQ(X509_check_purpose(raw, X509_PURPOSE_SSL_CLIENT, 0), 0);
}

TEST(WebAuthority, RefusesWhatIsNoRequestOrNoName) {
  const auto authority = WebAuthority::create(kIssuer, {}, kNow);
  const auto key = WebKey::generate();
  const auto code = [&](const std::string& request, const Names& names) {
    const auto made = authority->certify(request, names, kNow);
    return made ? Errc::kInternal : made.error().code;
  };
  std::string request = *key->request();
  EXPECT_EQ(code(request, {}), Errc::kInvalidArgument);
  EXPECT_EQ(code(request, Names(65, "a.local")), Errc::kInvalidArgument);
  EXPECT_EQ(code(request, {"a.local,DNS:bank.example"}), Errc::kInvalidArgument);
  EXPECT_EQ(code(request, {"*.local"}), Errc::kInvalidArgument);
  EXPECT_EQ(code("nonsense", {"a.local"}), Errc::kInvalidArgument);
  request.back() = static_cast<char>(request.back() ^ 1);
  EXPECT_EQ(code(request, {"a.local"}), Errc::kInvalidArgument);
  EXPECT_EQ(WebAuthority::parse("nonsense").error().code, Errc::kCorrupted);
}

TEST(WebNames, AreWrittenInOneForm) {
  EXPECT_EQ(web_name("Attic.Example."), "attic.example");
  EXPECT_EQ(web_name("[0:0::1]"), "::1");
  EXPECT_EQ(web_name("192.168.1.7"), "192.168.1.7");
  const std::string long_label(64, 'a');
  for (const std::string& text :
       {std::string(), std::string("a..b"), std::string("-a"), std::string("1.2.3"), std::string("a b"),
        std::string("café.local"), long_label, std::string("a:80")}) {
    EXPECT_EQ(web_name(text).error().code, Errc::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace kadenza::distributed::identity
