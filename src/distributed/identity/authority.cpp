// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/authority.hpp"

#include <array>

#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "distributed/identity/openssl.hpp"
#include "distributed/identity/secret_file.hpp"

namespace kadenza::distributed::identity {
namespace {

using core::Errc;
using core::fail;

constexpr std::size_t kRequestBytesMax = 4096;

std::unexpected<core::Error> openssl_failed() {
  return fail(Errc::kInternal, "OpenSSL cannot make a certificate.");
}

bool set_random_serial(X509* certificate) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) return false;
  bytes[0] &= 0x7f;
  const std::unique_ptr<BIGNUM, FreeWith<BN_free>> number(BN_bin2bn(bytes.data(), bytes.size(), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_common_name(X509_NAME* name, const std::string& text) {
  return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC,
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

/// What all certificates have; without extensions and signature.
X509Handle begin(EVP_PKEY* key, const std::string& name, core::WallTime now, std::chrono::hours validity) {
  X509Handle made(X509_new());
  const auto seconds = [](core::WallTime time) {
    return static_cast<std::time_t>(
        std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
  };
  const bool good =
      made && X509_set_version(made.get(), X509_VERSION_3) == 1 && set_random_serial(made.get()) &&
      ASN1_TIME_set(X509_getm_notBefore(made.get()), seconds(now - Authority::kClockSkew)) &&
      ASN1_TIME_set(X509_getm_notAfter(made.get()), seconds(now + validity)) &&
      set_common_name(X509_get_subject_name(made.get()), name) && X509_set_pubkey(made.get(), key) == 1;
  return good ? std::move(made) : nullptr;
}

std::string common_name(const X509_NAME* name) {
  std::array<char, 128> text{};
  const int size = X509_NAME_get_text_by_NID(name, NID_commonName, text.data(), text.size());
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

core::Result<RequestHandle> parse_request(std::string_view der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  if (der.size() > kRequestBytesMax) return fail(Errc::kTooLarge, "the certificate request is too long");
  RequestHandle request(d2i_X509_REQ(nullptr, &bytes, static_cast<long>(der.size())));
  if (!request) return fail(Errc::kInvalidArgument, "this is not a certificate request");
  return request;
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
  auto made = begin(key.get(), "Kadenza " + id.text(), now, kAuthorityValidity);
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
  const auto bad = [] { return fail(Errc::kCorrupted, "this is not the key of an authority"); };
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return bad();
  std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  X509Handle certificate(key ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!certificate || X509_check_private_key(certificate.get(), key.get()) != 1 ||
      X509_check_ca(certificate.get()) != 1) {
    return bad();
  }
  return Authority(std::move(key), Certificate(certificate.release()));
}

core::Result<std::string> Authority::pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return openssl_failed();
  }
  return content(bio.get()) + certificate_.pem();
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
  auto made = begin(X509_REQ_get0_pubkey(parsed.get()), id.text(), now, kNodeValidity);
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
