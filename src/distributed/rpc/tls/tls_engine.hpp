// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <openssl/types.h>

namespace kadenza::distributed::rpc::tls {

/// TLS without IO: ciphertext goes in and out through memory, so that one system call carries many records.
/// Not thread-safe.
class TlsEngine {
 public:
  enum class Role : std::uint8_t { kClient, kServer };
  enum class Progress : std::uint8_t { kDone, kMore, kFailed };  ///< kMore: wants bytes of the other side

  TlsEngine(std::shared_ptr<SSL_CTX> context, Role role);
  ~TlsEngine();
  TlsEngine(const TlsEngine&) = delete;
  TlsEngine& operator=(const TlsEngine&) = delete;

  SSL* ssl() const noexcept { return ssl_; }

  Progress handshake();

  /// Where to put ciphertext that arrives; grows with what arrives at a time. received() says how much it
  /// was.
  std::span<std::uint8_t> space();
  void received(std::size_t size);
  /// Plaintext that has arrived, at most one record, valid until the next call; empty: more is needed.
  /// kFailed: the stream is broken; kDone: the other side has ended it.
  Progress read(std::span<const std::uint8_t>& plain);

  /// Encrypts all of it. False when the stream is broken.
  bool write(std::span<const std::uint8_t> plain);
  /// Says good-bye.
  void finish();

  /// Ciphertext to send.
  std::vector<std::uint8_t>& outgoing() noexcept { return out_; }

  /// Gives back what a burst has left.
  void shrink();

 private:
  friend struct MemoryBio;

  std::shared_ptr<SSL_CTX> context_;
  SSL* ssl_;
  std::vector<std::uint8_t> in_;
  std::size_t in_begin_ = 0;
  std::size_t in_end_ = 0;
  std::vector<std::uint8_t> plain_;
  std::vector<std::uint8_t> out_;
};

}  // namespace kadenza::distributed::rpc::tls
