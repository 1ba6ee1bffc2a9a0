// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "distributed/identity/certificate.hpp"

namespace kadenza::distributed::identity {

/// What an issuer has beyond other members: an Ed25519 key and its self-signed certificate, with which it
/// certifies nodes. Every issuer has its own, made by itself, so that the key never travels; members trust
/// those that the cluster document lists. Immutable; any thread.
class Authority {
 public:
  static constexpr std::chrono::hours kNodeValidity{24 * 365};
  static constexpr std::chrono::hours kAuthorityValidity{24 * 365 * 30};

  static core::Result<Authority> create(core::WallTime now);

  /// Key and certificate in one PEM text. kCorrupted.
  static core::Result<Authority> parse(std::string_view pem);
  core::Result<std::string> pem() const;
  /// The authority in `file`, which only its owner may read; nothing without the file. Blocking. As
  /// read_secret_file(); kCorrupted.
  static core::Result<std::optional<Authority>> load(const std::filesystem::path& file);

  const Certificate& certificate() const noexcept { return certificate_; }

  /// Which node asks. kInvalidArgument: not a request, not signed with the key that it names, or it asks for
  /// a name that is not the hash of that key.
  static core::Result<core::NodeId> requester(std::string_view request);

  /// A certificate for the node that made `request` (see certificate_request()). As requester().
  core::Result<Certificate> certify(std::string_view request, core::WallTime now) const;

 private:
  Authority(std::shared_ptr<evp_pkey_st> key, Certificate certificate)
      : key_(std::move(key)), certificate_(std::move(certificate)) {}

  std::shared_ptr<evp_pkey_st> key_;
  Certificate certificate_;
};

/// The certificate ends soon: two thirds of its time are over.
bool due_for_renewal(const Certificate& certificate, core::WallTime now);

}  // namespace kadenza::distributed::identity
