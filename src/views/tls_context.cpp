// SPDX-License-Identifier: AGPL-3.0-or-later
#include "views/tls_context.hpp"

#include <string>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "core/check.hpp"

namespace kadenza::views {

using core::Errc;
using core::fail;

namespace {

std::string last_tls_error() {
  char text[256] = "unknown error";
  if (const auto code = ERR_peek_last_error()) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return text;
}

int select_protocol(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* offered,
                    unsigned int offered_length, void*) {
  static constexpr unsigned char kHttp11[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_length, kHttp11, sizeof kHttp11 - 1, offered, offered_length) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

core::Result<std::shared_ptr<SSL_CTX>> make_tls_context(const TlsFiles& files) {
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return fail(Errc::kInternal, "TLS cannot be set up: " + last_tls_error());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                         SSL_OP_IGNORE_UNEXPECTED_EOF);
  // A write that has to be repeated is repeated from another buffer; idle connections hold none.
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_num_tickets(context.get(), 1);
  SSL_CTX_set_session_id_context(context.get(), reinterpret_cast<const unsigned char*>("kadenza"), 7);
  SSL_CTX_set_alpn_select_cb(context.get(), select_protocol, nullptr);

  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1)
    return fail(Errc::kInvalidArgument,
                "The TLS certificate " + files.certificate.string() + " cannot be used: " + last_tls_error());
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1)
    return fail(Errc::kInvalidArgument,
                "The TLS key " + files.key.string() + " cannot be used: " + last_tls_error());
  return context;
}

std::time_t certificate_end(SSL_CTX& context) {
  std::tm parts{};
  const X509* certificate = SSL_CTX_get0_certificate(&context);
  KADENZA_CHECK(certificate != nullptr && ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) == 1);
  return ::timegm(&parts);
}

}  // namespace kadenza::views
