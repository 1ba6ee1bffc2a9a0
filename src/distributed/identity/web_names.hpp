// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "distributed/identity/certificate.hpp"

namespace kadenza::distributed::identity {

/// Under how many names a node may be certified to browsers.
inline constexpr std::size_t kWebNamesMax = 64;

/// A host as people write it, in the form that certificates have: "Attic.Example" becomes "attic.example",
/// "[::1]" becomes "::1". kInvalidArgument: neither a DNS name (RFC 1123) nor an IP address.
core::Result<std::string> web_name(std::string_view text);

/// A name in that form is an IP address.
bool is_address(const std::string& name);

/// As the extension subjectAltName says it, for names in that form: "DNS:attic.example,IP:127.0.0.1".
std::string alternative_names(std::span<const std::string> names);

/// The DNS names and addresses for which a certificate is good.
std::vector<std::string> names_of(const Certificate& certificate);

}  // namespace kadenza::distributed::identity
