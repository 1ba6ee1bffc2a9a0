// SPDX-License-Identifier: AGPL-3.0-or-later
#include "core/sha256.hpp"

#include <openssl/evp.h>

#include "core/check.hpp"

namespace kadenza::core {
namespace {

// Fetched once: EVP_sha256() makes OpenSSL 3 look the algorithm up again for every digest.
const EVP_MD* algorithm() {
  static const EVP_MD* const kAlgorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return kAlgorithm;
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const noexcept {
  EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  KADENZA_CHECK(context_ && EVP_DigestInit_ex(context_.get(), algorithm(), nullptr) == 1);
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

Sha256& Sha256::update(std::span<const std::uint8_t> bytes) {
  KADENZA_CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  return *this;
}

Sha256& Sha256::update(std::string_view bytes) {
  return update(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

Digest Sha256::finish() {
  Digest digest;
  KADENZA_CHECK(EVP_DigestFinal_ex(context_.get(), digest.bytes.data(), nullptr) == 1);
  KADENZA_CHECK(EVP_DigestInit_ex(context_.get(), algorithm(), nullptr) == 1);
  return digest;
}

// A context costs as much to make as a short text to hash.
Digest sha256(std::span<const std::uint8_t> bytes) {
  static thread_local Sha256 hash;
  return hash.update(bytes).finish();
}

Digest sha256(std::string_view bytes) {
  return sha256(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

}  // namespace kadenza::core
