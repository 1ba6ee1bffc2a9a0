// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/certificate_maker.hpp"

#include <array>

#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace kadenza::distributed::identity {

using core::Errc;
using core::fail;

namespace {

constexpr std::size_t kRequestBytesMax = 4096;

bool set_random_serial(X509* certificate) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) return false;
  bytes[0] &= 0x7f;
  const std::unique_ptr<BIGNUM, FreeWith<BN_free>> number(BN_bin2bn(bytes.data(), bytes.size(), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

}  // namespace

std::unexpected<core::Error> openssl_failed() {
  return fail(Errc::kInternal, "OpenSSL cannot make a certificate.");
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

X509Handle begin_certificate(EVP_PKEY* key, const std::string& name, core::WallTime now,
                             std::chrono::hours validity) {
  X509Handle made(X509_new());
  const auto seconds = [](core::WallTime time) {
    return static_cast<std::time_t>(
        std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
  };
  const bool good =
      made && X509_set_version(made.get(), X509_VERSION_3) == 1 && set_random_serial(made.get()) &&
      ASN1_TIME_set(X509_getm_notBefore(made.get()), seconds(now - kClockSkew)) &&
      ASN1_TIME_set(X509_getm_notAfter(made.get()), seconds(now + validity)) &&
      set_common_name(X509_get_subject_name(made.get()), name) && X509_set_pubkey(made.get(), key) == 1;
  return good ? std::move(made) : nullptr;
}

core::Result<RequestHandle> parse_request(std::string_view der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  if (der.size() > kRequestBytesMax) return fail(Errc::kTooLarge, "the certificate request is too long");
  RequestHandle request(d2i_X509_REQ(nullptr, &bytes, static_cast<long>(der.size())));
  if (!request) return fail(Errc::kInvalidArgument, "this is not a certificate request");
  return request;
}

core::Result<std::string> request_der(X509_REQ* request) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509_REQ(request, &bytes);
  if (size <= 0) return fail(Errc::kInternal, "OpenSSL cannot write a certificate request.");
  std::string der(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

core::Result<std::string> key_and_certificate_pem(EVP_PKEY* key, std::string_view certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return openssl_failed();
  }
  return content(bio.get()).append(certificate);
}

core::Result<KeyAndCertificate> parse_authority(std::string_view pem) {
  const auto bad = [] { return fail(Errc::kCorrupted, "this is not the key of an authority"); };
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return bad();
  std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  X509Handle certificate(key ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!certificate || X509_check_private_key(certificate.get(), key.get()) != 1 ||
      X509_check_ca(certificate.get()) != 1) {
    return bad();
  }
  return KeyAndCertificate{std::move(key), std::move(certificate)};
}

}  // namespace kadenza::distributed::identity
