// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/sealed_backup.hpp"

#include <array>
#include <cstdint>
#include <span>

#include <sodium.h>

#include "core/check.hpp"

namespace kadenza::distributed::identity {
namespace {

using core::Errc;
using core::fail;

constexpr std::string_view kMagic = "kadenza-export\n";
constexpr std::uint8_t kVersion = 1;
constexpr std::uint32_t kPasses = crypto_pwhash_OPSLIMIT_MODERATE;
constexpr std::uint32_t kMemoryKiB = crypto_pwhash_MEMLIMIT_MODERATE / 1024;
/// A file says how its key was made; what would take minutes or all memory is not one of ours.
constexpr std::uint32_t kPassesMax = 16;
constexpr std::uint32_t kMemoryKiBMax = 1 << 20;

constexpr std::size_t kSaltBytes = crypto_pwhash_SALTBYTES;
constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t kHeaderBytes = kMagic.size() + 1 + 4 + 4 + kSaltBytes + kNonceBytes;

struct Key {
  std::array<unsigned char, crypto_aead_xchacha20poly1305_ietf_KEYBYTES> bytes{};
  ~Key() { sodium_memzero(bytes.data(), bytes.size()); }
};

core::Result<void> derive(Key& key, std::string_view passphrase, const unsigned char* salt,
                          std::uint32_t passes, std::uint32_t memory_kib) {
  if (crypto_pwhash(key.bytes.data(), key.bytes.size(), passphrase.data(), passphrase.size(), salt, passes,
                    std::size_t{memory_kib} * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return fail(Errc::kUnavailable, "There is too little memory to make a key from the passphrase.");
  }
  return {};
}

void put_u32(std::string& out, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift & 0xff);
}

std::uint32_t u32_at(std::string_view bytes, std::size_t offset) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8 | static_cast<std::uint8_t>(bytes[offset + i]);
  return number;
}

const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

core::Result<std::string> seal_backup(std::string_view plain, std::string_view passphrase) {
  KADENZA_CHECK(sodium_init() >= 0);
  if (passphrase.size() < kPassphraseMin) {
    return fail(Errc::kInvalidArgument, "The passphrase is too short: give at least 8 characters.");
  }
  std::array<char, kSaltBytes + kNonceBytes> random{};
  randombytes_buf(random.data(), random.size());
  std::string sealed(kMagic);
  sealed += static_cast<char>(kVersion);
  put_u32(sealed, kPasses);
  put_u32(sealed, kMemoryKiB);
  sealed.append(random.data(), random.size());

  Key key;
  KADENZA_TRY_VOID(derive(key, passphrase, raw({random.data(), kSaltBytes}), kPasses, kMemoryKiB));
  const std::string header = sealed;
  sealed.resize(kHeaderBytes + plain.size() + kTagBytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(
      reinterpret_cast<unsigned char*>(sealed.data()) + kHeaderBytes, nullptr, raw(plain), plain.size(),
      raw(header), header.size(), nullptr, raw(header) + kHeaderBytes - kNonceBytes, key.bytes.data());
  return sealed;
}

core::Result<std::string> open_backup(std::string_view sealed, std::string_view passphrase) {
  KADENZA_CHECK(sodium_init() >= 0);
  if (!sealed.starts_with(kMagic) || sealed.size() < kHeaderBytes + kTagBytes) {
    return fail(Errc::kInvalidArgument, "This is not an export of a cluster, or not a complete one.");
  }
  if (static_cast<std::uint8_t>(sealed[kMagic.size()]) != kVersion) {
    return fail(Errc::kInvalidArgument,
                "This export was made by a newer version of Kadenza. Update the program.");
  }
  const std::uint32_t passes = u32_at(sealed, kMagic.size() + 1);
  const std::uint32_t memory_kib = u32_at(sealed, kMagic.size() + 5);
  if (passes < 1 || passes > kPassesMax || memory_kib < 8 || memory_kib > kMemoryKiBMax) {
    return fail(Errc::kInvalidArgument, "This export of a cluster is damaged.");
  }
  Key key;
  KADENZA_TRY_VOID(derive(key, passphrase, raw(sealed.substr(kMagic.size() + 9)), passes, memory_kib));
  const std::string_view header = sealed.substr(0, kHeaderBytes);
  const std::string_view body = sealed.substr(kHeaderBytes);
  std::string plain(body.size() - kTagBytes, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          reinterpret_cast<unsigned char*>(plain.data()), nullptr, nullptr, raw(body), body.size(),
          raw(header), header.size(), raw(header) + kHeaderBytes - kNonceBytes, key.bytes.data()) != 0) {
    return fail(Errc::kForbidden,
                "The passphrase does not open this file, or the file was changed since it was written.");
  }
  return plain;
}

}  // namespace kadenza::distributed::identity
