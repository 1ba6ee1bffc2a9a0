// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/http2/session.hpp"

#include <algorithm>

#include <nghttp2/nghttp2.h>

#include "core/check.hpp"

namespace kadenza::distributed::rpc::http2 {

using core::Errc;
using core::fail;

namespace {

/// Larger than HTTP/2's 16 KiB: a piece of audio is a handful of frames, and others get in between.
constexpr std::uint32_t kFrameBytes = 64 << 10;
constexpr std::size_t kFrameHeaderBytes = 9;

std::string_view view(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

std::vector<nghttp2_nv> to_nv(std::span<const Session::Field> fields) {
  std::vector<nghttp2_nv> list;
  list.reserve(fields.size());
  for (const auto& [name, value] : fields) {
    list.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                    reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(),
                    value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  return list;
}

}  // namespace

/// nghttp2's callbacks, as calls of Session's hooks.
struct Hooks {
  static Session& self(void* user) { return *static_cast<Session*>(user); }

  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) self(user).on_open(frame->hd.stream_id);
    return 0;
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                    void* user) {
    self(user).on_field(frame->hd.stream_id, view(name, name_size), view(value, value_size));
    return 0;
  }

  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    const bool of_call = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (of_call && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) self(user).on_end(frame->hd.stream_id);
    return 0;
  }

  static int data(nghttp2_session*, std::uint8_t, Session::Stream stream, const std::uint8_t* bytes,
                  std::size_t size, void* user) {
    self(user).on_data(stream, {bytes, size});
    return 0;
  }

  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_HEADERS && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
      self(user).on_answer_sent(frame->hd.stream_id);
    return 0;
  }

  static int closed(nghttp2_session*, Session::Stream stream, std::uint32_t reason, void* user) {
    auto& session = self(user);
    session.messages_.erase(stream);
    session.on_close(stream, reason);
    return 0;
  }

  static ssize_t frame_length(nghttp2_session*, std::uint8_t, Session::Stream, std::int32_t session_window,
                              std::int32_t stream_window, std::uint32_t frame_max, void*) {
    return std::min({static_cast<std::int64_t>(session_window), static_cast<std::int64_t>(stream_window),
                     static_cast<std::int64_t>(std::min(frame_max, kFrameBytes))});
  }

  static ssize_t next_data(nghttp2_session*, Session::Stream stream, std::uint8_t*, std::size_t length,
                           std::uint32_t* flags, nghttp2_data_source*, void* user) {
    auto& session = self(user);
    const auto found = session.messages_.find(stream);
    if (found == session.messages_.end()) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    const auto left = found->second.left();
    if (left > length) return static_cast<ssize_t>(length);
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (nghttp2_session_check_server_session(session.handle()) != 0) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      session.on_message_sent(stream);
    }
    return static_cast<ssize_t>(left);
  }

  static int send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* header, std::size_t length,
                       nghttp2_data_source*, void* user) {
    auto& session = self(user);
    const auto found = session.messages_.find(frame->hd.stream_id);
    if (found == session.messages_.end()) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    session.out_->insert(session.out_->end(), header, header + kFrameHeaderBytes);
    session.append_data(found->second, length);
    if (found->second.left() == 0) session.messages_.erase(found);
    return session.out_->size() >= session.enough_ ? NGHTTP2_ERR_PAUSE : 0;
  }

  static const nghttp2_session_callbacks* all() {
    static const auto callbacks = [] {
      nghttp2_session_callbacks* made = nullptr;
      nghttp2_session_callbacks_new(&made);
      nghttp2_session_callbacks_set_on_begin_headers_callback(made, begin_headers);
      nghttp2_session_callbacks_set_on_header_callback(made, header);
      nghttp2_session_callbacks_set_on_frame_recv_callback(made, frame_received);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, data);
      nghttp2_session_callbacks_set_on_frame_send_callback(made, frame_sent);
      nghttp2_session_callbacks_set_on_stream_close_callback(made, closed);
      nghttp2_session_callbacks_set_data_source_read_length_callback(made, frame_length);
      nghttp2_session_callbacks_set_send_data_callback(made, send_data);
      return made;
    }();
    return callbacks;
  }
};

