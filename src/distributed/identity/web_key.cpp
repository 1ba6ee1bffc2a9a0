// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/web_key.hpp"

#include <openssl/pem.h>

#include "distributed/identity/certificate_maker.hpp"

namespace kadenza::distributed::identity {

core::Result<WebKey> WebKey::generate() {
  std::shared_ptr<EVP_PKEY> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), EVP_PKEY_free);
  if (!key) return openssl_failed();
  return WebKey(std::move(key));
}

core::Result<WebKey> WebKey::parse(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::shared_ptr<EVP_PKEY> key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr) : nullptr,
                                EVP_PKEY_free);
  if (!key) return core::fail(core::Errc::kCorrupted, "this is not a private key in PEM form");
  return WebKey(std::move(key));
}

core::Result<std::string> WebKey::pem() const {
  return key_and_certificate_pem(key_.get(), {});
}

core::Result<std::string> WebKey::request() const {
  const RequestHandle request(X509_REQ_new());
  if (!request || X509_REQ_set_pubkey(request.get(), key_.get()) != 1 ||
      X509_REQ_sign(request.get(), key_.get(), EVP_sha256()) == 0) {
    return openssl_failed();
  }
  return request_der(request.get());
}

bool WebKey::belongs_to(const Certificate& certificate) const {
  return X509_check_private_key(certificate.handle(), key_.get()) == 1;
}

}  // namespace kadenza::distributed::identity
