// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/web_authority.hpp"

#include <array>

#include <fmt/format.h>
#include <openssl/x509v3.h>

#include "distributed/identity/certificate_maker.hpp"
#include "distributed/identity/web_names.hpp"

namespace kadenza::distributed::identity {
namespace {

using core::Errc;
using core::fail;

using Constraints = std::unique_ptr<NAME_CONSTRAINTS, FreeWith<NAME_CONSTRAINTS_free>>;

/// Nobody on the Internet has these: RFC 1918, 3927, 4193, 4291, 6598, 6761, 6762, 8375 and what home routers
/// use.
constexpr std::string_view kPrivate =
    "critical,"
    "permitted;IP:127.0.0.0/255.0.0.0,permitted;IP:10.0.0.0/255.0.0.0,permitted;IP:172.16.0.0/255.240.0.0,"
    "permitted;IP:192.168.0.0/255.255.0.0,permitted;IP:169.254.0.0/255.255.0.0,"
    "permitted;IP:100.64.0.0/255.192.0.0,"
    "permitted;IP:::1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,permitted;IP:fc00::/fe00::,"
    "permitted;IP:fe80::/ffc0::,"
    "permitted;DNS:localhost,permitted;DNS:local,permitted;DNS:lan,permitted;DNS:home,"
    "permitted;DNS:internal,permitted;DNS:home.arpa,permitted;DNS:test";

std::string constraints(std::span<const std::string> domains) {
  std::string text(kPrivate);
  for (const std::string& domain : domains) {
    if (!is_address(domain)) {
      text += ",permitted;DNS:" + domain;
    } else if (domain.find(':') == std::string::npos) {
      text += ",permitted;IP:" + domain + "/255.255.255.255";
    } else {
      text += ",permitted;IP:" + domain + "/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    }
  }
  return text;
}

bool add_issuer(X509_NAME* name, const core::NodeId& issuer) {
  const std::string id = issuer.text();
  return X509_NAME_add_entry_by_NID(name, NID_serialNumber, MBSTRING_ASC,
                                    reinterpret_cast<const unsigned char*>(id.data()),
                                    static_cast<int>(id.size()), -1, 0) == 1;
}

core::Result<std::vector<std::string>> checked(std::span<const std::string> names) {
  if (names.empty() || names.size() > kWebNamesMax) {
    return fail(Errc::kInvalidArgument,
                fmt::format("a node is certified under 1 to {} names, not {}", kWebNamesMax, names.size()));
  }
  std::vector<std::string> good;
  for (const std::string& name : names) {
    KADENZA_TRY(std::string one, web_name(name));
    good.push_back(std::move(one));
  }
  return good;
}

}  // namespace

core::Result<WebAuthority> WebAuthority::create(const core::NodeId& issuer,
                                                std::span<const std::string> domains, core::WallTime now) {
  std::shared_ptr<EVP_PKEY> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), EVP_PKEY_free);
  if (!key) return openssl_failed();
  auto made =
      begin_certificate(key.get(), "Kadenza web " + issuer.text().substr(0, 10), now, kAuthorityValidity);
  if (!made || !add_issuer(X509_get_subject_name(made.get()), issuer) ||
      X509_set_issuer_name(made.get(), X509_get_subject_name(made.get())) != 1 ||
      !add_extension(made.get(), made.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(made.get(), made.get(), NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(made.get(), made.get(), NID_ext_key_usage, "serverAuth") ||
      !add_extension(made.get(), made.get(), NID_name_constraints, constraints(domains)) ||
      !add_extension(made.get(), made.get(), NID_subject_key_identifier, "hash") ||
      X509_sign(made.get(), key.get(), EVP_sha256()) == 0) {
    return openssl_failed();
  }
  return WebAuthority(std::move(key), Certificate(made.release()));
}

core::Result<WebAuthority> WebAuthority::parse(std::string_view pem) {
  KADENZA_TRY(KeyAndCertificate parsed, parse_authority(pem));
  return WebAuthority(std::move(parsed.key), Certificate(parsed.certificate.release()));
}

core::Result<std::string> WebAuthority::pem() const {
  return key_and_certificate_pem(key_.get(), certificate_.pem());
}

bool WebAuthority::permits(const std::string& name) const {
  const Constraints limits(static_cast<NAME_CONSTRAINTS*>(
      X509_get_ext_d2i(certificate_.handle(), NID_name_constraints, nullptr, nullptr)));
  const X509Handle probe(X509_new());
  if (!limits || !probe ||
      !add_extension(probe.get(), probe.get(), NID_subject_alt_name, alternative_names({&name, 1}))) {
    return false;
  }
  X509_check_purpose(probe.get(), -1, 0);  // reads the extensions; the next compares only what has been read
  return NAME_CONSTRAINTS_check(probe.get(), limits.get()) == X509_V_OK;
}

core::Result<Certificate> WebAuthority::certify(std::string_view request, std::span<const std::string> names,
                                                core::WallTime now) const {
  KADENZA_TRY(const RequestHandle parsed, parse_request(request));
  EVP_PKEY* const key = X509_REQ_get0_pubkey(parsed.get());
  if (key == nullptr || X509_REQ_verify(parsed.get(), key) != 1) {
    return fail(Errc::kInvalidArgument, "the certificate request is not signed with the key that it names");
  }
  KADENZA_TRY(std::vector<std::string> good, checked(names));
  std::erase_if(good, [this](const std::string& name) { return !permits(name); });
  if (good.empty()) {
    return fail(Errc::kForbidden, "the web authority may certify none of these names: " +
                                      fmt::format("{}", fmt::join(names, ", ")));
  }
  auto made = begin_certificate(key, "Kadenza node", now, kServerValidity);
  X509* const issuer = certificate_.handle();
  if (!made || X509_set_issuer_name(made.get(), X509_get_subject_name(issuer)) != 1 ||
      !add_extension(made.get(), issuer, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(made.get(), issuer, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(made.get(), issuer, NID_ext_key_usage, "serverAuth") ||
      !add_extension(made.get(), issuer, NID_subject_alt_name, alternative_names(good)) ||
      !add_extension(made.get(), issuer, NID_authority_key_identifier, "keyid:always") ||
      X509_sign(made.get(), key_.get(), EVP_sha256()) == 0) {
    return openssl_failed();
  }
  return Certificate(made.release());
}

std::optional<core::NodeId> web_issuer(const Certificate& certificate) {
  std::array<char, 128> text{};
  const int size = X509_NAME_get_text_by_NID(X509_get_issuer_name(certificate.handle()), NID_serialNumber,
                                             text.data(), text.size());
  if (size <= 0) return std::nullopt;
  return core::NodeId::parse(std::string_view(text.data(), static_cast<std::size_t>(size)));
}

}  // namespace kadenza::distributed::identity
