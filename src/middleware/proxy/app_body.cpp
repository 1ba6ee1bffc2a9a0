// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/proxy/app_body.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <fmt/format.h>

namespace kadenza::middleware {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kSilenceMax{30};
constexpr std::size_t kPieceBytes = 64u << 10;

std::unexpected<core::Error> gone() {
  return core::fail(core::Errc::kCancelled, "The app closed the connection.");
}

}  // namespace

AppBody::AppBody(AppStream& app, Limits limits, bool keep)
    : app_(app), limit_(limits.bytes), keep_(keep), spool_(limits.budget) {}

core::Task<core::Result<void>> AppBody::begin() {
  size_ = app_.parser->content_length().value_or(0);
  keep_ = keep_ || size_ <= Spool::kInMemory;
  if (size_ > limit_) {
    co_return core::fail(core::Errc::kTooLarge,
                         fmt::format("The body has {} bytes; at most {} are forwarded.", size_, limit_));
  }
  if (app_.parser->get().count(http::field::expect) > 0 && !app_.parser->is_done()) {
    constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
    app_.tcp.expires_after(kSilenceMax);
    const auto [error, sent] = co_await asio::async_write(app_.tcp, asio::buffer(kGoOn), kTuple);
    if (error) co_return gone();
  }
  if (app_.parser->chunked()) co_return co_await receive_all();
  co_return core::Result<void>();
}

core::Task<core::Result<void>> AppBody::receive_all() {
  std::vector<std::uint8_t> piece(kPieceBytes);
  while (true) {
    KADENZA_CO_TRY(const std::size_t count, co_await receive(piece));
    if (count == 0) break;
    if (spool_.size() + count > limit_) {
      co_return core::fail(core::Errc::kTooLarge, fmt::format("At most {} bytes are forwarded.", limit_));
    }
    KADENZA_CO_TRY_VOID(spool_.append(std::span(piece).first(count)));
  }
  size_ = spool_.size();
  co_return core::Result<void>();
}

core::Task<core::Result<std::size_t>> AppBody::receive(std::span<std::uint8_t> into) {
  if (app_.parser->is_done()) co_return std::size_t{0};
  auto& body = app_.parser->get().body();
  body.data = into.data();
  body.size = into.size();
  body.more = true;
  app_.tcp.expires_after(kSilenceMax);
  const auto [error, read] = co_await http::async_read(app_.tcp, app_.buffer, *app_.parser, kTuple);
  if (error == boost::beast::error::timeout) {
    co_return core::fail(core::Errc::kDeadlineExceeded, "Nothing more of the body came in time.");
  }
  if (error && error != http::error::need_buffer) co_return gone();
  co_return into.size() - body.size;
}

core::Task<core::Result<std::size_t>> AppBody::read(std::span<std::uint8_t> into) {
  std::size_t count = 0;
  if (position_ < spool_.size()) {
    KADENZA_CO_TRY(count, spool_.read(position_, into));
  } else {
    KADENZA_CO_TRY(count, co_await receive(into));
    if (keep_) KADENZA_CO_TRY_VOID(spool_.append(into.first(count)));
  }
  position_ += count;
  co_return count;
}

core::Result<void> AppBody::rewind() {
  if (position_ > spool_.size()) {
    return core::fail(core::Errc::kInternal, "What was not kept cannot be sent again.");
  }
  position_ = 0;
  return {};
}

}  // namespace kadenza::middleware
