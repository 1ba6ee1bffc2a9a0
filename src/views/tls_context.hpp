// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <ctime>
#include <memory>

#include <openssl/types.h>

#include "core/error.hpp"
#include "views/http_options.hpp"

namespace kadenza::views {

/// TLS for browsers and players: 1.3 and 1.2 with forward secrecy, HTTP/1.1 by ALPN. Errors name the file.
core::Result<std::shared_ptr<SSL_CTX>> make_tls_context(const TlsFiles& files);

/// When the certificate in use expires.
std::time_t certificate_end(SSL_CTX& context);

}  // namespace kadenza::views
