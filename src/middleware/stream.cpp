// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/stream.hpp"

#include <algorithm>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "middleware/retry.hpp"

namespace kadenza::middleware {
namespace {

namespace http = boost::beast::http;
using std::chrono::milliseconds;

constexpr Backoff kBetweenResumptions{milliseconds(50), milliseconds(1000)};
constexpr unsigned kAtOnce = 2;  ///< so often without a pause before it

}  // namespace

std::optional<Extent> extent_of(const Response& response) {
  return extent_of(response.status(), response.header(http::field::content_length),
                   response.header(http::field::content_range), response.header(http::field::etag));
}

Stream::Stream(Failover& nodes, Request request, Response first, Extent extent)
    : nodes_(nodes),
      request_(std::move(request)),
      extent_(std::move(extent)),
      position_(extent_.first),
      response_(std::move(first)),
      source_(response_->endpoint()) {
  for (const auto field : {http::field::if_match, http::field::if_none_match, http::field::if_modified_since,
                           http::field::if_unmodified_since}) {
    request_.head.erase(field);
  }
}

core::Task<core::Result<std::size_t>> Stream::read_here(std::span<std::uint8_t> into) {
  const milliseconds usual = nodes_.http()->timeouts().idle;
  const bool others = nodes_.has_another(response_->endpoint());
  const auto limit = std::chrono::ceil<milliseconds>(stall_limit(fruitless_));
  response_->set_patience(others ? std::min(usual, limit) : usual);
  into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), extent_.end - position_)));
  KADENZA_CO_TRY(const std::size_t count, co_await response_->read_some(into));
  if (count > 0) co_return count;
  co_return core::fail(core::Errc::kUnavailable,
                       fmt::format("{} ended its answer too early.", response_->endpoint().url()));
}

core::Task<core::Result<void>> Stream::resume() {
  request_.head.set(http::field::range, extent_.range_from(position_));
  if (!extent_.etag.empty()) request_.head.set(http::field::if_range, extent_.etag);
  auto is_the_rest = [this](const Response& response) {
    const auto extent = extent_of(response);
    return extent && extent_.continues_with(*extent, position_);
  };
  KADENZA_CO_TRY(Response response, co_await nodes_.send(request_, is_the_rest));
  if (response.status() >= 400) {
    KADENZA_CO_TRY(core::Error problem, co_await read_problem(response));
    co_return std::unexpected(std::move(problem));
  }
  if (!is_the_rest(response)) {
    co_return core::fail(
        core::Errc::kCorrupted,
        fmt::format("{} has another file under this song than the one before.", response.endpoint().url()));
  }
  response_ = std::move(response);
  co_return core::Result<void>();
}

core::Task<core::Result<std::size_t>> Stream::read(std::span<std::uint8_t> into) {
  if (position_ >= extent_.end) co_return std::size_t{0};
  core::Error last;
  for (; fruitless_ < kFruitlessMax; ++fruitless_) {
    if (fruitless_ > kAtOnce) {
      boost::asio::steady_timer pause(co_await boost::asio::this_coro::executor,
                                      kBetweenResumptions.pause(fruitless_ - kAtOnce, nodes_.random()));
      co_await pause.async_wait(boost::asio::use_awaitable);
    }
    if (!response_) {
      core::Result<void> resumed = co_await resume();
      if (!resumed) {
        last = std::move(resumed).error();
        if (last.code != core::Errc::kUnavailable) break;
        continue;
      }
    }
    core::Result<std::size_t> count = co_await read_here(into);
    if (count) {
      fruitless_ = 0;
      position_ += *count;
      source_ = response_->endpoint();
      co_return *count;
    }
    last = std::move(count).error();
    nodes_.avoid(response_->endpoint());
    response_.reset();
  }
  co_return std::unexpected(std::move(last));
}

}  // namespace kadenza::middleware
