// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/enrolment/web_sources.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "distributed/enrolment/methods.hpp"

namespace kadenza::distributed::enrolment {

using core::Result;
using core::Task;
using identity::Certificate;

namespace {

constexpr std::chrono::seconds kCallPatience{10};

Task<Result<WebCertificate>> certify_at(peers::Peers& peers, FindContact find_contact,
                                        const core::Clock& clock, core::NodeId issuer, std::string request,
                                        std::vector<std::string> names) {
  const core::Deadline deadline = clock.now() + kCallPatience;
  auto contact = co_await find_contact(issuer, deadline);
  if (!contact) co_return std::unexpected(std::move(contact).error());
  v1::CertifyWebRequest message;
  message.set_certificate_request(std::move(request));
  for (std::string& name : names) message.add_names(std::move(name));
  auto reply = co_await peers::call(peers, *contact, std::move(message), deadline);
  if (!reply) co_return std::unexpected(std::move(reply).error());
  KADENZA_CO_TRY(Certificate certificate, Certificate::from_der(reply->certificate()));
  KADENZA_CO_TRY(Certificate authority, Certificate::from_der(reply->authority()));
  co_return WebCertificate{std::move(certificate), std::move(authority)};
}

WebSource source_at(const WebIssuers& issuers, const core::NodeId& issuer) {
  return {issuer, [&peers = issuers.peers, find = issuers.find_contact, &clock = issuers.clock, issuer](
                      std::string request, std::vector<std::string> names) {
            return certify_at(peers, find, clock, issuer, std::move(request), std::move(names));
          }};
}

}  // namespace

WebSource own_source(const core::NodeId& self, WebIssuer& own) {
  return {self, [&own](std::string request, std::vector<std::string> names) {
            return own.certify(std::move(request), std::move(names));
          }};
}

std::vector<WebSource> web_sources(const WebIssuers& issuers) {
  std::vector<Member> members = issuers.membership.members();
  std::erase_if(members, [](const Member& member) { return !member.authority; });
  std::ranges::sort(members, {}, [](const Member& member) { return std::tuple(member.since, member.id); });
  std::vector<WebSource> sources;
  for (const Member& member : members) {
    sources.push_back(member.id == issuers.self ? own_source(issuers.self, issuers.own)
                                                : source_at(issuers, member.id));
  }
  if (sources.empty()) sources.push_back(own_source(issuers.self, issuers.own));
  return sources;
}

}  // namespace kadenza::distributed::enrolment
