// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "distributed/identity/node_key.hpp"
#include "distributed/rpc/tls/tls_identity.hpp"

namespace kadenza::testing {

using distributed::identity::NodeKey;
using distributed::rpc::tls::Credentials;

/// A throw-away authority and what it signs.
class TestAuthority {
 public:
  TestAuthority() { certificate_ = sign(key_.handle(), "authority", "", true, 3600); }

  /// A node's certificate. `name`: not its id; `seconds`: of validity from an hour ago on, so 0 has expired.
  std::string certify(const NodeKey& key, std::string name = {}, long seconds = 7200) const {
    if (name.empty()) name = key.id().text();
    return pem(*sign(key.handle(), "node", name, false, seconds));
  }
  Credentials credentials(const NodeKey& key) const { return {certify(key), pem()}; }
  std::string pem() const { return pem(*certificate_); }

 private:
  using Certificate = std::shared_ptr<X509>;

  static std::string pem(X509& certificate) {
    const std::shared_ptr<BIO> bio(BIO_new(BIO_s_mem()), BIO_free);
    PEM_write_bio_X509(bio.get(), &certificate);
    char* text = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
  }

  Certificate sign(EVP_PKEY* subject, const std::string& common_name, const std::string& dns, bool authority,
                   long seconds) const {
    Certificate made(X509_new(), X509_free);
    X509_set_version(made.get(), 2);
    static long serial = 0;
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), seconds - 3600);
    if (authority) X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    auto* name = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
    X509_set_issuer_name(made.get(), authority ? name : X509_get_subject_name(certificate_.get()));
    X509_set_pubkey(made.get(), subject);
    add(*made, NID_basic_constraints, authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!dns.empty()) add(*made, NID_subject_alt_name, "DNS:" + dns);
    X509_sign(made.get(), key_.handle(), nullptr);
    return made;
  }

  static void add(X509& certificate, int what, const std::string& value) {
    auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str());
    X509_add_ext(&certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  NodeKey key_ = *NodeKey::generate();
  Certificate certificate_;
};

}  // namespace kadenza::testing
