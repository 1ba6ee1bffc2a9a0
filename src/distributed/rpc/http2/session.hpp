// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "distributed/rpc/http2/grpc_form.hpp"

struct nghttp2_session;
struct nghttp2_session_callbacks;

namespace kadenza::distributed::rpc::http2 {

/// One end of an HTTP/2 connection (RFC 9113), framed by nghttp2: bytes in, bytes out, no IO. What its
/// streams mean is said by ServerSession and ClientSession. Not thread-safe; nothing but submitting may be
/// done from within the hooks.
class Session {
 public:
  using Stream = std::int32_t;
  using Field = std::pair<std::string_view, std::string_view>;

  struct Limits {
    std::uint32_t calls = 128;        ///< under way at once that the peer may have opened
    std::size_t message_bytes = 0;    ///< of a request or a reply
    std::size_t header_bytes = 8192;  ///< of all fields of a call
    std::size_t receiving_bytes = 0;  ///< of all messages that have begun to arrive
    std::uint32_t call_window = 1 << 20;
    std::int32_t connection_window = 16 << 20;
  };

  virtual ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// What the peer sent. An error ends the connection, after what produce() still has for the peer.
  core::Result<void> receive(std::span<const std::uint8_t> bytes);
  /// Appends what is to be sent to `out`, until that holds `enough` bytes (and at most one frame more).
  void produce(std::vector<std::uint8_t>& out, std::size_t enough);
  /// Nothing is left to read or to write.
  bool finished() const;

  void ping();
  /// Tells the peer that no calls after those under way are taken.
  void go_away();

 protected:
  enum class Role : std::uint8_t { kClient, kServer };
  Session(Role role, const Limits& limits);

  const Limits& limits() const noexcept { return limits_; }
  nghttp2_session* handle() const noexcept { return session_.get(); }

  // What happened on a stream. Also called for streams that were reset by this side.
  virtual void on_open(Stream stream) = 0;
  virtual void on_field(Stream stream, std::string_view name, std::string_view value) = 0;
  virtual void on_data(Stream stream, std::span<const std::uint8_t> bytes) = 0;
  virtual void on_end(Stream stream) = 0;
  virtual void on_close(Stream stream, std::uint32_t reason) = 0;
  /// The stream's message is on its way; for fields after it.
  virtual void on_message_sent(Stream stream) = 0;
  /// The last fields of an answer have been produced.
  virtual void on_answer_sent(Stream) {}

  /// Opens a stream with these fields and this message.
  Stream open(std::span<const Field> fields, std::string message);
  /// Answers on `stream`; without a message the fields are all.
  void respond(Stream stream, std::span<const Field> fields);
  void respond(Stream stream, std::span<const Field> fields, std::string message);
  void trail(Stream stream, std::span<const Field> fields);
  void reset(Stream stream, std::uint32_t reason);
  bool sending(Stream stream) const { return messages_.contains(stream); }

 private:
  friend struct Hooks;
  struct Free {
    void operator()(nghttp2_session* session) const noexcept;
  };
  /// A message under way: prefix and bytes.
  struct Outgoing {
    std::array<std::uint8_t, kPrefixBytes> prefix;
    std::string bytes;
    std::size_t sent = 0;
    std::size_t left() const noexcept { return kPrefixBytes + bytes.size() - sent; }
  };

  void append_data(Outgoing& message, std::size_t length);

  Limits limits_;
  std::unique_ptr<nghttp2_session, Free> session_;
  std::unordered_map<Stream, Outgoing> messages_;
  std::vector<std::uint8_t>* out_ = nullptr;  ///< while produce() runs
  std::size_t enough_ = 0;
};

}  // namespace kadenza::distributed::rpc::http2
