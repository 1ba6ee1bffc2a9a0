// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/enrolment/first_start.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/replace_file.hpp"
#include "distributed/enrolment/methods.hpp"
#include "distributed/identity/sealed_backup.hpp"

namespace kadenza::distributed::enrolment {
namespace {

using core::Errc;
using core::fail;
using core::Result;
using core::Task;
using identity::Authority;
using identity::Certificate;
using identity::ClusterKeys;
using identity::NodeIdentity;

constexpr std::chrono::seconds kJoinPatience{15};

std::span<const std::uint8_t> as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

template <class Message>
Result<std::vector<kademlia::Contact>> seeds_of(const Message& message) {
  std::vector<kademlia::Contact> seeds;
  for (const std::string& encoded : message.seeds()) {
    if (encoded.size() != kademlia::Contact::kWireBytes) return fail(Errc::kInvalidArgument, "a bad contact");
    const auto contact = kademlia::Contact::decode(as_bytes(encoded).first<kademlia::Contact::kWireBytes>());
    if (!contact) return fail(Errc::kInvalidArgument, "a bad contact");
    seeds.push_back(*contact);
  }
  return seeds;
}

/// Certifies the node itself.
Result<Certificate> own_certificate(const Authority& authority, const identity::NodeKey& key,
                                    core::WallTime now) {
  KADENZA_TRY(const std::string request, identity::certificate_request(key));
  return authority.certify(request, now);
}

struct Joined {
  NodeIdentity identity;
  ClusterKeys keys;
  std::string document;
};

/// What an issuer's answer says, checked: it must not be able to make this node somebody else.
Result<Joined> check_reply(const v1::JoinReply& reply, const identity::NodeKey& key,
                           const identity::JoinToken& token, core::WallTime now) {
  const auto cluster = core::Digest::from_bytes(as_bytes(reply.cluster()));
  if (!cluster) return fail(Errc::kInvalidArgument, "no cluster");
  KADENZA_TRY(Certificate certificate, Certificate::from_der(reply.certificate()));
  std::vector<Certificate> authorities;
  for (const std::string& der : reply.authorities()) {
    KADENZA_TRY(Certificate authority, Certificate::from_der(der));
    authorities.push_back(std::move(authority));
  }
  const auto invited = std::ranges::find(authorities, token.authority, &Certificate::fingerprint);
  if (invited == authorities.end() || !certificate.signed_by(*invited)) {
    return fail(Errc::kInvalidArgument, "the certificate is not from the authority of the token");
  }
  KADENZA_TRY(const core::NodeId node, identity::check_certificate(certificate, authorities, now));
  if (node != key.id()) return fail(Errc::kInvalidArgument, "the certificate is of another node");
  KADENZA_TRY(ClusterKeys keys, ClusterKeys::parse(reply.keys()));
  KADENZA_TRY(auto seeds, seeds_of(reply));
  return Joined{{*cluster, reply.name(), std::move(certificate), std::move(authorities), std::move(seeds)},
                std::move(keys),
                reply.document()};
}

/// All that makes a node a member, the last step being the one that counts.
Result<void> save(const IdentityFiles& files, const Joined& joined, const SaveDocument& save_document) {
  KADENZA_TRY_VOID(joined.keys.save(files.keys));
  KADENZA_TRY_VOID(save_document(joined.document));
  return joined.identity.save(files.membership);
}

bool worth_another_address(Errc code) {
  return code == Errc::kUnavailable || code == Errc::kDeadlineExceeded;
}

}  // namespace

Result<NodeIdentity> create_cluster(const IdentityFiles& files, const identity::NodeKey& key,
                                    std::string name, core::WallTime now) {
  KADENZA_TRY(auto authority, Authority::load(files.authority));
  if (!authority) {
    KADENZA_TRY(authority, Authority::create(now));
    KADENZA_TRY(const std::string pem, authority->pem());
    KADENZA_TRY_VOID(core::replace_file(files.authority, pem, 0600));
  }
  KADENZA_TRY(Certificate certificate, own_certificate(*authority, key, now));
  const auto kept = ClusterKeys::load(files.keys);
  if (!kept && kept.error().code != Errc::kNotFound) return std::unexpected(kept.error());
  if (!kept) KADENZA_TRY_VOID(ClusterKeys::generate().save(files.keys));
  NodeIdentity identity{authority->certificate().fingerprint(),
                        std::move(name),
                        std::move(certificate),
                        {authority->certificate()},
                        {}};
  KADENZA_TRY_VOID(identity.save(files.membership));
  return identity;
}

Task<Result<NodeIdentity>> enrol(const IdentityFiles& files, const identity::NodeKey& key,
                                 const identity::JoinToken& token, std::string name, const JoinCall& call,
                                 const SaveDocument& save_document, const core::Clock& clock) {
  v1::JoinRequest request;
  request.set_secret(token.secret.data(), token.secret.size());
  KADENZA_CO_TRY(*request.mutable_certificate_request(), identity::certificate_request(key));
  request.set_name(std::move(name));
  const std::string encoded = request.SerializeAsString();

  std::string silent;
  for (const std::string& address : token.addresses) {
    auto answer = co_await call(address, token.authority, encoded, clock.now() + kJoinPatience);
    if (!answer && worth_another_address(answer.error().code)) {
      silent += fmt::format("{}{} ({})", silent.empty() ? "" : ", ", address, answer.error().detail);
      continue;
    }
    if (!answer) co_return std::unexpected(std::move(answer).error());
    v1::JoinReply reply;
    if (!reply.ParseFromString(*answer)) {
      co_return fail(Errc::kUnavailable, fmt::format("{} answered with something unreadable.", address));
    }
    auto joined = check_reply(reply, key, token, clock.wall_now());
    if (!joined) {
      co_return fail(Errc::kUnavailable,
                     fmt::format("{} gave an answer that does not fit: {}.", address, joined.error().detail));
    }
    auto saved = save(files, *joined, save_document);
    if (!saved) co_return std::unexpected(std::move(saved).error());
    co_return std::move(joined->identity);
  }
  co_return fail(Errc::kUnavailable,
                 fmt::format("The node that made the join token was not found: {}. It has to run, and this "
                             "machine has to reach its RPC port by TCP.",
                             silent));
}

Result<NodeIdentity> recover_cluster(const IdentityFiles& files, std::string_view exported,
                                     std::string_view passphrase, std::string name,
                                     const SaveDocument& save_document, core::WallTime now) {
  KADENZA_TRY(const std::string plain, identity::open_backup(exported, passphrase));
  v1::ExportedCluster content;
  const auto damaged = [] { return fail(Errc::kCorrupted, "The export of the cluster is damaged."); };
  if (!content.ParseFromString(plain)) return damaged();
  const auto cluster = core::Digest::from_bytes(as_bytes(content.cluster()));
  if (!cluster) return damaged();
  KADENZA_TRY(const Authority authority, Authority::parse(content.authority()));
  KADENZA_TRY(const auto present, Authority::load(files.authority));
  KADENZA_TRY(const auto member, NodeIdentity::load(files.membership));
  if (member && present)
    return fail(Errc::kConflict, "This node is an issuer already; it needs no recovery.");
  if (member && member->cluster != *cluster) {
    return fail(Errc::kConflict, "This node is a member of another cluster. Give an empty data folder.");
  }

  KADENZA_TRY(const auto key, identity::NodeKey::load_or_create(files.node_key));
  KADENZA_TRY(Certificate certificate, own_certificate(authority, key, now));
  Joined recovered{
      {*cluster, std::move(name), std::move(certificate), {authority.certificate()}, {}}, {}, {}};
  KADENZA_TRY(recovered.identity.seeds, seeds_of(content));
  KADENZA_TRY_VOID(core::replace_file(files.authority, content.authority(), 0600));
  if (!content.web_authority().empty()) {
    KADENZA_TRY_VOID(core::replace_file(files.web_authority, content.web_authority(), 0600));
  }
  if (member) {
    recovered.identity.name = member->name;
    std::ranges::copy(member->authorities, std::back_inserter(recovered.identity.authorities));
    KADENZA_TRY_VOID(recovered.identity.save(files.membership));
    return recovered.identity;
  }
  KADENZA_TRY(recovered.keys, ClusterKeys::parse(content.keys()));
  recovered.document = content.document();
  KADENZA_TRY_VOID(save(files, recovered, save_document));
  return recovered.identity;
}

}  // namespace kadenza::distributed::enrolment