void Session::Free::operator()(nghttp2_session* session) const noexcept {
  nghttp2_session_del(session);
}

Session::Session(Role role, const Limits& limits) : limits_(limits) {
  nghttp2_session* session = nullptr;
  const auto made = role == Role::kServer ? nghttp2_session_server_new(&session, Hooks::all(), this)
                                          : nghttp2_session_client_new(&session, Hooks::all(), this);
  KADENZA_CHECK(made == 0);
  session_.reset(session);
  const std::array settings = {
      nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits_.calls},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits_.call_window},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_FRAME_SIZE, kFrameBytes},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
                             static_cast<std::uint32_t>(limits_.header_bytes)}};
  // Only clients say anything about pushing (RFC 9113 §7.1).
  const auto first = role == Role::kServer ? 1u : 0u;
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data() + first, settings.size() - first);
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, limits_.connection_window);
}

Session::~Session() = default;

core::Result<void> Session::receive(std::span<const std::uint8_t> bytes) {
  const auto taken = nghttp2_session_mem_recv(session_.get(), bytes.data(), bytes.size());
  if (taken >= 0) return {};
  return fail(Errc::kUnavailable, std::string("the other side does not speak HTTP/2: ") +
                                      nghttp2_strerror(static_cast<int>(taken)));
}

void Session::produce(std::vector<std::uint8_t>& out, std::size_t enough) {
  out_ = &out;
  enough_ = enough;
  while (out.size() < enough) {
    const auto before = out.size();
    const std::uint8_t* bytes = nullptr;
    const auto size = nghttp2_session_mem_send(session_.get(), &bytes);
    if (size > 0) out.insert(out.end(), bytes, bytes + size);
    if (out.size() == before) break;
  }
  out_ = nullptr;
}

bool Session::finished() const {
  return nghttp2_session_want_read(session_.get()) == 0 && nghttp2_session_want_write(session_.get()) == 0;
}

void Session::ping() {
  nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr);
}

void Session::go_away() {
  nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_.get()), NGHTTP2_NO_ERROR, nullptr,
                        0);
}

Session::Stream Session::open(std::span<const Field> fields, std::string message) {
  const auto list = to_nv(fields);
  const nghttp2_data_provider provider{{.ptr = nullptr}, Hooks::next_data};
  const auto stream =
      nghttp2_submit_request(session_.get(), nullptr, list.data(), list.size(), &provider, nullptr);
  KADENZA_CHECK(stream >= 0);
  const auto prefix = message_prefix(static_cast<std::uint32_t>(message.size()));
  messages_.emplace(stream, Outgoing{prefix, std::move(message)});
  return stream;
}

void Session::respond(Stream stream, std::span<const Field> fields) {
  const auto list = to_nv(fields);
  nghttp2_submit_response(session_.get(), stream, list.data(), list.size(), nullptr);
}

void Session::respond(Stream stream, std::span<const Field> fields, std::string message) {
  const auto list = to_nv(fields);
  const nghttp2_data_provider provider{{.ptr = nullptr}, Hooks::next_data};
  const auto prefix = message_prefix(static_cast<std::uint32_t>(message.size()));
  messages_.insert_or_assign(stream, Outgoing{prefix, std::move(message)});
  if (nghttp2_submit_response(session_.get(), stream, list.data(), list.size(), &provider) != 0)
    messages_.erase(stream);
}

void Session::trail(Stream stream, std::span<const Field> fields) {
  const auto list = to_nv(fields);
  nghttp2_submit_trailer(session_.get(), stream, list.data(), list.size());
}

void Session::reset(Stream stream, std::uint32_t reason) {
  messages_.erase(stream);
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream, reason);
}

void Session::append_data(Outgoing& message, std::size_t length) {
  if (message.sent < kPrefixBytes) {
    const auto count = std::min(length, kPrefixBytes - message.sent);
    const auto* from = message.prefix.data() + message.sent;
    out_->insert(out_->end(), from, from + count);
    message.sent += count;
    length -= count;
  }
  const auto* from = message.bytes.data() + (message.sent - kPrefixBytes);
  out_->insert(out_->end(), from, from + length);
  message.sent += length;
}

}  // namespace kadenza::distributed::rpc::http2
