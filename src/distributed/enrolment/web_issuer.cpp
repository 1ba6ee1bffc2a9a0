// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/enrolment/web_issuer.hpp"

#include <utility>

#include <boost/asio/strand.hpp>

#include "core/blocking.hpp"
#include "core/replace_file.hpp"
#include "distributed/enrolment/methods.hpp"
#include "distributed/identity/secret_file.hpp"

namespace kadenza::distributed::enrolment {

using core::Errc;
using core::Result;
using core::Task;

namespace {

const std::string kMakeAnew = ": then a new one is made, which every listener has to install anew.";

}  // namespace

WebIssuer::WebIssuer(Options options)
    : options_(std::move(options)), owner_(boost::asio::make_strand(options_.blocking)) {}

Result<void> WebIssuer::load() {
  KADENZA_TRY(const std::optional<std::string> text, identity::read_secret_file(options_.file));
  if (!text) return {};
  auto parsed = identity::WebAuthority::parse(*text);
  if (!parsed) {
    return core::fail(Errc::kCorrupted, options_.file.string() + ": " + parsed.error().detail +
                                            ". Restore it from a backup, or move it away" + kMakeAnew);
  }
  for (const std::string& domain : options_.domains) {
    if (parsed->permits(domain)) continue;
    return core::fail(Errc::kConflict, "The web authority was made without --https-domain " + domain +
                                           " and cannot certify it. To make another one, move " +
                                           options_.file.string() + " away" + kMakeAnew);
  }
  authority_ = std::move(*parsed);
  return {};
}

Result<void> WebIssuer::make_if_missing() {
  if (authority_) return {};
  KADENZA_TRY(auto made,
              identity::WebAuthority::create(options_.self, options_.domains, options_.clock->wall_now()));
  KADENZA_TRY(const std::string pem, made.pem());
  KADENZA_TRY_VOID(core::replace_file(options_.file, pem, 0600));
  authority_ = std::move(made);
  return {};
}

Task<Result<WebCertificate>> WebIssuer::certify(std::string request, std::vector<std::string> names) {
  auto may = co_await options_.check_issuer();
  if (!may) co_return std::unexpected(std::move(may).error());
  auto sign = [this, request = std::move(request),
               names = std::move(names)]() -> Result<std::optional<WebCertificate>> {
    KADENZA_TRY_VOID(make_if_missing());
    KADENZA_TRY(auto certificate, authority_->certify(request, names, options_.clock->wall_now()));
    return WebCertificate{std::move(certificate), authority_->certificate()};
  };
  auto made = co_await core::run_on(owner_, std::move(sign));
  if (!made) co_return std::unexpected(std::move(made).error());
  co_return std::move(**made);
}

void WebIssuer::serve(peers::Handlers& handlers) {
  handlers.add<v1::CertifyWebRequest>(
      [this](peers::Caller, v1::CertifyWebRequest request) -> Task<Result<v1::CertifyWebReply>> {
        std::vector<std::string> names(request.names().begin(), request.names().end());
        auto made = co_await certify(request.certificate_request(), std::move(names));
        if (!made) co_return std::unexpected(std::move(made).error());
        v1::CertifyWebReply reply;
        reply.set_certificate(made->certificate.der());
        reply.set_authority(made->authority.der());
        co_return reply;
      });
}

}  // namespace kadenza::distributed::enrolment
