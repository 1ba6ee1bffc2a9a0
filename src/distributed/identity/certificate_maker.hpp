// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "distributed/identity/openssl.hpp"

namespace kadenza::distributed::identity {

/// The steps of making X.509 certificates, for the authorities of this folder.

inline constexpr std::chrono::hours kClockSkew{1};  ///< certificates begin this much before they are made

std::unexpected<core::Error> openssl_failed();

/// Adds a common name.
bool set_common_name(X509_NAME* name, const std::string& text);

/// `value` as openssl.cnf writes it: "critical,CA:FALSE".
bool add_extension(X509* certificate, X509* issuer, int kind, const std::string& value);

/// What all certificates have, with a random serial number; without issuer, extensions and signature. Null
/// when OpenSSL fails.
X509Handle begin_certificate(EVP_PKEY* key, const std::string& name, core::WallTime now,
                             std::chrono::hours validity);

/// A request (PKCS #10, DER). kTooLarge, kInvalidArgument: none. Whether its signature fits its key is not
/// checked.
core::Result<RequestHandle> parse_request(std::string_view der);
/// The request's bytes. kInternal.
core::Result<std::string> request_der(X509_REQ* request);

/// Key and certificate in one PEM text, the key not encrypted.
core::Result<std::string> key_and_certificate_pem(EVP_PKEY* key, std::string_view certificate);

struct KeyAndCertificate {
  std::shared_ptr<EVP_PKEY> key;
  X509Handle certificate;
};

/// Such a text of an authority. kCorrupted: anything else.
core::Result<KeyAndCertificate> parse_authority(std::string_view pem);

}  // namespace kadenza::distributed::identity
