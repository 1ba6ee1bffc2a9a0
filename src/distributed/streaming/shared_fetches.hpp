// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "distributed/streaming/piece.hpp"

namespace kadenza::distributed::streaming {

/// Pieces that are on their way: whoever wants one of them waits for it instead of fetching it again. A song
/// that many play at once is so read from the others once. Thread-safe, one lock that is never held across a
/// suspension; what is awaited runs on its caller's strand. Outlives what is awaited.
class SharedFetches {
 public:
  struct Key {
    core::SongId song;
    core::Digest audio;  ///< zeros: whatever audio the song has
    std::uint64_t offset = 0;
    std::uint64_t length = 0;

    friend auto operator<=>(const Key&, const Key&) = default;
  };
  using Outcome = core::Result<Piece>;
  using Fetch = std::function<core::Task<Outcome>()>;

  /// What `fetch` gives, or what it gives to somebody who began it before with no later deadline. When that
  /// one is cancelled or fails, the next who waits begins anew; that nobody has the piece is said to all.
  core::Task<Outcome> run(Key key, core::Deadline deadline, Fetch fetch);

 private:
  using Shared = std::shared_ptr<const Outcome>;  ///< null: begin anew
  using Channel = boost::asio::experimental::concurrent_channel<void(boost::system::error_code, Shared)>;
  struct UnderWay {
    core::Deadline deadline{};
    std::vector<std::shared_ptr<Channel>> waiting;
  };
  class Lead;

  /// The fetch is the caller's to make, for all who will wait for it (`lead`) or for itself; or another's,
  /// who will tell `other`.
  struct Role {
    bool lead = false;
    std::shared_ptr<Channel> other;
  };
  Role role(const Key& key, core::Deadline deadline, const boost::asio::any_io_executor& executor);
  void end(const Key& key, const Shared& outcome);

  std::mutex mutex_;  // guards the one below
  std::map<Key, UnderWay> under_way_;
};

}  // namespace kadenza::distributed::streaming
