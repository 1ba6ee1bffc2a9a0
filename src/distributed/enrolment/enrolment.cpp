// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/enrolment/enrolment.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/asio/strand.hpp>
#include <fmt/format.h>

#include "core/blocking.hpp"
#include "core/replace_file.hpp"
#include "distributed/enrolment/methods.hpp"
#include "distributed/identity/sealed_backup.hpp"
#include "distributed/identity/secret_file.hpp"

namespace kadenza::distributed::enrolment {
namespace {

namespace asio = boost::asio;
using core::Errc;
using core::fail;
using core::Result;
using core::Task;
using identity::Authority;
using identity::Certificate;
using identity::NodeIdentity;

constexpr std::chrono::seconds kCallPatience{10};

std::string_view as_text(const core::Digest& digest) {
  return {reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()};
}

template <class Message>
void put_seeds(Message& message, const std::vector<kademlia::Contact>& seeds) {
  for (const kademlia::Contact& seed : seeds) {
    std::array<std::uint8_t, kademlia::Contact::kWireBytes> bytes{};
    seed.encode(bytes);
    message.add_seeds(bytes.data(), bytes.size());
  }
}

template <class Message>
void put_authorities(Message& message, std::span<const Certificate> authorities) {
  for (const Certificate& authority : authorities) message.add_authorities(authority.der());
}

}  // namespace

IdentityFiles::IdentityFiles(const std::filesystem::path& folder)
    : node_key(folder / "node.key"),
      membership(folder / "membership"),
      keys(folder / "cluster.key"),
      authority(folder / "authority.key"),
      invitations(folder / "invitations"),
      web_authority(folder / "web-authority.key"),
      web_key(folder / "https.key"),
      web_certificate(folder / "https.pem") {}

Result<std::unique_ptr<Enrolment>> Enrolment::open(Options options) {
  KADENZA_TRY(auto invitations, identity::Invitations::open(options.files.invitations));
  return std::unique_ptr<Enrolment>(new Enrolment(std::move(options), std::move(invitations)));
}

Enrolment::Enrolment(Options options, identity::Invitations invitations)
    : options_(std::move(options)),
      owner_(asio::make_strand(options_.blocking)),
      standing_{std::make_shared<const NodeIdentity>(std::move(options_.identity)),
                std::move(options_.authority)},
      invitations_(std::move(invitations)) {}

core::Error Enrolment::not_an_issuer() const {
  std::string issuers;
  for (const Member& member : options_.membership->members()) {
    if (member.authority) issuers += (issuers.empty() ? "" : ", ") + member.name;
  }
  return {Errc::kForbidden,
          fmt::format("Only issuers can do this, and this node is none. Do it at one of these: {}. Or have "
                      "one of them make this node an issuer: kadenza cluster issuer add {}",
                      issuers.empty() ? "(none is known)" : issuers, options_.key->id().text())};
}

Task<Enrolment::Standing> Enrolment::standing() {
  auto read = [this] { return standing_; };
  co_return co_await core::run_on(owner_, std::move(read));
}

Task<Result<Enrolment::Standing>> Enrolment::issuer_standing() {
  Standing now = co_await standing();
  if (!now.authority) co_return std::unexpected(not_an_issuer());
  co_return now;
}

Task<Result<void>> Enrolment::check_issuer() {
  auto issuer = co_await issuer_standing();
  if (!issuer) co_return std::unexpected(std::move(issuer).error());
  co_return Result<void>();
}

Task<Result<void>> Enrolment::register_self() {
  const core::NodeId self = options_.key->id();
  const Standing own = co_await standing();
  const std::vector<Member> members = options_.membership->members();
  const Member* known = find(members, self);
  if (known == nullptr) {
    KADENZA_CO_TRY(std::string name, free_name(members, self, own.identity->name));
    Member member{self, std::move(name), options_.clock->wall_now(), std::nullopt};
    auto added = co_await options_.membership->add(std::move(member));
    if (!added) co_return added;
  }
  if (own.authority && (known == nullptr || !known->authority)) {
    co_return co_await options_.membership->set_authority(self, own.authority->certificate());
  }
  co_return Result<void>();
}

Task<Result<identity::JoinToken>> Enrolment::invite(std::string name, std::chrono::seconds lifetime) {
  auto issuer = co_await issuer_standing();
  if (!issuer) co_return std::unexpected(std::move(issuer).error());
  if (!name.empty()) {
    const auto members = options_.membership->members();
    KADENZA_CO_TRY(const std::string free, free_name(members, core::NodeId{}, name));
    if (free != name) co_return fail(Errc::kConflict, fmt::format("Another node is called “{}”.", name));
  }
  const core::WallTime now = options_.clock->wall_now();
  auto note = [this, name = std::move(name), lifetime, now]() mutable {
    return invitations_.invite(std::move(name), lifetime, now);
  };
  auto secret = co_await core::run_on(owner_, std::move(note));
  if (!secret) co_return std::unexpected(std::move(secret).error());
  co_return identity::JoinToken{issuer->authority->certificate().fingerprint(), options_.addresses, *secret,
                                std::chrono::floor<std::chrono::seconds>(now + lifetime)};
}

Task<Result<v1::JoinReply>> Enrolment::join(v1::JoinRequest request) {
  KADENZA_CO_TRY(const core::NodeId node, Authority::requester(request.certificate_request()));
  if (options_.membership->is_removed(node)) {
    co_return fail(
        Errc::kForbidden,
        "This node was removed from the cluster, which is final. Start it with a new data folder.");
  }
  auto issuer = co_await issuer_standing();
  if (!issuer) co_return std::unexpected(std::move(issuer).error());

  identity::JoinToken::Secret secret{};
  if (request.secret().size() != secret.size()) {
    co_return fail(Errc::kInvalidArgument, "the secret of the join token has another length");
  }
  std::ranges::copy(request.secret(), secret.begin());
  const core::WallTime now = options_.clock->wall_now();
  auto redeem = [this, secret, node, now] { return invitations_.redeem(secret, node, now); };
  auto invited = co_await core::run_on(owner_, std::move(redeem));
  if (!invited) co_return std::unexpected(std::move(invited).error());

  auto members = options_.membership->members();
  const std::string& wish = invited->empty() ? request.name() : *invited;
  KADENZA_CO_TRY(const std::string name, free_name(members, node, wish));
  KADENZA_CO_TRY(const Certificate certificate,
                 issuer->authority->certify(request.certificate_request(), now));
  if (find(members, node) == nullptr) {
    Member member{node, name, now, std::nullopt};
    auto added = co_await options_.membership->add(std::move(member));
    if (!added) co_return std::unexpected(std::move(added).error());
  }

  v1::JoinReply reply;
  reply.set_cluster(std::string(as_text(issuer->identity->cluster)));
  reply.set_name(name);
  reply.set_certificate(certificate.der());
  NodeIdentity known = *issuer->identity;
  members = options_.membership->members();
  known.learn(authorities(members));
  put_authorities(reply, known.authorities);
  const auto keys = co_await options_.keys->current();
  reply.set_keys(keys.text());
  reply.set_document(options_.membership->document());
  const auto seeds = co_await options_.seeds();
  put_seeds(reply, seeds);
  co_return reply;
}

Task<Result<v1::RenewReply>> Enrolment::renew(core::NodeId caller, v1::RenewRequest request) {
  auto issuer = co_await issuer_standing();
  if (!issuer) co_return std::unexpected(std::move(issuer).error());
  KADENZA_CO_TRY(const core::NodeId node, Authority::requester(request.certificate_request()));
  const auto members = options_.membership->members();
  if (node != caller || find(members, node) == nullptr) {
    co_return fail(Errc::kForbidden, "a member renews its own certificate only");
  }
  const core::WallTime now = options_.clock->wall_now();
  KADENZA_CO_TRY(const Certificate certificate,
                 issuer->authority->certify(request.certificate_request(), now));
  v1::RenewReply reply;
  reply.set_certificate(certificate.der());
  put_authorities(reply, authorities(members));
  co_return reply;
}

Result<void> Enrolment::become(NodeIdentity next) {
  KADENZA_TRY_VOID(next.save(options_.files.membership));
  standing_.identity = std::make_shared<const NodeIdentity>(std::move(next));
  if (options_.changed) options_.changed(*standing_.identity);
  return {};
}

Task<Result<void>> Enrolment::learn(std::vector<Certificate> known) {
  auto take = [this, known = std::move(known)]() -> Result<void> {
    NodeIdentity next = *standing_.identity;
    if (!next.learn(known)) return {};
    return become(std::move(next));
  };
  co_return co_await core::run_on(owner_, std::move(take));
}

Task<Result<void>> Enrolment::take_certificate(Certificate certificate, std::vector<Certificate> known) {
  KADENZA_CO_TRY(const core::NodeId node,
                 identity::check_certificate(certificate, known, options_.clock->wall_now()));
  if (node != options_.key->id()) co_return fail(Errc::kForbidden, "the certificate is of another node");
  auto take = [this, certificate = std::move(certificate), known = std::move(known)]() -> Result<void> {
    NodeIdentity next = *standing_.identity;
    next.certificate = certificate;
    next.learn(known);
    return become(std::move(next));
  };
  co_return co_await core::run_on(owner_, std::move(take));
}

Task<Result<void>> Enrolment::renew_at(core::NodeId issuer) {
  const core::Deadline deadline = options_.clock->now() + kCallPatience;
  auto contact = co_await options_.find_contact(issuer, deadline);
  if (!contact) co_return std::unexpected(std::move(contact).error());
  v1::RenewRequest request;
  KADENZA_CO_TRY(*request.mutable_certificate_request(), identity::certificate_request(*options_.key));
  auto reply = co_await peers::call(*options_.peers, *contact, std::move(request), deadline);
  if (!reply) co_return std::unexpected(std::move(reply).error());
  KADENZA_CO_TRY(Certificate certificate, Certificate::from_der(reply->certificate()));
  std::vector<Certificate> known;
  for (const std::string& der : reply->authorities()) {
    KADENZA_CO_TRY(Certificate authority, Certificate::from_der(der));
    known.push_back(std::move(authority));
  }
  co_return co_await take_certificate(std::move(certificate), std::move(known));
}

Task<Result<void>> Enrolment::refresh() {
  const Standing own = co_await standing();
  const Certificate& certificate = own.identity->certificate;
  const std::vector<Member> members = options_.membership->members();
  const std::vector<Certificate> known = authorities(members);
  auto learnt = co_await learn(known);
  if (!learnt) co_return learnt;
  const core::WallTime now = options_.clock->wall_now();
  const bool issuer_is_there =
      std::ranges::any_of(known, [&](const Certificate& one) { return certificate.signed_by(one); });
  if (issuer_is_there && !identity::due_for_renewal(certificate, now)) co_return Result<void>();

  if (own.authority) {
    KADENZA_CO_TRY(const std::string request, identity::certificate_request(*options_.key));
    KADENZA_CO_TRY(Certificate renewed, own.authority->certify(request, now));
    co_return co_await take_certificate(std::move(renewed), known);
  }
  core::Error failure{Errc::kUnavailable, "no issuer is known that could renew this node's certificate"};
  for (const Member& member : members) {
    if (!member.authority) continue;
    auto renewed = co_await renew_at(member.id);
    if (renewed) co_return renewed;
    failure = std::move(renewed).error();
  }
  co_return std::unexpected(std::move(failure));
}

Task<Result<Authority>> Enrolment::become_issuer() {
  const core::WallTime now = options_.clock->wall_now();
  auto create = [this, now]() -> Result<std::optional<Authority>> {
    if (standing_.authority) return standing_.authority;
    KADENZA_TRY(const Authority made, Authority::create(now));
    KADENZA_TRY(const std::string pem, made.pem());
    KADENZA_TRY_VOID(core::replace_file(options_.files.authority, pem, 0600));
    standing_.authority = made;
    return standing_.authority;
  };
  auto created = co_await core::run_on(owner_, std::move(create));
  if (!created) co_return std::unexpected(std::move(created).error());
  const Authority authority = std::move(**created);
  auto listed = co_await options_.membership->set_authority(options_.key->id(), authority.certificate());
  if (!listed) co_return std::unexpected(std::move(listed).error());
  // Newcomers know an issuer by its authority, so it has to be the one that certifies the issuer itself.
  KADENZA_CO_TRY(const std::string request, identity::certificate_request(*options_.key));
  KADENZA_CO_TRY(Certificate own, authority.certify(request, now));
  auto known = authorities(options_.membership->members());
  auto taken = co_await take_certificate(std::move(own), std::move(known));
  if (!taken) co_return std::unexpected(std::move(taken).error());
  co_return authority;
}

Task<Result<void>> Enrolment::make_issuer(core::NodeId member) {
  auto issuer = co_await issuer_standing();
  if (!issuer) co_return std::unexpected(std::move(issuer).error());
  const core::Deadline deadline = options_.clock->now() + kCallPatience;
  auto contact = co_await options_.find_contact(member, deadline);
  if (!contact) co_return std::unexpected(std::move(contact).error());
  auto reply = co_await peers::call(*options_.peers, *contact, v1::BecomeIssuerRequest(), deadline);
  if (!reply) co_return std::unexpected(std::move(reply).error());
  KADENZA_CO_TRY(Certificate theirs, Certificate::from_der(reply->authority()));
  if (!theirs.is_authority()) co_return fail(Errc::kUnavailable, "the node answered with no authority");
  co_return co_await options_.membership->set_authority(member, std::move(theirs));
}

Task<Result<std::vector<core::NodeId>>> Enrolment::remove(core::NodeId member) {
  auto issuer = co_await issuer_standing();
  if (!issuer) co_return std::unexpected(std::move(issuer).error());
  if (member == options_.key->id()) {
    co_return fail(Errc::kInvalidArgument,
                   "A node does not remove itself. Do it at another issuer, or simply stop this one.");
  }
  auto removed = co_await options_.membership->remove(member);
  if (!removed) co_return std::unexpected(std::move(removed).error());
  co_return co_await options_.keys->rotate();
}

Task<Result<std::string>> Enrolment::export_cluster(std::string passphrase) {
  auto issuer = co_await issuer_standing();
  if (!issuer) co_return std::unexpected(std::move(issuer).error());
  v1::ExportedCluster exported;
  exported.set_cluster(std::string(as_text(issuer->identity->cluster)));
  KADENZA_CO_TRY(*exported.mutable_authority(), issuer->authority->pem());
  const auto keys = co_await options_.keys->current();
  exported.set_keys(keys.text());
  exported.set_document(options_.membership->document());
  const auto seeds = co_await options_.seeds();
  put_seeds(exported, seeds);
  auto read = [file = options_.files.web_authority] { return identity::read_secret_file(file); };
  auto web_authority = co_await core::run_on(owner_, std::move(read));
  if (!web_authority) co_return std::unexpected(std::move(web_authority).error());
  exported.set_web_authority(web_authority->value_or(std::string()));
  auto seal = [plain = exported.SerializeAsString(), passphrase = std::move(passphrase)] {
    return identity::seal_backup(plain, passphrase);
  };
  co_return co_await core::run_on(options_.blocking, std::move(seal));
}

void Enrolment::serve(peers::Handlers& handlers) {
  handlers.add<v1::RenewRequest>([this](peers::Caller caller, v1::RenewRequest request) {
    return renew(caller.id, std::move(request));
  });
  handlers.add<v1::BecomeIssuerRequest>(
      [this](peers::Caller caller, v1::BecomeIssuerRequest) -> Task<Result<v1::BecomeIssuerReply>> {
        const auto members = options_.membership->members();
        const Member* asking = find(members, caller.id);
        if (asking == nullptr || !asking->authority) {
          co_return fail(Errc::kForbidden, "only an issuer makes others issuers");
        }
        auto authority = co_await become_issuer();
        if (!authority) co_return std::unexpected(std::move(authority).error());
        v1::BecomeIssuerReply reply;
        reply.set_authority(authority->certificate().der());
        co_return reply;
      });
}

void Enrolment::serve_joining(peers::Handlers& handlers) {
  handlers.add<v1::JoinRequest>(
      [this](peers::Caller, v1::JoinRequest request) { return join(std::move(request)); });
}

}  // namespace kadenza::distributed::enrolment
