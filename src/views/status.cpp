// SPDX-License-Identifier: AGPL-3.0-or-later
// Health, readiness, metrics, and the page that tells a browser what this is.
#include "views/answer.hpp"
#include "views/handlers.hpp"
#include "views/network_metrics.hpp"

namespace kadenza::views {

namespace {

constexpr std::chrono::seconds kTotalsAge{10};

constexpr std::string_view kHomeEnglish = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Kadenza</title></head><body>
<h1>Kadenza</h1>
<p>This is a node of a music service without a centre, and it is running.</p>
<p>Use it from the command line:</p>
<pre>kadenza login
kadenza upload ~/Music
kadenza search WORDS
kadenza get ID -o - | ffplay -</pre>
<p>Programs speak to it under <code>/api/v1</code>; <code>docs/openapi.yaml</code> describes how.</p>
</body></html>
)";

constexpr std::string_view kHomeSpanish = R"(<!doctype html>
<html lang="es"><head><meta charset="utf-8"><title>Kadenza</title></head><body>
<h1>Kadenza</h1>
<p>Este es un nodo de un servicio de música sin centro, y está en marcha.</p>
<p>Úselo desde la línea de órdenes:</p>
<pre>kadenza login
kadenza upload ~/Música
kadenza search PALABRAS
kadenza get ID -o - | ffplay -</pre>
<p>Los programas le hablan en <code>/api/v1</code>; <code>docs/openapi.yaml</code> describe cómo.</p>
</body></html>
)";

/// The language that the browser names first decides; its weights are rarely set by hand.
bool prefers_spanish(std::string_view accept_language) {
  const auto spanish = accept_language.find("es");
  const auto english = accept_language.find("en");
  return spanish != std::string_view::npos && (english == std::string_view::npos || spanish < english);
}

Response plain(http::status status, std::string body) {
  auto response = text_response(status, "text/plain; charset=utf-8", std::move(body));
  response.add("Cache-Control", "no-store");
  return response;
}

}  // namespace

core::Task<Response> get_home(Environment&, Request& request) {
  const bool spanish = prefers_spanish(request.field(http::field::accept_language).value_or(""));
  auto response = text_response(http::status::ok, "text/html; charset=utf-8",
                                std::string(spanish ? kHomeSpanish : kHomeEnglish));
  response.add("Content-Language", spanish ? "es" : "en").add("Vary", "Accept-Language");
  co_return response;
}

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

}  // namespace kadenza::views
