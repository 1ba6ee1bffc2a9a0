// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/media/job_reply.hpp"

#include <algorithm>
#include <array>
#include <span>

#include <boost/asio.hpp>

#include "services/media/messages.hpp"

namespace kadenza::services::media {

namespace asio = boost::asio;
using core::Errc;

namespace {

/// Reads exactly `out.size()` bytes: their number, or fewer when the other end hung up.
core::Task<core::Result<std::size_t>> read_whole(asio::local::stream_protocol::socket& socket,
                                                 std::span<std::uint8_t> out) {
  const auto buffer = asio::buffer(out.data(), out.size());
  const auto [error, count] = co_await asio::async_read(socket, buffer, asio::as_tuple(asio::use_awaitable));
  if (error == asio::error::operation_aborted)
    co_return core::fail(Errc::kCancelled, "the call was cancelled");
  co_return count;
}

}  // namespace

core::Task<core::Result<std::vector<std::uint8_t>>> read_reply(core::UniqueFd descriptor) {
  const auto executor = co_await asio::this_coro::executor;
  asio::local::stream_protocol::socket socket(executor, asio::local::stream_protocol(), descriptor.release());
  std::array<std::uint8_t, kReplyHeaderBytes> header{};
  KADENZA_CO_TRY(const auto got, co_await read_whole(socket, header));
  if (got == 0) co_return std::vector<std::uint8_t>();
  KADENZA_CO_TRY(const auto length, got == header.size() ? decode_header(header) : std::size_t{0});
  std::vector<std::uint8_t> body(length);
  KADENZA_CO_TRY(const auto filled, co_await read_whole(socket, body));
  body.resize(std::max<std::size_t>(filled, 1));  // never empty: a malformed reply is the file's fault
  co_return body;
}

}  // namespace kadenza::services::media
