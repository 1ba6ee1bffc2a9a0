// SPDX-License-Identifier: AGPL-3.0-or-later
#include <cstdio>
#include <memory>

#include <boost/asio/ssl/stream.hpp>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "core/check.hpp"
#include "run_client.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary_folder.hpp"

namespace kadenza::middleware {
namespace {

namespace ssl = boost::asio::ssl;
using testing::ScriptedServer;

/// A self-signed certificate for `name` and its key, as PEM files.
class Certificate {
 public:
  explicit Certificate(const std::string& name) {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
    X509_set_version(certificate.get(), 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    const std::string common = "test";
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(common.data()), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), subject);
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name.c_str());
    X509_add_ext(certificate.get(), names, -1);
    X509_EXTENSION_free(names);
    KADENZA_CHECK(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
    std::FILE* out = std::fopen(certificate_file().c_str(), "w");
    PEM_write_X509(out, certificate.get());
    std::fclose(out);
    out = std::fopen(key_file().c_str(), "w");
    PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
  }
  std::string certificate_file() const { return (folder_.path() / "cert.pem").string(); }
  std::string key_file() const { return (folder_.path() / "key.pem").string(); }

 private:
  testing::TemporaryFolder folder_;
};

ScriptedServer::Script over_tls(const Certificate& certificate) {
  return [&certificate](ScriptedServer::Socket& socket) {
    ssl::context context(ssl::context::tls_server);
    context.use_certificate_chain_file(certificate.certificate_file());
    context.use_private_key_file(certificate.key_file(), ssl::context::pem);
    ssl::stream<ScriptedServer::Socket&> stream(socket, context);
    stream.handshake(ssl::stream_base::server);
    std::string rest;
    testing::read_request(stream, rest);
    testing::send_text(stream, testing::http_answer("200 OK", R"({"id":"s1"})"));
    testing::read_request(stream, rest);
  };
}

core::Result<SongInfo> ask(const ScriptedServer& server, const Certificate* trusted) {
  HttpClient::Config config = quick();
  if (trusted != nullptr) config.authorities = trusted->certificate_file();
  Client client(servers("https://127.0.0.1:" + std::to_string(server.port())), config);
  return run(client.song("s1"));
}

TEST(Tls, ATrustedCertificateForThisHostServes) {
  const Certificate certificate("IP:127.0.0.1");
  ScriptedServer server(over_tls(certificate));
  const auto song = ask(server, &certificate);
  ASSERT_TRUE(song) << song.error().detail;
  EXPECT_EQ(song->id, "s1");
}

TEST(Tls, AnUnknownAuthorityIsRefusedWithAHint) {
  const Certificate certificate("IP:127.0.0.1");
  ScriptedServer server(over_tls(certificate));
  const auto song = ask(server, nullptr);
  ASSERT_FALSE(song);
  EXPECT_NE(song.error().detail.find("--ca"), std::string::npos) << song.error().detail;
}

TEST(Tls, ACertificateForAnotherHostIsRefused) {
  const Certificate certificate("DNS:elsewhere.example");
  ScriptedServer server(over_tls(certificate));
  const auto song = ask(server, &certificate);
  ASSERT_FALSE(song);
  EXPECT_EQ(song.error().code, core::Errc::kUnavailable);
}

TEST(Tls, AMissingAuthorityFileIsSaid) {
  HttpClient::Config config = quick();
  config.authorities = "/nonexistent.pem";
  Client client(servers("https://127.0.0.1:1"), config);
  EXPECT_EQ(run(client.song("s1")).error().code, core::Errc::kInvalidArgument);
}

}  // namespace
}  // namespace kadenza::middleware
