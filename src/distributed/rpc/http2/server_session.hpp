// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "distributed/rpc/http2/message_reader.hpp"
#include "distributed/rpc/http2/session.hpp"

namespace kadenza::distributed::rpc::http2 {

/// The answering end: whole requests come out, replies go in. What is not a call of gRPC's form is answered
/// here. As Session.
class ServerSession final : public Session {
 public:
  struct Call {
    Stream stream = 0;
    std::string path;
    core::Duration timeout = core::Duration::max();
    std::string message;
  };
  class Listener {
   public:
    virtual ~Listener() = default;
    /// To be answered by answer(), unless on_cancelled() comes first.
    virtual void on_call(Call call) = 0;
    virtual void on_cancelled(Stream stream) = 0;
  };

  /// `listener` outlives the session.
  ServerSession(const Limits& limits, Listener& listener);

  /// Nothing happens when the call was cancelled meanwhile.
  void answer(Stream stream, core::Result<std::string> reply);
  std::size_t calls() const noexcept { return calls_.size(); }

 private:
  struct Incoming {
    explicit Incoming(std::size_t bytes_max) : message(bytes_max) {}
    Call call;
    MessageReader message;
    std::size_t header_bytes = 0;
    bool grpc = false;
    bool post = false;
    bool ended = false;  ///< the request is complete
  };
  using Calls = std::unordered_map<Stream, Incoming>;

  void on_open(Stream stream) override;
  void on_field(Stream stream, std::string_view name, std::string_view value) override;
  void on_data(Stream stream, std::span<const std::uint8_t> bytes) override;
  void on_end(Stream stream) override;
  void on_close(Stream stream, std::uint32_t reason) override;
  void on_message_sent(Stream stream) override;
  void on_answer_sent(Stream stream) override;

  void drop(Calls::iterator call);
  void refuse(Stream stream, const core::Error& error, std::string_view http_status = "200");

  Listener& listener_;
  Calls calls_;
  std::unordered_set<Stream> unread_;  ///< refused before their requests had ended
  std::size_t receiving_ = 0;
};

}  // namespace kadenza::distributed::rpc::http2
