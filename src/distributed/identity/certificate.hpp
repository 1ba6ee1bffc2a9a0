// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "distributed/identity/node_key.hpp"

struct x509_st;

namespace kadenza::distributed::identity {

/// An X.509 certificate (RFC 5280): of a node, whose DNS name is its id, or of an authority. Immutable; any
/// thread.
class Certificate {
 public:
  /// kInvalidArgument: not one certificate.
  static core::Result<Certificate> from_pem(std::string_view pem);
  static core::Result<Certificate> from_der(std::string_view der);
  /// Takes the object over.
  explicit Certificate(x509_st* owned);

  std::string pem() const;
  std::string der() const;
  core::Digest fingerprint() const;  ///< SHA-256 of the DER form
  core::WallTime not_before() const;
  core::WallTime not_after() const;
  bool is_authority() const;
  bool signed_by(const Certificate& authority) const;

  /// The node that it names. kInvalidArgument: its name is not the hash of its key.
  core::Result<core::NodeId> node() const;

  x509_st* handle() const noexcept { return handle_.get(); }

 private:
  std::shared_ptr<x509_st> handle_;
};

/// Several certificates in one PEM text, at most 64. kInvalidArgument: none, or something else.
core::Result<std::vector<Certificate>> certificates_from_pem(std::string_view pem);

/// The node that `certificate` proves: named by the hash of its key, valid now, and signed by one of the
/// authorities. kForbidden says what is wrong.
core::Result<core::NodeId> check_certificate(const Certificate& certificate,
                                             std::span<const Certificate> authorities, core::WallTime now);

/// Asks an authority to certify `key` under its id (PKCS #10, DER). Signed with the key, which proves that
/// whoever asks has it.
core::Result<std::string> certificate_request(const NodeKey& key);

}  // namespace kadenza::distributed::identity
