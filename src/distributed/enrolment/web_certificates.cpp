// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/enrolment/web_certificates.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/blocking.hpp"
#include "core/replace_file.hpp"
#include "distributed/identity/secret_file.hpp"
#include "distributed/identity/web_names.hpp"

namespace kadenza::distributed::enrolment {

using core::Errc;
using core::fail;
using core::Result;
using core::Task;
using identity::Certificate;

namespace {

constexpr double kRenewAfter = 2.0 / 3;   ///< of its time: the first issuer is asked
constexpr double kUrgentAfter = 5.0 / 6;  ///< the others, too, though listeners need their authorities then

bool signed_by_one_of(const WebCertificate& held, const std::vector<WebSource>& sources) {
  const auto issuer = identity::web_issuer(held.certificate);
  return std::ranges::any_of(sources, [&](const auto& source) { return source.issuer == issuer; });
}

}  // namespace

WebCertificates::WebCertificates(Options options) : options_(std::move(options)) {}

std::optional<WebCertificate> WebCertificates::current() const {
  const std::lock_guard lock(mutex_);
  return held_;
}

Result<void> WebCertificates::load() {
  KADENZA_TRY(const auto key, identity::read_secret_file(options_.files.web_key));
  KADENZA_TRY(const auto chain, identity::read_secret_file(options_.files.web_certificate));
  if (!key || !chain) return {};
  const auto parsed = identity::WebKey::parse(*key);
  const auto certificates = identity::certificates_from_pem(*chain);
  // A crash between the writing of the two leaves ones that do not fit: they are made again.
  if (!parsed || !certificates || certificates->size() != 2 || !parsed->belongs_to(certificates->front())) {
    return {};
  }
  const std::lock_guard lock(mutex_);
  held_ = WebCertificate{certificates->front(), certificates->back()};
  return {};
}

bool WebCertificates::good_until(const WebCertificate& held, double part_of_time) const {
  const auto now = options_.clock->wall_now();
  const auto begin = held.certificate.not_before();
  const auto whole = std::chrono::duration<double>(held.certificate.not_after() - begin);
  return now >= begin && std::chrono::duration<double>(now - begin) < whole * part_of_time;
}

std::vector<std::string> WebCertificates::missing(const Certificate& certificate) const {
  const auto named = identity::names_of(certificate);
  std::vector<std::string> result;
  std::ranges::copy_if(options_.required, std::back_inserter(result), [&](const std::string& name) {
    return std::ranges::find(named, name) == named.end();
  });
  return result;
}

Result<void> WebCertificates::take(WebCertificate fresh, const identity::WebKey& key) {
  if (!key.belongs_to(fresh.certificate) || !fresh.certificate.signed_by(fresh.authority)) {
    return fail(Errc::kUnavailable, "the issuer answered with a certificate that does not fit");
  }
  if (const auto left_out = missing(fresh.certificate); !left_out.empty()) {
    return fail(
        Errc::kForbidden,
        fmt::format("the cluster's web authority may not certify {}. It certifies names and addresses of "
                    "private networks, and the domains that were given to the issuer by --https-domain "
                    "before it made the first certificate. For a public name use a certificate of a "
                    "public authority: --tls-cert and --tls-key (docs/https.md)",
                    fmt::join(left_out, ", ")));
  }
  KADENZA_TRY(const std::string key_pem, key.pem());
  KADENZA_TRY_VOID(core::replace_file(options_.files.web_key, key_pem, 0600));
  KADENZA_TRY_VOID(core::replace_file(options_.files.web_certificate,
                                      fresh.certificate.pem() + fresh.authority.pem(), 0600));
  const std::lock_guard lock(mutex_);
  held_ = std::move(fresh);
  return {};
}

Task<Result<void>> WebCertificates::ask(const WebSource& source) {
  KADENZA_CO_TRY(auto key, identity::WebKey::generate());
  KADENZA_CO_TRY(std::string request, key.request());
  std::vector<std::string> names = options_.required;
  names.insert(names.end(), options_.welcome.begin(), options_.welcome.end());
  auto fresh = co_await source.certify(std::move(request), std::move(names));
  if (!fresh) co_return std::unexpected(std::move(fresh).error());
  auto keep = [this, fresh = std::move(*fresh), key = std::move(key)] { return take(fresh, key); };
  co_return co_await core::run_on(options_.blocking, std::move(keep));
}

Task<Result<void>> WebCertificates::refresh() {
  if (!current()) {
    auto read = [this] { return load(); };
    auto loaded = co_await core::run_on(options_.blocking, std::move(read));
    if (!loaded) co_return loaded;
  }
  const auto sources = options_.sources();
  const auto held = current();
  const bool usable = held && missing(held->certificate).empty() && signed_by_one_of(*held, sources);
  if (usable && good_until(*held, kRenewAfter)) co_return Result<void>();
  const bool urgent = !usable || !good_until(*held, kUrgentAfter);
  Result<void> asked = fail(Errc::kUnavailable, "no issuer is known that could certify this node");
  for (const WebSource& source : sources) {
    asked = co_await ask(source);
    if (asked || !urgent) break;
  }
  co_return asked;
}

}  // namespace kadenza::distributed::enrolment
