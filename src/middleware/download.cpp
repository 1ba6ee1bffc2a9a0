// SPDX-License-Identifier: AGPL-3.0-or-later
#include <fmt/format.h>

#include "middleware/client.hpp"

namespace kadenza::middleware {

namespace http = boost::beast::http;

Download::Download(Failover& nodes, std::string target, std::uint64_t offset)
    : nodes_(nodes), target_(std::move(target)), offset_(offset) {}

core::Task<core::Result<void>> Download::connect() {
  Request request(http::verb::get, target_);
  if (offset_ > 0) request.head.set(http::field::range, fmt::format("bytes={}-", offset_));
  KADENZA_CO_TRY(Response response, co_await nodes_.send(request));
  if (response.status() >= 400) {
    KADENZA_CO_TRY(core::Error problem, co_await read_problem(response));
    co_return std::unexpected(std::move(problem));
  }
  std::optional<Extent> extent = extent_of(response);
  if (!extent || extent->first != offset_) {
    co_return core::fail(
        core::Errc::kCorrupted,
        fmt::format("{} does not say which part of the song it sends.", response.endpoint().url()));
  }
  stream_.emplace(nodes_, std::move(request), std::move(response), std::move(*extent));
  co_return core::Result<void>();
}

core::Task<core::Result<std::size_t>> Download::read(std::span<std::uint8_t> into) {
  if (!stream_) KADENZA_CO_TRY_VOID(co_await connect());
  co_return co_await stream_->read(into);
}

}  // namespace kadenza::middleware
