// SPDX-License-Identifier: AGPL-3.0-or-later
#include "app/https.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "app/machine_addresses.hpp"
#include "core/blocking.hpp"
#include "distributed/enrolment/standing.hpp"
#include "distributed/identity/web_names.hpp"

namespace kadenza::app {
namespace {

namespace asio = boost::asio;
namespace enrolment = distributed::enrolment;
namespace identity = distributed::identity;
namespace json = boost::json;
using core::Errc;
using core::Result;
using core::Task;

constexpr std::chrono::seconds kWatchEvery{5};
constexpr std::chrono::hours kRenewEvery{1};
constexpr std::chrono::seconds kRetry{1};
constexpr std::chrono::seconds kIssuerPatience{30};

std::string written(core::WallTime time) {
  return fmt::format("{:%Y-%m-%d %H:%M} UTC", std::chrono::floor<std::chrono::seconds>(time));
}

/// As browsers show it: "3F:A0:…".
std::string written(const core::Digest& fingerprint) {
  return fmt::format("{:02X}", fmt::join(fingerprint.bytes, ":"));
}

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (names.size() < identity::kWebNamesMax && std::ranges::find(names, name) == names.end()) {
    names.push_back(name);
  }
}

struct Names {
  std::vector<std::string> required;
  std::vector<std::string> welcome;
};

/// What people named is required; otherwise the addresses that are listened on. This machine's other names
/// and addresses are welcome.
Result<Names> names_of(const interface::ServeOptions& options) {
  Names names;
  for (const std::string& text : options.https_names) {
    KADENZA_TRY(const std::string name, identity::web_name(text));
    add_once(names.required, name);
  }
  if (options.public_url && options.public_url->url.starts_with("https:")) {
    KADENZA_TRY(const std::string name, identity::web_name(options.public_url->host));
    add_once(names.required, name);
  }
  const bool named = !names.required.empty();
  for (const auto& listen : options.http) {
    boost::system::error_code is_a_name;
    const auto address = asio::ip::make_address(listen.host, is_a_name);
    if (!is_a_name && address.is_unspecified()) {
      for (const auto& one : machine_addresses(address.is_v6())) add_once(names.welcome, one.to_string());
      continue;
    }
    KADENZA_TRY(const std::string name, identity::web_name(listen.host));
    add_once(named ? names.welcome : names.required, name);
  }
  for (const char* name : {"localhost", "127.0.0.1", "::1"}) add_once(names.welcome, name);
  if (const auto machine = identity::web_name(enrolment::machine_name())) {
    add_once(names.welcome, *machine);
    add_once(names.welcome, *machine + ".local");
  }
  return names;
}

bool may_pass(const core::Error& error) {
  return error.code == Errc::kUnavailable || error.code == Errc::kDeadlineExceeded;
}

}  // namespace

Result<std::vector<std::string>> web_domains(const interface::ServeOptions& options) {
  std::vector<std::string> domains;
  for (const std::string& text : options.https_domains) {
    KADENZA_TRY(std::string domain, identity::web_name(text));
    domains.push_back(std::move(domain));
  }
  return domains;
}

Https::Https(Options options) : options_(std::move(options)), loops_(asio::make_strand(options_.io)) {}

Result<std::unique_ptr<Https>> Https::open(Options options) {
  std::unique_ptr<Https> made(new Https(std::move(options)));
  if (made->options_.serve.https) KADENZA_TRY_VOID(made->set_up_own());
  return made;
}

Result<void> Https::set_up_own() {
  const enrolment::IdentityFiles files(options_.serve.data);
  KADENZA_TRY(auto names, names_of(options_.serve));
  auto sources = options_.sources;
  if (!sources) {
    KADENZA_TRY(auto domains, web_domains(options_.serve));
    // A node alone has no id; its authority needs none to be told from others, having a key of its own.
    alone_ = std::make_unique<enrolment::WebIssuer>(enrolment::WebIssuer::Options{
        .self = {},
        .file = files.web_authority,
        .domains = std::move(domains),
        .check_issuer = []() -> Task<Result<void>> { co_return Result<void>(); },
        .blocking = options_.blocking,
        .clock = options_.clock});
    KADENZA_TRY_VOID(alone_->load());
    sources = [this] { return std::vector{enrolment::own_source({}, *alone_)}; };
  }
  own_ = std::make_unique<enrolment::WebCertificates>(
      enrolment::WebCertificates::Options{.files = files,
                                          .required = std::move(names.required),
                                          .welcome = std::move(names.welcome),
                                          .sources = std::move(sources),
                                          .blocking = options_.blocking,
                                          .clock = options_.clock});
  return {};
}

