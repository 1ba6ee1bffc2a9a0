// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/certificate.hpp"

#include <algorithm>
#include <ctime>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "core/check.hpp"
#include "core/sha256.hpp"
#include "distributed/identity/certificate_maker.hpp"
#include "distributed/identity/openssl.hpp"

namespace kadenza::distributed::identity {
namespace {

using core::Errc;
using core::fail;

constexpr std::size_t kCertificatesMax = 64;

using Names = std::unique_ptr<GENERAL_NAMES, FreeWith<GENERAL_NAMES_free>>;

core::WallTime wall_time(const ASN1_TIME* time) {
  std::tm parts{};
  KADENZA_CHECK(ASN1_TIME_to_tm(time, &parts) == 1);
  return core::WallTime(std::chrono::seconds(::timegm(&parts)));
}

/// The only DNS name; empty when there is none or there are several names.
std::string only_dns_name(X509* certificate) {
  const Names names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (!names || sk_GENERAL_NAME_num(names.get()) != 1) return {};
  const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), 0);
  if (name->type != GEN_DNS) return {};
  const ASN1_IA5STRING* text = name->d.dNSName;
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

core::Result<Certificate> no_certificate() {
  return fail(Errc::kInvalidArgument, "this is not a certificate");
}

}  // namespace

Certificate::Certificate(x509_st* owned) : handle_(owned, X509_free) {}

core::Result<Certificate> Certificate::from_pem(std::string_view pem) {
  auto found = certificates_from_pem(pem);
  if (!found || found->size() != 1) return no_certificate();
  return std::move(found->front());
}

core::Result<Certificate> Certificate::from_der(std::string_view der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const auto* const end = bytes + der.size();
  X509* parsed = d2i_X509(nullptr, &bytes, static_cast<long>(der.size()));
  if (parsed == nullptr) return no_certificate();
  Certificate certificate(parsed);
  if (bytes != end) return no_certificate();
  return certificate;
}

std::string Certificate::pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  KADENZA_CHECK(bio && PEM_write_bio_X509(bio.get(), handle()) == 1);
  return content(bio.get());
}

std::string Certificate::der() const {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(handle(), &bytes);
  KADENZA_CHECK(size > 0);
  std::string der(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

core::Digest Certificate::fingerprint() const {
  return core::sha256(der());
}

core::WallTime Certificate::not_before() const {
  return wall_time(X509_get0_notBefore(handle()));
}

core::WallTime Certificate::not_after() const {
  return wall_time(X509_get0_notAfter(handle()));
}

bool Certificate::is_authority() const {
  return X509_check_ca(handle()) == 1;
}

bool Certificate::signed_by(const Certificate& authority) const {
  return authority.is_authority() && X509_check_issued(authority.handle(), handle()) == X509_V_OK &&
         X509_verify(handle(), X509_get0_pubkey(authority.handle())) == 1;
}

core::Result<core::NodeId> Certificate::node() const {
  KADENZA_TRY(const core::NodeId id, id_of_key(X509_get0_pubkey(handle())));
  if (core::NodeId::parse(only_dns_name(handle())) != id) {
    return fail(Errc::kInvalidArgument, "the name in the certificate is not the hash of its key");
  }
  return id;
}

core::Result<std::vector<Certificate>> certificates_from_pem(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<Certificate> found;
  while (bio && found.size() < kCertificatesMax && BIO_pending(bio.get()) > 0) {
    X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr);
    if (next == nullptr) break;
    found.emplace_back(next);
  }
  if (found.empty() || BIO_pending(bio.get()) > 0) {
    return fail(Errc::kInvalidArgument, "these are not certificates in PEM form");
  }
  return found;
}

core::Result<core::NodeId> check_certificate(const Certificate& certificate,
                                             std::span<const Certificate> authorities, core::WallTime now) {
  const auto node = certificate.node();
  if (!node) return fail(Errc::kForbidden, node.error().detail);
  if (now < certificate.not_before()) return fail(Errc::kForbidden, "the certificate is not valid yet");
  if (now >= certificate.not_after()) return fail(Errc::kForbidden, "the certificate has expired");
  if (std::ranges::none_of(authorities, [&](const Certificate& one) { return certificate.signed_by(one); })) {
    return fail(Errc::kForbidden, "the certificate is from another cluster");
  }
  return *node;
}

core::Result<std::string> certificate_request(const NodeKey& key) {
  const RequestHandle request(X509_REQ_new());
  const std::string id = key.id().text();
  X509_NAME* subject = request ? X509_REQ_get_subject_name(request.get()) : nullptr;
  if (subject == nullptr || !set_common_name(subject, id) ||
      X509_REQ_set_pubkey(request.get(), key.handle()) != 1 ||
      X509_REQ_sign(request.get(), key.handle(), nullptr) == 0) {
    return fail(Errc::kInternal, "OpenSSL cannot make a certificate request.");
  }
  return request_der(request.get());
}

}  // namespace kadenza::distributed::identity
