// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include <boost/beast/http/verb.hpp>

#include "core/clock.hpp"
#include "core/random.hpp"

namespace kadenza::middleware {

/// Pauses that double, each between half and the whole of its length (jitter).
struct Backoff {
  core::Duration first;
  core::Duration most;

  /// After `failures` earlier pauses.
  core::Duration pause(unsigned failures, core::Random& random) const;
};

/// Whether a node may get this request a second time without harm (RFC 9110 section 9.2.2): everything but
/// POST, and the POST that stores a song, which is stored once however often it comes.
bool is_repeatable(boost::beast::http::verb method, std::string_view target);

/// Whether two nodes may be asked this at the same time: it only reads.
bool only_reads(boost::beast::http::verb method);

/// The node lives but cannot serve this: another one may.
bool is_elsewhere_better(unsigned status);

/// When all nodes were asked in vain: whether to ask them again, and after which pause.
class Rounds {
 public:
  static constexpr unsigned kMost = 3;
  static constexpr core::Duration kLatestStart = std::chrono::seconds(3);  ///< of a further round
  static constexpr core::Duration kLongestWait = std::chrono::seconds(5);  ///< when a node says when to come

  /// `elapsed` since the first round began; `retry_after`: what a node that is overloaded said.
  std::optional<core::Duration> next(core::Duration elapsed, std::optional<std::chrono::seconds> retry_after,
                                     core::Random& random);

 private:
  unsigned done_ = 0;
  bool waited_ = false;
};

/// How long to wait for the first word of a node before another one is asked, too: four times what it takes
/// otherwise, within bounds, and longer with each that was asked already.
core::Duration hedge_after(std::optional<core::Duration> round_trip, std::size_t asked);

/// How long a stream may stand still before its rest is asked of another node: longer with each time in a row
/// that brought nothing.
core::Duration stall_limit(unsigned fruitless);

}  // namespace kadenza::middleware
