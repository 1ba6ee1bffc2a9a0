// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/http2/server_session.hpp"

#include <array>

#include <fmt/format.h>
#include <nghttp2/nghttp2.h>

namespace kadenza::distributed::rpc::http2 {

using core::Errc;
using core::Error;

namespace {

Error describe(MessageReader::Fault fault, std::size_t bytes_max) {
  switch (fault) {
    case MessageReader::Fault::kCompressed:
      return {Errc::kInvalidArgument, "compressed messages are not taken"};
    case MessageReader::Fault::kTooLong:
      return {Errc::kTooLarge, fmt::format("the request is longer than {} bytes", bytes_max)};
    default:
      return {Errc::kInvalidArgument, "a call has exactly one message"};
  }
}

}  // namespace

ServerSession::ServerSession(const Limits& limits, Listener& listener)
    : Session(Role::kServer, limits), listener_(listener) {}

void ServerSession::on_open(Stream stream) {
  calls_.try_emplace(stream, limits().message_bytes).first->second.call.stream = stream;
}

void ServerSession::on_field(Stream stream, std::string_view name, std::string_view value) {
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return;
  auto& incoming = found->second;
  incoming.header_bytes += name.size() + value.size() + 32;  // as SETTINGS_MAX_HEADER_LIST_SIZE counts
  if (incoming.header_bytes > limits().header_bytes) {
    refuse(stream, {Errc::kTooLarge, "the header is too long"}, "431");
  } else if (name == ":path") {
    incoming.call.path = value;
  } else if (name == ":method") {
    incoming.post = value == "POST";
  } else if (name == "content-type") {
    incoming.grpc = value.starts_with(kContentType);
  } else if (name == "grpc-timeout") {
    if (const auto timeout = parse_timeout(value)) incoming.call.timeout = *timeout;
  }
}

void ServerSession::on_data(Stream stream, std::span<const std::uint8_t> bytes) {
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return;
  auto& message = found->second.message;
  const auto before = message.held();
  const auto fault = message.add(bytes);
  receiving_ += message.held() - before;
  if (fault != MessageReader::Fault::kNone) {
    refuse(stream, describe(fault, limits().message_bytes));
  } else if (receiving_ > limits().receiving_bytes) {
    refuse(stream, {Errc::kTooManyRequests, "too many large requests at once"});
  }
}

void ServerSession::on_end(Stream stream) {
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return;
  auto& incoming = found->second;
  incoming.ended = true;
  if (!incoming.post) return refuse(stream, {Errc::kInvalidArgument, "calls are POST requests"}, "405");
  if (!incoming.grpc)
    return refuse(stream, {Errc::kInvalidArgument, "calls have the content type application/grpc"}, "415");
  if (!incoming.message.complete())
    return refuse(stream, {Errc::kInvalidArgument, "the request is not complete"});
  receiving_ -= incoming.message.held();
  incoming.call.message = incoming.message.take();
  listener_.on_call(std::move(incoming.call));
}

void ServerSession::on_close(Stream stream, std::uint32_t) {
  unread_.erase(stream);
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return;
  const bool served = found->second.ended;
  drop(found);
  if (served) listener_.on_cancelled(stream);
}

void ServerSession::drop(Calls::iterator call) {
  receiving_ -= call->second.message.held();
  calls_.erase(call);
}

void ServerSession::answer(Stream stream, core::Result<std::string> reply) {
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return;
  if (!reply) return refuse(stream, reply.error());
  drop(found);
  const std::array<Field, 2> fields = {{{":status", "200"}, {"content-type", kContentType}}};
  respond(stream, fields, std::move(*reply));
}

void ServerSession::on_message_sent(Stream stream) {
  const std::array<Field, 1> fields = {{{"grpc-status", "0"}}};
  trail(stream, fields);
}

void ServerSession::refuse(Stream stream, const Error& error, std::string_view http_status) {
  const auto found = calls_.find(stream);
  const bool ended = found->second.ended;
  drop(found);
  const auto status = std::to_string(status_of(error.code));
  const auto detail = encode_detail(error.detail);
  const std::array<Field, 5> fields = {{{":status", http_status},
                                        {"content-type", kContentType},
                                        {"grpc-status", status},
                                        {"grpc-message", detail},
                                        {kErrorField, core::to_string(error.code)}}};
  if (!ended) unread_.insert(stream);
  respond(stream, fields);
}

/// The rest of the request is not wanted. Not earlier: resetting a stream takes its answer back.
void ServerSession::on_answer_sent(Stream stream) {
  if (unread_.erase(stream) != 0) reset(stream, NGHTTP2_NO_ERROR);
}

}  // namespace kadenza::distributed::rpc::http2
