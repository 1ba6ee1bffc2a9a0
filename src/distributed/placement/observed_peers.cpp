// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/placement/observed_peers.hpp"

#include <utility>

namespace kadenza::distributed::placement {

core::Task<core::Result<std::string>> ObservedPeers::call(kademlia::Contact to, std::string_view path,
                                                          std::string request, core::Deadline deadline) {
  auto answer = co_await calls_.call(to, path, std::move(request), deadline);
  if (answer || (answer.error().code != core::Errc::kUnavailable &&
                 answer.error().code != core::Errc::kDeadlineExceeded &&
                 answer.error().code != core::Errc::kCancelled)) {
    directory_.answered(to);
  } else if (answer.error().code != core::Errc::kCancelled) {
    directory_.failed(to.id);
  }
  co_return answer;
}

}  // namespace kadenza::distributed::placement
