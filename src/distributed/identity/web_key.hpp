// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "distributed/identity/certificate.hpp"

namespace kadenza::distributed::identity {

/// The key pair with which a node proves itself to browsers: P-256, because they take no Ed25519. Apart from
/// the node's own key. Immutable; any thread.
class WebKey {
 public:
  static core::Result<WebKey> generate();
  /// PKCS #8, PEM. kCorrupted: anything else.
  static core::Result<WebKey> parse(std::string_view pem);

  core::Result<std::string> pem() const;
  /// Asks for a certificate (PKCS #10, DER), signed with the key.
  core::Result<std::string> request() const;
  bool belongs_to(const Certificate& certificate) const;

 private:
  explicit WebKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}

  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace kadenza::distributed::identity
