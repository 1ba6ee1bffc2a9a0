// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/tls/tls_identity.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "distributed/rpc/tls/peer_check.hpp"

namespace kadenza::distributed::rpc::tls {

using core::Errc;
using core::fail;

namespace {

constexpr std::string_view kProtocol = "\x02h2";
/// AES with 128 bits first: a fifth faster than with 256, and as out of reach.
constexpr const char* kCiphers = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

using Certificates = std::vector<identity::Certificate>;
using Context = std::shared_ptr<SSL_CTX>;

std::string last_error() {
  char text[256] = "unknown error";
  if (const auto code = ERR_peek_last_error()) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return text;
}

core::Result<Certificates> parse(std::string_view pem, std::string_view what) {
  auto list = identity::certificates_from_pem(pem);
  if (!list) return fail(Errc::kInvalidArgument, std::string(what) + " cannot be read.");
  return list;
}

int select_protocol(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* offered,
                    unsigned offered_length, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_length, reinterpret_cast<const unsigned char*>(kProtocol.data()),
                            static_cast<unsigned>(kProtocol.size()), offered,
                            offered_length) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

core::Result<Context> make_context(const SSL_METHOD* method) {
  Context context(SSL_CTX_new(method), SSL_CTX_free);
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_ciphersuites(context.get(), kCiphers) != 1)
    return fail(Errc::kInternal, "TLS cannot be set up: " + last_error());
  // Nobody resumes: every connection proves its ids again, so that removal holds from the next one on.
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  return context;
}

core::Result<Context> make_client_context() {
  KADENZA_TRY(auto context, make_context(TLS_client_method()));
  SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>(kProtocol.data()),
                          static_cast<unsigned>(kProtocol.size()));
  install_client_check(*context);
  return context;
}

core::Result<Context> make_server_context() {
  KADENZA_TRY(auto context, make_context(TLS_server_method()));
  SSL_CTX_set_alpn_select_cb(context.get(), select_protocol, nullptr);
  install_server_check(*context);
  return context;
}

core::Result<void> equip(SSL_CTX& context, EVP_PKEY& key, const Certificates& own,
                         const Certificates& authorities) {
  bool good = SSL_CTX_use_certificate(&context, own.front().handle()) == 1 &&
              SSL_CTX_use_PrivateKey(&context, &key) == 1;
  for (std::size_t i = 1; good && i < own.size(); ++i)
    good = SSL_CTX_add1_chain_cert(&context, own[i].handle()) == 1;
  auto* store = SSL_CTX_get_cert_store(&context);
  for (std::size_t i = 0; good && i < authorities.size(); ++i)
    good = X509_STORE_add_cert(store, authorities[i].handle()) == 1;
  if (!good) return fail(Errc::kInvalidArgument, "The node's certificate cannot be used: " + last_error());
  return {};
}

core::Result<void> check_signed(SSL_CTX& context, const Certificates& own) {
  const std::unique_ptr<X509_STORE_CTX, void (*)(X509_STORE_CTX*)> store(X509_STORE_CTX_new(),
                                                                         X509_STORE_CTX_free);
  STACK_OF(X509)* intermediate = nullptr;
  SSL_CTX_get0_chain_certs(&context, &intermediate);
  X509_STORE_CTX_init(store.get(), SSL_CTX_get_cert_store(&context), own.front().handle(), intermediate);
  // An expired certificate is told to those who call, and renewed; it must not keep a node from starting.
  X509_STORE_CTX_set_flags(store.get(), X509_V_FLAG_NO_CHECK_TIME);
  if (X509_verify_cert(store.get()) == 1) return {};
  return fail(Errc::kInvalidArgument,
              std::string("The node's certificate is not of one of the cluster's authorities: ") +
                  X509_verify_cert_error_string(X509_STORE_CTX_get_error(store.get())) + ".");
}

}  // namespace

TlsIdentity::TlsIdentity(const identity::NodeKey& key, IsMember is_member)
    : id_(key.id()), key_(key.handle(), EVP_PKEY_free), is_member_(std::move(is_member)) {
  EVP_PKEY_up_ref(key_.get());
}

core::Result<std::shared_ptr<TlsIdentity>> TlsIdentity::create(const identity::NodeKey& key,
                                                               const Credentials& credentials,
                                                               IsMember is_member) {
  const std::shared_ptr<TlsIdentity> made(new TlsIdentity(key, std::move(is_member)));
  KADENZA_TRY_VOID(made->replace(credentials));
  return made;
}

core::Result<void> TlsIdentity::replace(const Credentials& credentials) {
  KADENZA_TRY(auto contexts, make(credentials));
  const std::lock_guard lock(mutex_);
  contexts_ = std::move(contexts);
  return {};
}

std::shared_ptr<const TlsContexts> TlsIdentity::contexts() const {
  const std::lock_guard lock(mutex_);
  return contexts_;
}

core::Result<std::shared_ptr<const TlsContexts>> TlsIdentity::make(const Credentials& credentials) const {
  KADENZA_TRY(const auto own, parse(credentials.certificate, "The node's certificate"));
  KADENZA_TRY(auto authorities, parse(credentials.authorities, "The certificate of the cluster's authority"));
  if (own.front().node() != id_)
    return fail(Errc::kInvalidArgument, "The node's certificate is not for this node's key and id.");
  KADENZA_TRY(auto server, make_server_context());
  KADENZA_TRY(auto client, make_client_context());
  KADENZA_TRY_VOID(equip(*server, *key_, own, authorities));
  KADENZA_TRY_VOID(equip(*client, *key_, own, authorities));
  KADENZA_TRY_VOID(check_signed(*server, own));
  return std::make_shared<const TlsContexts>(
      TlsContexts{std::move(server), std::move(client), std::move(authorities)});
}

core::Result<std::shared_ptr<const TlsContexts>> make_join_contexts() {
  KADENZA_TRY(auto client, make_client_context());
  return std::make_shared<const TlsContexts>(TlsContexts{nullptr, std::move(client), {}});
}

}  // namespace kadenza::distributed::rpc::tls