Task<Result<void>> Https::prepare() {
  if (!own_) co_return Result<void>();
  asio::steady_timer timer(co_await asio::this_coro::executor);
  const auto deadline = std::chrono::steady_clock::now() + kIssuerPatience;
  auto refreshed = co_await own_->refresh();
  while (!refreshed && may_pass(refreshed.error()) && !own_->current() &&
         std::chrono::steady_clock::now() < deadline) {
    timer.expires_after(kRetry);
    co_await timer.async_wait(asio::use_awaitable);
    refreshed = co_await own_->refresh();
  }
  const auto held = own_->current();
  if (!refreshed && (!held || !may_pass(refreshed.error()))) {
    co_return core::fail(refreshed.error().code,
                         "There is no certificate for --https: " + refreshed.error().detail + ".");
  }
  if (!refreshed) spdlog::warn("the certificate for https is not renewed: {}", refreshed.error().detail);
  spdlog::info("https is certified for {} until {}", fmt::join(identity::names_of(held->certificate), ", "),
               written(held->certificate.not_after()));
  co_return Result<void>();
}

std::optional<views::TlsFiles> Https::files() const {
  const auto& serve = options_.serve;
  if (own_) {
    const enrolment::IdentityFiles files(serve.data);
    return views::TlsFiles{files.web_certificate, files.web_key};
  }
  if (!serve.tls_certificate) return std::nullopt;
  return views::TlsFiles{*serve.tls_certificate, *serve.tls_key};
}

std::string Https::authority() const {
  const auto held = own_ ? own_->current() : std::nullopt;
  return held ? held->authority.pem() : std::string();
}

Result<json::value> Https::describe() const {
  const auto held = own_ ? own_->current() : std::nullopt;
  if (!held) {
    return core::fail(Errc::kNotFound,
                      "This node has no certificate of the cluster's web authority. Start it with --https.");
  }
  json::array names;
  for (const std::string& name : identity::names_of(held->certificate)) names.emplace_back(name);
  return json::value{{"pem", held->authority.pem()},
                     {"fingerprint", written(held->authority.fingerprint())},
                     {"expires", written(held->authority.not_after())},
                     {"expires_ms", held->authority.not_after().time_since_epoch().count()},
                     {"certificate",
                      {{"names", std::move(names)},
                       {"fingerprint", written(held->certificate.fingerprint())},
                       {"expires", written(held->certificate.not_after())},
                       {"expires_ms", held->certificate.not_after().time_since_epoch().count()}}}};
}

/// Differs when the files do, also behind links that point elsewhere now.
std::string Https::state_of_files() const {
  std::string state;
  const auto now_used = files();
  for (const auto& file : {now_used->certificate, now_used->key}) {
    std::error_code gone;
    const auto changed = std::filesystem::last_write_time(file, gone);
    const auto real = std::filesystem::canonical(file, gone);
    state += fmt::format("{} {}\n", real.string(), changed.time_since_epoch().count());
  }
  return state;
}

void Https::keep(std::function<Result<void>()> reload) {
  if (!files()) return;
  loops_.spawn([this, reload = std::move(reload)] { return watch(reload); });
  if (own_) loops_.spawn([this] { return renew(); });
}

Task<void> Https::watch(std::function<Result<void>()> reload) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  const auto look = [this] { return state_of_files(); };
  std::string seen = co_await core::run_on(options_.blocking, look);
  while (true) {
    timer.expires_after(kWatchEvery);
    co_await timer.async_wait(asio::use_awaitable);
    std::string state = co_await core::run_on(options_.blocking, look);
    if (state == seen) continue;
    seen = std::move(state);
    auto reloaded = co_await core::run_on(options_.blocking, reload);
    if (reloaded) {
      spdlog::info("the certificate has changed and was read again");
    } else {
      spdlog::warn("the certificate has changed, the old one stays in use: {}", reloaded.error().detail);
    }
  }
}

Task<void> Https::renew() {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (true) {
    timer.expires_after(kRenewEvery);
    co_await timer.async_wait(asio::use_awaitable);
    auto refreshed = co_await own_->refresh();
    if (!refreshed) spdlog::warn("the certificate for https is not renewed: {}", refreshed.error().detail);
  }
}

Task<void> Https::stop() {
  return loops_.stop();
}

}  // namespace kadenza::app
