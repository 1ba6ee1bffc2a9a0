// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/tls/peer_check.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "distributed/rpc/tls/tls_engine.hpp"

namespace kadenza::distributed::rpc::tls {
namespace {

struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_free(stack); }
};
using Stack = std::unique_ptr<STACK_OF(X509), FreeStack>;

identity::Certificate shared(X509* certificate) {
  X509_up_ref(certificate);
  return identity::Certificate(certificate);
}

/// Those of the other side's certificates that are the authority whose fingerprint we were given.
Stack trusted_by_fingerprint(X509_STORE_CTX* store, const core::Digest& authority) {
  Stack trusted(sk_X509_new_null());
  auto* sent = X509_STORE_CTX_get0_untrusted(store);
  for (int i = 0; i < sk_X509_num(sent); ++i) {
    auto* certificate = sk_X509_value(sent, i);
    if (shared(certificate).fingerprint() == authority) sk_X509_push(trusted.get(), certificate);
  }
  return trusted;
}

Refusal refusal_of_chain(int error) {
  return error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID
             ? Refusal::kExpired
             : Refusal::kUnknownAuthority;
}

std::optional<Refusal> check_id(PeerCheck& check, X509* certificate) {
  const auto id = shared(certificate).node();
  if (!id || (check.wanted && *check.wanted != *id)) return Refusal::kWrongId;
  if (check.identity != nullptr && !check.identity->is_member(*id)) return Refusal::kRemoved;
  check.id = *id;
  return std::nullopt;
}

PeerCheck& check_of(const SSL* ssl) {
  return *static_cast<PeerCheck*>(SSL_get_app_data(ssl));
}

int verify(X509_STORE_CTX* store, void*) {
  const auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto& check = check_of(ssl);
  Stack trusted;
  if (check.authority) {
    trusted = trusted_by_fingerprint(store, *check.authority);
    X509_STORE_CTX_set0_trusted_stack(store, trusted.get());
  }
  if (X509_verify_cert(store) != 1) {
    check.refusal = refusal_of_chain(X509_STORE_CTX_get_error(store));
    return 0;
  }
  check.refusal = check_id(check, X509_STORE_CTX_get0_cert(store));
  if (!check.refusal) return 1;
  X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

int on_server_name(SSL* ssl, int* alert, void*) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr || name != kJoinServerName) return SSL_TLSEXT_ERR_OK;
  auto& check = check_of(ssl);
  check.joining = true;
  if (!check.may_join) {
    check.refusal = Refusal::kNotJoining;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  SSL_set_verify(ssl, SSL_VERIFY_NONE, nullptr);
  // Who joins knows an authority by its fingerprint only.
  for (const auto& authority : check.contexts->authorities) SSL_add1_chain_cert(ssl, authority.handle());
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

void attach(PeerCheck& check, TlsEngine& engine) {
  SSL_set_app_data(engine.ssl(), &check);
  if (check.authority) SSL_set_tlsext_host_name(engine.ssl(), kJoinServerName.data());
}

void install_client_check(SSL_CTX& context) {
  SSL_CTX_set_verify(&context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(&context, verify, nullptr);
}

void install_server_check(SSL_CTX& context) {
  SSL_CTX_set_verify(&context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(&context, verify, nullptr);
  SSL_CTX_set_tlsext_servername_callback(&context, on_server_name);
}

Refusal refusal_of_failure(const PeerCheck& check) {
  if (check.refusal) return *check.refusal;
  switch (ERR_GET_REASON(ERR_peek_error())) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return Refusal::kOldTls;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return Refusal::kNoCertificate;
    default:
      return Refusal::kBadHandshake;
  }
}

std::string_view describe(Refusal reason) noexcept {
  switch (reason) {
    case Refusal::kPlainText:
      return "it does not speak TLS";
    case Refusal::kOldTls:
      return "it does not speak TLS 1.3";
    case Refusal::kNoCertificate:
      return "it shows no certificate";
    case Refusal::kUnknownAuthority:
      return "its certificate is not of this cluster";
    case Refusal::kExpired:
      return "its certificate is not valid at this time";
    case Refusal::kWrongId:
      return "it is another node than the one that was wanted";
    case Refusal::kRemoved:
      return "it is not a member of this cluster (any more)";
    case Refusal::kNotJoining:
      return "nobody can join there";
    case Refusal::kBadHandshake:
      return "TLS could not be agreed on";
    case Refusal::kHandshakeTimeout:
      return "it did not answer in time";
    case Refusal::kOverLimit:
      return "too many connections are open";
    case Refusal::kProtocol:
      return "it does not keep to HTTP/2";
  }
  return "";
}

}  // namespace kadenza::distributed::rpc::tls
