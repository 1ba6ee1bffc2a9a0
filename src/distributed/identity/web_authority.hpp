// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "distributed/identity/certificate.hpp"

namespace kadenza::distributed::identity {

/// What an issuer certifies nodes with to browsers, and what listeners install on their devices: apart from
/// its Authority, so that nothing that a device trusts makes members, and limited (RFC 5280, name
/// constraints) to the names and addresses of private networks and to domains chosen when it is made, so that
/// it cannot speak for anything else on the Internet. P-256. Immutable; any thread.
class WebAuthority {
 public:
  static constexpr std::chrono::hours kAuthorityValidity{24 * 365 * 10};
  static constexpr std::chrono::hours kServerValidity{24 * 90};

  /// `domains`: names in web_name()'s form that may be certified, with all names below them, and addresses.
  static core::Result<WebAuthority> create(const core::NodeId& issuer, std::span<const std::string> domains,
                                           core::WallTime now);

  /// Key and certificate in one PEM text. kCorrupted.
  static core::Result<WebAuthority> parse(std::string_view pem);
  core::Result<std::string> pem() const;

  const Certificate& certificate() const noexcept { return certificate_; }
  bool permits(const std::string& name) const;

  /// A server's certificate for the key of `request` (WebKey::request()) and those of `names` that are
  /// permitted. kInvalidArgument: a request or a name that is none, or too many names. kForbidden: no name is
  /// permitted.
  core::Result<Certificate> certify(std::string_view request, std::span<const std::string> names,
                                    core::WallTime now) const;

 private:
  WebAuthority(std::shared_ptr<evp_pkey_st> key, Certificate certificate)
      : key_(std::move(key)), certificate_(std::move(certificate)) {}

  std::shared_ptr<evp_pkey_st> key_;
  Certificate certificate_;
};

/// The issuer whose web authority made this certificate, or is this certificate.
std::optional<core::NodeId> web_issuer(const Certificate& certificate);

}  // namespace kadenza::distributed::identity
