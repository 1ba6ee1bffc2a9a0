// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/retry.hpp"

#include <algorithm>
#include <utility>

namespace kadenza::middleware {
namespace {

namespace http = boost::beast::http;
using std::chrono::milliseconds;

constexpr unsigned kDoublingsMax = 20;
constexpr Backoff kBetweenRounds{milliseconds(100), milliseconds(1000)};
constexpr core::Duration kHedgeLeast = milliseconds(150);
constexpr core::Duration kHedgeMost = milliseconds(1000);
constexpr core::Duration kStall = milliseconds(200);
constexpr core::Duration kStallMost = milliseconds(6400);

core::Duration doubled(core::Duration first, std::size_t times, core::Duration most) {
  return std::min<core::Duration>(most, first * (1LL << std::min<std::size_t>(times, kDoublingsMax)));
}

}  // namespace

core::Duration Backoff::pause(unsigned failures, core::Random& random) const {
  const core::Duration longest = doubled(first, failures, most);
  const auto half = static_cast<std::uint64_t>(longest.count() / 2);
  return core::Duration(static_cast<core::Duration::rep>(half + random.below(half + 1)));
}

bool is_repeatable(http::verb method, std::string_view target) {
  switch (method) {
    case http::verb::get:
    case http::verb::head:
    case http::verb::options:
    case http::verb::put:
    case http::verb::delete_:
      return true;
    case http::verb::post:
      return target.substr(0, target.find('?')) == "/api/v1/songs";
    default:
      return false;
  }
}

bool only_reads(http::verb method) {
  return method == http::verb::get || method == http::verb::head || method == http::verb::options;
}

bool is_elsewhere_better(unsigned status) {
  return status == 502 || status == 503 || status == 504;
}

std::optional<core::Duration> Rounds::next(core::Duration elapsed,
                                           std::optional<std::chrono::seconds> retry_after,
                                           core::Random& random) {
  ++done_;
  if (retry_after) {  // once: a node that says it twice means it
    if (std::exchange(waited_, true)) return std::nullopt;
    return std::min<core::Duration>(*retry_after, kLongestWait);
  }
  if (done_ >= kMost || elapsed >= kLatestStart) return std::nullopt;
  return kBetweenRounds.pause(done_ - 1, random);
}

core::Duration hedge_after(std::optional<core::Duration> round_trip, std::size_t asked) {
  constexpr int kUsualTimes = 4;
  const core::Duration usual = round_trip.value_or(core::Duration::zero());
  return doubled(std::clamp(usual * kUsualTimes, kHedgeLeast, kHedgeMost), asked - 1, kHedgeMost);
}

core::Duration stall_limit(unsigned fruitless) {
  return doubled(kStall, fruitless, kStallMost);
}

}  // namespace kadenza::middleware
