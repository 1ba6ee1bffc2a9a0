// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/cluster_key.hpp"

#include <algorithm>

#include <sodium.h>

#include "core/base32.hpp"
#include "core/check.hpp"
#include "core/replace_file.hpp"
#include "distributed/identity/secret_file.hpp"

namespace kadenza::distributed::identity {
namespace {

constexpr std::string_view kFirstLine = "kadenza-cluster-keys 1";

core::Result<KeyRing> not_a_ring() {
  return core::fail(core::Errc::kCorrupted,
                    "This is not a file of cluster keys. Copy the one of a node that is a member.");
}

}  // namespace

ClusterKey ClusterKey::generate() {
  KADENZA_CHECK(sodium_init() >= 0);
  ClusterKey key;
  randombytes_buf(key.secret.data(), key.secret.size());
  return key;
}

std::uint32_t ClusterKey::id() const {
  static constexpr std::string_view kPurpose = "kadenza cluster key id";
  std::array<std::uint8_t, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(kPurpose.data()),
                     kPurpose.size(), secret.data(), secret.size());
  return std::uint32_t{hash[0]} << 24 | std::uint32_t{hash[1]} << 16 | std::uint32_t{hash[2]} << 8 | hash[3];
}

const ClusterKey* KeyRing::find(std::uint32_t id) const {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const ClusterKey& key) { return key.id() == id; });
  return found == keys.end() ? nullptr : &*found;
}

void KeyRing::rotate(const ClusterKey& key) {
  std::erase(keys, key);
  keys.insert(keys.begin(), key);
  if (keys.size() > kKeysMax) keys.resize(kKeysMax);
}

std::string KeyRing::text() const {
  std::string text(kFirstLine);
  for (const ClusterKey& key : keys) text += "\n" + core::base32_encode(key.secret);
  return text + "\n";
}

core::Result<KeyRing> KeyRing::parse(std::string_view text) {
  KeyRing ring;
  bool first = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (first) {
      if (line != kFirstLine) return not_a_ring();
      first = false;
      continue;
    }
    ClusterKey key;
    if (ring.keys.size() == kKeysMax || !core::base32_decode(line, key.secret)) return not_a_ring();
    ring.keys.push_back(key);
  }
  if (ring.keys.empty()) return not_a_ring();
  return ring;
}

core::Result<KeyRing> KeyRing::load(const std::filesystem::path& file) {
  KADENZA_TRY(const std::optional<std::string> text, read_secret_file(file));
  if (!text) {
    return core::fail(core::Errc::kNotFound, "There is no cluster key in " + file.string() +
                                                 ". Copy it from a node that is a member.");
  }
  return parse(*text);
}

core::Result<KeyRing> KeyRing::load_or_create(const std::filesystem::path& file) {
  auto ring = load(file);
  if (ring || ring.error().code != core::Errc::kNotFound) return ring;
  KeyRing fresh{{ClusterKey::generate()}};
  KADENZA_TRY_VOID(core::replace_file(file, fresh.text(), 0600));
  return fresh;
}

}  // namespace kadenza::distributed::identity
