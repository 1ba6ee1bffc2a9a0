// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "distributed/rpc/http2/message_reader.hpp"
#include "distributed/rpc/http2/session.hpp"

namespace kadenza::distributed::rpc::http2 {

/// The calling end: requests go in, whole replies come out. As Session.
class ClientSession final : public Session {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    /// Exactly once for each call that was started and not cancelled, while the connection lives.
    virtual void on_reply(Stream stream, core::Result<std::string> reply) = 0;
  };

  /// `authority`: whom the calls are for. `listener` outlives the session.
  ClientSession(const Limits& limits, std::string authority, Listener& listener);

  /// False when another connection has to take the next call: the other side goes away.
  bool can_call() const;
  /// Only when can_call().
  Stream start(std::string_view path, std::string message, std::optional<core::Duration> timeout);
  void cancel(Stream stream);

 private:
  struct Reply {
    explicit Reply(std::size_t bytes_max) : message(bytes_max) {}
    MessageReader message;
    std::size_t header_bytes = 0;
    bool http_ok = false;
    bool grpc = false;
    std::optional<unsigned> status;
    std::optional<core::Errc> code;
    std::string detail;
  };
  using Replies = std::unordered_map<Stream, Reply>;

  void on_open(Stream stream) override;
  void on_field(Stream stream, std::string_view name, std::string_view value) override;
  void on_data(Stream stream, std::span<const std::uint8_t> bytes) override;
  void on_end(Stream stream) override;
  void on_close(Stream stream, std::uint32_t reason) override;
  void on_message_sent(Stream stream) override;

  static core::Result<std::string> outcome(Reply& reply);
  void fail(Replies::iterator reply, core::Error error);

  std::string authority_;
  Listener& listener_;
  Replies replies_;
};

}  // namespace kadenza::distributed::rpc::http2
