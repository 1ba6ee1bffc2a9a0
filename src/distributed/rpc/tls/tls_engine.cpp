// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/tls/tls_engine.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace kadenza::distributed::rpc::tls {
namespace {

constexpr std::size_t kInSmall = 16 << 10;
constexpr std::size_t kInLarge = 256 << 10;
constexpr std::size_t kRecordMax = 16 << 10;
constexpr std::size_t kOutKept = 64 << 10;

}  // namespace

/// A BIO that reads and writes its engine's buffers.
struct MemoryBio {
  static TlsEngine& engine(BIO* bio) { return *static_cast<TlsEngine*>(BIO_get_data(bio)); }

  static int write(BIO* bio, const char* bytes, std::size_t size, std::size_t* written) {
    auto& out = engine(bio).out_;
    out.insert(out.end(), bytes, bytes + size);
    *written = size;
    return 1;
  }

  static int read(BIO* bio, char* bytes, std::size_t size, std::size_t* got) {
    auto& self = engine(bio);
    BIO_clear_retry_flags(bio);
    *got = std::min(size, self.in_end_ - self.in_begin_);
    if (*got == 0) {
      BIO_set_retry_read(bio);
      return 0;
    }
    std::memcpy(bytes, self.in_.data() + self.in_begin_, *got);
    self.in_begin_ += *got;
    return 1;
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static const BIO_METHOD* method() {
    static BIO_METHOD* const method = [] {
      auto* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "kadenza memory");
      BIO_meth_set_write_ex(made, write);
      BIO_meth_set_read_ex(made, read);
      BIO_meth_set_ctrl(made, control);
      return made;
    }();
    return method;
  }
};

TlsEngine::TlsEngine(std::shared_ptr<SSL_CTX> context, Role role)
    : context_(std::move(context)), ssl_(SSL_new(context_.get())), plain_(kRecordMax) {
  auto* bio = BIO_new(MemoryBio::method());
  if (ssl_ == nullptr || bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  role == Role::kServer ? SSL_set_accept_state(ssl_) : SSL_set_connect_state(ssl_);
}

TlsEngine::~TlsEngine() {
  SSL_free(ssl_);
}

TlsEngine::Progress TlsEngine::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) return Progress::kDone;
  return SSL_get_error(ssl_, result) == SSL_ERROR_WANT_READ ? Progress::kMore : Progress::kFailed;
}

std::span<std::uint8_t> TlsEngine::space() {
  std::copy(in_.begin() + static_cast<std::ptrdiff_t>(in_begin_),
            in_.begin() + static_cast<std::ptrdiff_t>(in_end_), in_.begin());
  in_end_ -= in_begin_;
  in_begin_ = 0;
  if (in_.size() < kInSmall) in_.resize(kInSmall);
  if (in_.size() - in_end_ < in_.size() / 2) in_.resize(in_.size() * 2);
  return {in_.data() + in_end_, in_.size() - in_end_};
}

void TlsEngine::received(std::size_t size) {
  in_end_ += size;
  if (in_end_ == in_.size() && in_.size() < kInLarge) in_.resize(in_.size() * 4);
}

TlsEngine::Progress TlsEngine::read(std::span<const std::uint8_t>& plain) {
  ERR_clear_error();
  const int size = SSL_read(ssl_, plain_.data(), static_cast<int>(plain_.size()));
  plain = {plain_.data(), static_cast<std::size_t>(std::max(size, 0))};
  if (size > 0) return Progress::kMore;
  switch (SSL_get_error(ssl_, size)) {
    case SSL_ERROR_WANT_READ:
      return Progress::kMore;
    case SSL_ERROR_ZERO_RETURN:
      return Progress::kDone;
    default:
      return Progress::kFailed;
  }
}

bool TlsEngine::write(std::span<const std::uint8_t> plain) {
  if (plain.empty()) return true;
  ERR_clear_error();
  std::size_t written = 0;
  return SSL_write_ex(ssl_, plain.data(), plain.size(), &written) == 1 && written == plain.size();
}

void TlsEngine::finish() {
  ERR_clear_error();
  if (SSL_is_init_finished(ssl_) != 0) SSL_shutdown(ssl_);
}

void TlsEngine::shrink() {
  if (in_begin_ == in_end_ && in_.size() > kInSmall) {
    in_begin_ = in_end_ = 0;
    in_.resize(kInSmall);
    in_.shrink_to_fit();
  }
  if (out_.empty() && out_.capacity() > kOutKept) out_.shrink_to_fit();
}

}  // namespace kadenza::distributed::rpc::tls
