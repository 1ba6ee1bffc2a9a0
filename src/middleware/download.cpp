// SPDX-License-Identifier: AGPL-3.0-or-later
#include <charconv>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "middleware/client.hpp"

namespace kadenza::middleware {
namespace {

namespace http = boost::beast::http;

constexpr std::chrono::milliseconds kFirstPause{100};

struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t size = 0;
};

/// "bytes FIRST-LAST/SIZE" (RFC 9110 §14.4).
std::optional<ContentRange> parse_content_range(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return std::nullopt;
  text.remove_prefix(kUnit.size());
  const std::size_t dash = text.find('-');
  const std::size_t slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) return std::nullopt;
  ContentRange range;
  const std::string_view first = text.substr(0, dash);
  const std::string_view size = text.substr(slash + 1);
  const auto a = std::from_chars(first.data(), first.data() + first.size(), range.first);
  const auto b = std::from_chars(size.data(), size.data() + size.size(), range.size);
  if (a.ec != std::errc() || b.ec != std::errc()) return std::nullopt;
  return range;
}

std::unexpected<core::Error> disagree(const Endpoint& endpoint) {
  return core::fail(core::Errc::kCorrupted,
                    fmt::format("{} has another file under this song than the one before.", endpoint.url()));
}

}  // namespace

Download::Download(Failover& nodes, std::string target, std::uint64_t offset)
    : nodes_(nodes), target_(std::move(target)), offset_(offset) {}

core::Task<core::Result<void>> Download::accept(Response& response) {
  if (response.status() >= 400) {
    KADENZA_CO_TRY(core::Error problem, co_await read_problem(response));
    co_return std::unexpected(std::move(problem));
  }
  const std::string etag(response.header(http::field::etag));
  if (!etag_.empty() && etag != etag_) co_return disagree(response.endpoint());
  ContentRange range;
  if (response.status() == 206) {
    const auto given = parse_content_range(response.header(http::field::content_range));
    if (!given || given->first != offset_) co_return disagree(response.endpoint());
    range = *given;
  } else {
    const std::string_view length = response.header(http::field::content_length);
    const auto parsed = std::from_chars(length.data(), length.data() + length.size(), range.size);
    if (parsed.ec != std::errc()) {
      co_return core::fail(core::Errc::kUnavailable,
                           fmt::format("{} did not say how long the song is.", response.endpoint().url()));
    }
    if (offset_ > 0) co_return disagree(response.endpoint());
  }
  if (size_ && *size_ != range.size) co_return disagree(response.endpoint());
  size_ = range.size;
  etag_ = etag;
  co_return core::Result<void>();
}

core::Task<core::Result<void>> Download::connect() {
  Request request(http::verb::get, target_);
  if (offset_ > 0) {
    request.head.set(http::field::range, fmt::format("bytes={}-", offset_));
    if (!etag_.empty()) request.head.set(http::field::if_range, etag_);
  }
  KADENZA_CO_TRY(Response response, co_await nodes_.send(request));
  KADENZA_CO_TRY_VOID(co_await accept(response));
  response_ = std::move(response);
  co_return core::Result<void>();
}

core::Task<core::Result<std::size_t>> Download::read(std::span<std::uint8_t> into) {
  core::Error last;
  for (unsigned attempt = 0; attempt < kAttempts; ++attempt) {
    if (size_ && offset_ >= *size_) co_return std::size_t{0};
    if (attempt > 1) {
      boost::asio::steady_timer pause(co_await boost::asio::this_coro::executor,
                                      kFirstPause * (1u << attempt));
      co_await pause.async_wait(boost::asio::use_awaitable);
    }
    if (!response_) {
      core::Result<void> connected = co_await connect();
      if (!connected && connected.error().code != core::Errc::kUnavailable) {
        co_return std::unexpected(std::move(connected).error());
      }
      if (!connected) {
        last = std::move(connected).error();
        // Nothing was read yet: the caller hears at once that no node answers.
        if (!size_) co_return std::unexpected(std::move(last));
        continue;
      }
    }
    core::Result<std::size_t> count = co_await response_->read_some(into);
    if (count && *count > 0) {
      offset_ += *count;
      co_return *count;
    }
    if (count && offset_ >= size_.value_or(0)) continue;
    last =
        count ? core::Error{core::Errc::kUnavailable, "The song ended too early."} : std::move(count).error();
    nodes_.avoid(response_->endpoint());
    response_.reset();
  }
  co_return std::unexpected(std::move(last));
}

}  // namespace kadenza::middleware
