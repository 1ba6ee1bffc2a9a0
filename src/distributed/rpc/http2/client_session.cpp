// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/http2/client_session.hpp"

#include <charconv>
#include <vector>

#include <fmt/format.h>
#include <nghttp2/nghttp2.h>

namespace kadenza::distributed::rpc::http2 {

using core::Errc;
using core::Error;

ClientSession::ClientSession(const Limits& limits, std::string authority, Listener& listener)
    : Session(Role::kClient, limits), authority_(std::move(authority)), listener_(listener) {}

bool ClientSession::can_call() const {
  return nghttp2_session_check_request_allowed(handle()) != 0;
}

Session::Stream ClientSession::start(std::string_view path, std::string message,
                                     std::optional<core::Duration> timeout) {
  const auto timeout_value = timeout ? timeout_text(*timeout) : std::string();
  std::vector<Field> fields = {
      {":method", "POST"},        {":scheme", "https"},           {":path", path},
      {":authority", authority_}, {"content-type", kContentType}, {"te", "trailers"}};
  if (timeout) fields.emplace_back("grpc-timeout", timeout_value);
  const auto stream = open(fields, std::move(message));
  replies_.try_emplace(stream, limits().message_bytes);
  return stream;
}

void ClientSession::cancel(Stream stream) {
  if (replies_.erase(stream) != 0) reset(stream, NGHTTP2_CANCEL);
}

void ClientSession::on_open(Stream) {}
void ClientSession::on_message_sent(Stream) {}

void ClientSession::on_field(Stream stream, std::string_view name, std::string_view value) {
  const auto found = replies_.find(stream);
  if (found == replies_.end()) return;
  auto& reply = found->second;
  reply.header_bytes += name.size() + value.size() + 32;
  if (reply.header_bytes > limits().header_bytes) {
    fail(found, {Errc::kUnavailable, "the other node's answer has too long a header"});
  } else if (name == ":status") {
    reply.http_ok = value == "200";
  } else if (name == "content-type") {
    reply.grpc = value.starts_with(kContentType);
  } else if (name == "grpc-status") {
    unsigned status = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), status);
    if (error == std::errc() && end == value.data() + value.size()) reply.status = status;
  } else if (name == "grpc-message") {
    reply.detail = decode_detail(value);
  } else if (name == kErrorField) {
    reply.code = core::parse_errc(value);
  }
}

void ClientSession::on_data(Stream stream, std::span<const std::uint8_t> bytes) {
  const auto found = replies_.find(stream);
  if (found == replies_.end()) return;
  switch (found->second.message.add(bytes)) {
    case MessageReader::Fault::kNone:
      return;
    case MessageReader::Fault::kTooLong:
      return fail(found, {Errc::kUnavailable, fmt::format("the other node's answer is longer than {} bytes",
                                                          limits().message_bytes)});
    default:
      return fail(found, {Errc::kUnavailable, "the other node answered with something unreadable"});
  }
}

core::Result<std::string> ClientSession::outcome(Reply& reply) {
  if (!reply.status)
    return core::fail(Errc::kUnavailable, reply.http_ok && reply.grpc ? "the other node broke off its answer"
                                                                      : "whoever answered is not a node");
  if (*reply.status != 0)
    return std::unexpected(Error{reply.code.value_or(errc_of(*reply.status)), std::move(reply.detail)});
  if (!reply.message.complete())
    return core::fail(Errc::kUnavailable, "the other node answered without a reply");
  return reply.message.take();
}

void ClientSession::on_end(Stream stream) {
  const auto found = replies_.find(stream);
  if (found == replies_.end()) return;
  auto result = outcome(found->second);
  replies_.erase(found);
  // It answered before it had the whole request, and does not want the rest.
  if (sending(stream)) reset(stream, NGHTTP2_CANCEL);
  listener_.on_reply(stream, std::move(result));
}

void ClientSession::on_close(Stream stream, std::uint32_t reason) {
  const auto found = replies_.find(stream);
  if (found == replies_.end()) return;
  replies_.erase(found);
  listener_.on_reply(stream, core::fail(Errc::kUnavailable, reason == NGHTTP2_REFUSED_STREAM
                                                                ? "the other node takes no more calls"
                                                                : "the other node broke off the call"));
}

void ClientSession::fail(Replies::iterator reply, Error error) {
  const auto stream = reply->first;
  replies_.erase(reply);
  reset(stream, NGHTTP2_CANCEL);
  listener_.on_reply(stream, std::unexpected(std::move(error)));
}

}  // namespace kadenza::distributed::rpc::http2
