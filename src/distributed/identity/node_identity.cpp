// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/node_identity.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "core/base32.hpp"
#include "core/replace_file.hpp"
#include "distributed/identity/secret_file.hpp"

namespace kadenza::distributed::identity {
namespace {

namespace json = boost::json;
using core::Errc;
using core::fail;

constexpr int kVersion = 1;
constexpr std::size_t kFileBytesMax = 1 << 20;

template <class T>
T expect(core::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().detail);
  return std::move(*result);
}

kademlia::Contact parse_contact(std::string_view text) {
  std::array<std::uint8_t, kademlia::Contact::kWireBytes> bytes{};
  std::optional<kademlia::Contact> contact;
  if (core::base32_decode(text, bytes)) contact = kademlia::Contact::decode(bytes);
  if (!contact) throw std::runtime_error("a contact that is none");
  return *contact;
}

NodeIdentity parse(std::string_view text) {
  const json::value document = json::parse(text);
  if (document.at("version").as_int64() != kVersion) throw std::runtime_error("another version");
  const auto cluster = core::Digest::parse(document.at("cluster").as_string());
  if (!cluster) throw std::runtime_error("a cluster that is none");
  NodeIdentity identity{*cluster,
                        std::string(document.at("name").as_string()),
                        expect(Certificate::from_pem(document.at("certificate").as_string())),
                        {},
                        {}};
  for (const json::value& pem : document.at("authorities").as_array()) {
    identity.authorities.push_back(expect(Certificate::from_pem(pem.as_string())));
  }
  for (const json::value& seed : document.at("seeds").as_array()) {
    identity.seeds.push_back(parse_contact(seed.as_string()));
  }
  return identity;
}

}  // namespace

bool NodeIdentity::learn(std::span<const Certificate> more) {
  bool learnt = false;
  for (const Certificate& authority : more) {
    const core::Digest fingerprint = authority.fingerprint();
    if (std::ranges::find(authorities, fingerprint, &Certificate::fingerprint) != authorities.end()) continue;
    authorities.push_back(authority);
    learnt = true;
  }
  if (authorities.size() > kAuthoritiesMax) {
    authorities.erase(authorities.begin(), authorities.end() - kAuthoritiesMax);
  }
  return learnt;
}

std::string NodeIdentity::authorities_pem() const {
  std::string pem;
  for (const Certificate& authority : authorities) pem += authority.pem();
  return pem;
}

core::Result<std::optional<NodeIdentity>> NodeIdentity::load(const std::filesystem::path& file) {
  KADENZA_TRY(const std::optional<std::string> text, read_secret_file(file, kFileBytesMax));
  if (!text) return std::optional<NodeIdentity>();
  try {
    return std::optional(parse(*text));
  } catch (const std::exception& error) {
    return fail(Errc::kCorrupted, file.string() + " cannot be read: " + error.what() +
                                      ". Restore it from a backup, or move it away and enrol this node again "
                                      "with --join.");
  }
}

core::Result<void> NodeIdentity::save(const std::filesystem::path& file) const {
  json::array authority_texts;
  for (const Certificate& authority : authorities) authority_texts.emplace_back(authority.pem());
  json::array seed_texts;
  for (const kademlia::Contact& seed : seeds) {
    std::array<std::uint8_t, kademlia::Contact::kWireBytes> bytes{};
    seed.encode(bytes);
    seed_texts.emplace_back(core::base32_encode(bytes));
  }
  const json::value document{{"version", kVersion},
                             {"cluster", cluster.text()},
                             {"name", name},
                             {"certificate", certificate.pem()},
                             {"authorities", std::move(authority_texts)},
                             {"seeds", std::move(seed_texts)}};
  return core::replace_file(file, json::serialize(document), 0600);
}

}  // namespace kadenza::distributed::identity
