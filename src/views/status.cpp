// SPDX-License-Identifier: AGPL-3.0-or-later
// Health, readiness, metrics, and the authority that listeners install.
#include "views/answer.hpp"
#include "views/handlers.hpp"
#include "views/network_metrics.hpp"

namespace kadenza::views {

namespace {

constexpr std::chrono::seconds kTotalsAge{10};

Response plain(http::status status, std::string body) {
  auto response = text_response(status, "text/plain; charset=utf-8", std::move(body));
  response.add("Cache-Control", "no-store");
  return response;
}

}  // namespace

core::Task<Response> get_health(Environment&, Request&) {
  co_return plain(http::status::ok, "ok\n");
}

core::Task<Response> get_readiness(Environment& environment, Request&) {
  if (environment.ready && !environment.stopping) co_return plain(http::status::ok, "ready\n");
  co_return problem({core::Errc::kUnavailable, "The node is starting or stopping."});
}

core::Task<Response> get_metrics(Environment& environment, Request& request) {
  if (environment.metrics.totals_due(std::chrono::steady_clock::now(), kTotalsAge)) {
    const auto totals = co_await environment.library.totals(request.deadline);
    if (totals) environment.metrics.set_totals(*totals);
  }
  std::string text = environment.metrics.text();
  if (environment.network != nullptr) {
    const auto network = co_await environment.network->snapshot(request.deadline);
    if (network) text += metrics_text(*network);
  }
  auto response =
      text_response(http::status::ok, "text/plain; version=0.0.4; charset=utf-8", std::move(text));
  response.add("Cache-Control", "no-store");
  co_return response;
}

core::Task<Response> get_web_authority(Environment& environment, Request&) {
  std::string pem = environment.web_authority ? environment.web_authority() : std::string();
  if (pem.empty()) {
    co_return problem({core::Errc::kNotFound,
                       "This node has no certificate of the cluster's web authority: it was not started with "
                       "--https."});
  }
  auto response = text_response(http::status::ok, "application/x-x509-ca-cert", std::move(pem));
  response.add("Cache-Control", "no-cache");
  response.add("Content-Disposition", "attachment; filename=\"kadenza-ca.pem\"");
  co_return response;
}

}  // namespace kadenza::views
