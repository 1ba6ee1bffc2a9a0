// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/authority.hpp"

#include <array>

#include <openssl/x509v3.h>

#include "distributed/identity/certificate_maker.hpp"
#include "distributed/identity/openssl.hpp"
#include "distributed/identity/secret_file.hpp"

namespace kadenza::distributed::identity {
namespace {

using core::Errc;
using core::fail;

std::string common_name(const X509_NAME* name) {
  std::array<char, 128> text{};
  const int size = X509_NAME_get_text_by_NID(name, NID_commonName, text.data(), text.size());
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

core::Result<core::NodeId> check_request(X509_REQ* request) {
  EVP_PKEY* const key = X509_REQ_get0_pubkey(request);
  KADENZA_TRY(const core::NodeId id, id_of_key(key));
  if (X509_REQ_verify(request, key) != 1) {
    return fail(Errc::kInvalidArgument, "the certificate request is not signed with the key that it names");
  }
  if (core::NodeId::parse(common_name(X509_REQ_get_subject_name(request))) != id) {
    return fail(Errc::kInvalidArgument,
                "the certificate request claims an id that is not the hash of its key; a node is certified "
                "under its own id only");
  }
  return id;
}

}  // namespace

core::Result<Authority> Authority::create(core::WallTime now) {
  std::shared_ptr<EVP_PKEY> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free);
  if (!key) return openssl_failed();
  KADENZA_TRY(const core::NodeId id, id_of_key(key.get()));
  // A name of its own: OpenSSL finds the issuer of a certificate by name.
  auto made = begin_certificate(key.get(), "Kadenza " + id.text(), now, kAuthorityValidity);
  if (!made || X509_set_issuer_name(made.get(), X509_get_subject_name(made.get())) != 1 ||
      !add_extension(made.get(), made.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(made.get(), made.get(), NID_key_usage, "critical,keyCertSign") ||
      !add_extension(made.get(), made.get(), NID_subject_key_identifier, "hash") ||
      X509_sign(made.get(), key.get(), nullptr) == 0) {
    return openssl_failed();
  }
  return Authority(std::move(key), Certificate(made.release()));
}

core::Result<Authority> Authority::parse(std::string_view pem) {
  KADENZA_TRY(KeyAndCertificate parsed, parse_authority(pem));
  return Authority(std::move(parsed.key), Certificate(parsed.certificate.release()));
}

core::Result<std::string> Authority::pem() const {
  return key_and_certificate_pem(key_.get(), certificate_.pem());
}

core::Result<std::optional<Authority>> Authority::load(const std::filesystem::path& file) {
  KADENZA_TRY(const std::optional<std::string> text, read_secret_file(file));
  if (!text) return std::optional<Authority>();
  auto authority = parse(*text);
  if (!authority) {
    return fail(Errc::kCorrupted, file.string() + ": " + authority.error().detail +
                                      ". Restore it from a backup, or move it away: the node then is a "
                                      "member that no longer invites.");
  }
  return std::optional(std::move(*authority));
}

core::Result<core::NodeId> Authority::requester(std::string_view request) {
  KADENZA_TRY(const RequestHandle parsed, parse_request(request));
  return check_request(parsed.get());
}

core::Result<Certificate> Authority::certify(std::string_view request, core::WallTime now) const {
  KADENZA_TRY(const RequestHandle parsed, parse_request(request));
  KADENZA_TRY(const core::NodeId id, check_request(parsed.get()));
  auto made = begin_certificate(X509_REQ_get0_pubkey(parsed.get()), id.text(), now, kNodeValidity);
  X509* const issuer = certificate_.handle();
  if (!made || X509_set_issuer_name(made.get(), X509_get_subject_name(issuer)) != 1 ||
      !add_extension(made.get(), issuer, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(made.get(), issuer, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(made.get(), issuer, NID_ext_key_usage, "serverAuth,clientAuth") ||
      !add_extension(made.get(), issuer, NID_subject_alt_name, "DNS:" + id.text()) ||
      !add_extension(made.get(), issuer, NID_authority_key_identifier, "keyid:always") ||
      X509_sign(made.get(), key_.get(), nullptr) == 0) {
    return openssl_failed();
  }
  return Certificate(made.release());
}

bool due_for_renewal(const Certificate& certificate, core::WallTime now) {
  const auto whole = certificate.not_after() - certificate.not_before();
  return now >= certificate.not_before() + whole * 2 / 3;
}

}  // namespace kadenza::distributed::identity
