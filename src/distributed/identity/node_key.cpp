// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/node_key.hpp"

#include <array>

#include <openssl/pem.h>

#include "core/replace_file.hpp"
#include "core/sha256.hpp"
#include "distributed/identity/openssl.hpp"
#include "distributed/identity/secret_file.hpp"

namespace kadenza::distributed::identity {
using core::Errc;
using core::fail;

core::Result<core::NodeId> id_of_key(evp_pkey_st* key) {
  std::array<std::uint8_t, 32> raw{};
  std::size_t size = raw.size();
  if (key == nullptr || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519 ||
      EVP_PKEY_get_raw_public_key(key, raw.data(), &size) != 1 || size != raw.size()) {
    return fail(Errc::kInvalidArgument, "the key is not an Ed25519 key");
  }
  return core::NodeId{core::sha256(raw).bytes};
}

void NodeKey::Free::operator()(evp_pkey_st* key) const noexcept {
  EVP_PKEY_free(key);
}

core::Result<NodeKey> NodeKey::from(Handle key) {
  KADENZA_TRY(const core::NodeId id, id_of_key(key.get()));
  return NodeKey(std::move(key), id);
}

core::Result<NodeKey> NodeKey::generate() {
  return from(Handle(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")));
}

core::Result<std::string> NodeKey::pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return fail(Errc::kInternal, "OpenSSL cannot write a node's key.");
  }
  return content(bio.get());
}

core::Result<NodeKey> NodeKey::load_or_create(const std::filesystem::path& file) {
  KADENZA_TRY(const std::optional<std::string> text, read_secret_file(file));
  if (!text) {
    KADENZA_TRY(NodeKey key, generate());
    KADENZA_TRY(const std::string pem, key.pem());
    KADENZA_TRY_VOID(core::replace_file(file, pem, 0600));
    return key;
  }
  const Bio bio(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  Handle key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!key || EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519) {
    return fail(Errc::kCorrupted, file.string() +
                                      " does not hold an Ed25519 key. Restore it from a backup, or move "
                                      "it away to start as a new node.");
  }
  return from(std::move(key));
}

}  // namespace kadenza::distributed::identity
