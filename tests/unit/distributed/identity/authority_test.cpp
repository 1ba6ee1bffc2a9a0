// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/authority.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include "core/replace_file.hpp"
#include "distributed/identity/node_identity.hpp"
#include "support/temporary_folder.hpp"

namespace kadenza::distributed::identity {
namespace {

using namespace std::chrono_literals;
using core::Errc;

const core::WallTime kNow = core::WallTime(1'800'000'000s);

Certificate certified(const Authority& authority, const NodeKey& key, core::WallTime now = kNow) {
  auto certificate = authority.certify(*certificate_request(key), now);
  EXPECT_TRUE(certificate);
  return *certificate;
}

/// A request that names another id than that of the key that signs it.
std::string request_for_another(const NodeKey& key, const core::NodeId& claimed) {
  const std::unique_ptr<X509_REQ, decltype(&X509_REQ_free)> request(X509_REQ_new(), X509_REQ_free);
  const std::string name = claimed.text();
  X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(request.get()), NID_commonName, MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.data()), -1, -1, 0);
  X509_REQ_set_pubkey(request.get(), key.handle());
  X509_REQ_sign(request.get(), key.handle(), nullptr);
  unsigned char* bytes = nullptr;
  const int size = i2d_X509_REQ(request.get(), &bytes);
  std::string der(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

TEST(Authority, CertifiesTheHashOfTheKeyAndNothingElse) {
  const auto authority = Authority::create(kNow);
  const auto key = NodeKey::generate();
  ASSERT_TRUE(authority && key);
  const Certificate certificate = certified(*authority, *key);
  EXPECT_EQ(*certificate.node(), key->id());
  EXPECT_FALSE(certificate.is_authority());
  EXPECT_TRUE(certificate.signed_by(authority->certificate()));
  const std::vector authorities{authority->certificate()};
  EXPECT_EQ(*check_certificate(certificate, authorities, kNow), key->id());

  const auto victim = NodeKey::generate();
  const auto refused = authority->certify(request_for_another(*key, victim->id()), kNow);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kInvalidArgument);
  EXPECT_NE(refused.error().detail.find("not the hash of its key"), std::string::npos);
}

TEST(Authority, TheRequesterMustHaveThePrivateKey) {
  const auto authority = Authority::create(kNow);
  const auto key = NodeKey::generate();
  std::string request = *certificate_request(*key);
  EXPECT_EQ(*Authority::requester(request), key->id());
  request.back() = static_cast<char>(request.back() ^ 1);  // the signature stands at the end
  const auto refused = authority->certify(request, kNow);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("not signed"), std::string::npos);
  EXPECT_FALSE(authority->certify("nonsense", kNow));
  EXPECT_EQ(authority->certify(std::string(5000, 'x'), kNow).error().code, Errc::kTooLarge);
}

TEST(Authority, OtherClustersAndOtherTimesAreRefusedWithAReason) {
  const auto ours = Authority::create(kNow);
  const auto theirs = Authority::create(kNow);
  const auto key = NodeKey::generate();
  const std::vector authorities{ours->certificate()};
  const auto reason = [&](const Certificate& certificate, core::WallTime now) {
    const auto checked = check_certificate(certificate, authorities, now);
    EXPECT_EQ(checked.error().code, Errc::kForbidden);
    return checked.error().detail;
  };
  EXPECT_NE(reason(certified(*theirs, *key), kNow).find("another cluster"), std::string::npos);
  const Certificate good = certified(*ours, *key);
  EXPECT_NE(reason(good, kNow + Authority::kNodeValidity).find("expired"), std::string::npos);
  EXPECT_NE(reason(good, kNow - 2h).find("not valid yet"), std::string::npos);
  EXPECT_TRUE(check_certificate(good, authorities, kNow - 30min)) << "clocks differ a little";
  EXPECT_NE(reason(ours->certificate(), kNow).find("name"), std::string::npos) << "an authority is no node";
  EXPECT_FALSE(due_for_renewal(good, kNow + 200 * 24h));
  EXPECT_TRUE(due_for_renewal(good, kNow + 250 * 24h));
}

TEST(Authority, IsKeptInAFile) {
  const kadenza::testing::TemporaryFolder folder;
  const auto file = folder.path() / "authority.key";
  EXPECT_FALSE(Authority::load(file)->has_value());
  const auto authority = Authority::create(kNow);
  ASSERT_TRUE(core::replace_file(file, *authority->pem(), 0600));
  const auto loaded = Authority::load(file);
  ASSERT_TRUE(loaded && *loaded);
  EXPECT_EQ((*loaded)->certificate().fingerprint(), authority->certificate().fingerprint());
  const auto key = NodeKey::generate();
  EXPECT_TRUE(certified(**loaded, *key).signed_by(authority->certificate()));
  const auto other = Authority::create(kNow);
  const std::string pem = *authority->pem();
  const std::string mixed = pem.substr(0, pem.find("-----BEGIN CERTIFICATE")) + other->certificate().pem();
  EXPECT_EQ(Authority::parse(mixed).error().code, Errc::kCorrupted) << "key and certificate must match";
  EXPECT_EQ(Authority::parse("").error().code, Errc::kCorrupted);
}

TEST(Certificate, ReadsWhatItWrites) {
  const auto authority = Authority::create(kNow);
  const Certificate& one = authority->certificate();
  EXPECT_EQ(Certificate::from_pem(one.pem())->fingerprint(), one.fingerprint());
  EXPECT_EQ(Certificate::from_der(one.der())->fingerprint(), one.fingerprint());
  EXPECT_FALSE(Certificate::from_der(one.der() + "x"));
  EXPECT_FALSE(Certificate::from_pem(one.pem() + one.pem()));
  EXPECT_EQ(certificates_from_pem(one.pem() + one.pem())->size(), 2u);
  EXPECT_FALSE(certificates_from_pem(""));
}

TEST(NodeIdentity, IsKeptInAFile) {
  const kadenza::testing::TemporaryFolder folder;
  const auto file = folder.path() / "membership";
  EXPECT_FALSE(NodeIdentity::load(file)->has_value());
  const auto authority = Authority::create(kNow);
  const auto other = Authority::create(kNow);
  const auto key = NodeKey::generate();
  const kademlia::Contact seed{key->id(), *kademlia::Endpoint::parse("192.0.2.1:4748"), 3};
  const NodeIdentity identity{authority->certificate().fingerprint(),
                              "attic",
                              certified(*authority, *key),
                              {other->certificate(), authority->certificate()},
                              {seed}};
  ASSERT_TRUE(identity.save(file));
  const auto loaded = NodeIdentity::load(file);
  ASSERT_TRUE(loaded && *loaded);
  EXPECT_EQ((*loaded)->cluster, identity.cluster);
  EXPECT_EQ((*loaded)->name, "attic");
  EXPECT_EQ((*loaded)->certificate.fingerprint(), identity.certificate.fingerprint());
  EXPECT_EQ((*loaded)->seeds, identity.seeds);
  EXPECT_EQ((*loaded)->authorities_pem(), other->certificate().pem() + authority->certificate().pem());
  ASSERT_TRUE(core::replace_file(file, "{}", 0600));
  EXPECT_EQ(NodeIdentity::load(file).error().code, Errc::kCorrupted);
}

TEST(NodeIdentity, LearnsAuthoritiesOnceAndForgetsTheOldest) {
  const auto authority = Authority::create(kNow);
  const auto key = NodeKey::generate();
  NodeIdentity identity{{}, "attic", certified(*authority, *key), {}, {}};
  EXPECT_TRUE(identity.learn(std::vector{authority->certificate()}));
  EXPECT_FALSE(identity.learn(std::vector{authority->certificate()}));
  for (std::size_t i = 0; i < NodeIdentity::kAuthoritiesMax; ++i) {
    identity.learn(std::vector{Authority::create(kNow)->certificate()});
  }
  EXPECT_EQ(identity.authorities.size(), NodeIdentity::kAuthoritiesMax);
  EXPECT_TRUE(identity.learn(std::vector{authority->certificate()}));
}

}  // namespace
}  // namespace kadenza::distributed::identity
