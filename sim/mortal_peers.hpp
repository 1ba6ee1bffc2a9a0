// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "core/error.hpp"
#include "core/task.hpp"
#include "distributed/peers/peers.hpp"

namespace kadenza::sim {

/// What a process that has ended answers to whatever of it still runs.
inline std::unexpected<core::Error> process_ended() {
  return core::fail(core::Errc::kCancelled, "this process crashed");
}

/// The calls of a process that may end: from then on they fail, also those under way.
class MortalPeers final : public distributed::peers::Peers {
 public:
  /// Both outlive it.
  MortalPeers(distributed::peers::Peers& calls, const bool& alive) : calls_(calls), alive_(alive) {}

  core::Task<core::Result<std::string>> call(distributed::kademlia::Contact to, std::string_view path,
                                             std::string request, core::Deadline deadline) override {
    if (!alive_) co_return process_ended();
    auto answer = co_await calls_.call(to, path, std::move(request), deadline);
    if (!alive_) co_return process_ended();
    co_return answer;
  }

 private:
  distributed::peers::Peers& calls_;
  const bool& alive_;
};

}  // namespace kadenza::sim
