// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/streaming/shared_fetches.hpp"

#include <utility>

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace kadenza::distributed::streaming {

namespace asio = boost::asio;
using core::Errc;

/// Ends a fetch for those who wait for it, however its coroutine ends.
class SharedFetches::Lead {
 public:
  Lead(SharedFetches& fetches, const Key& key) : fetches_(fetches), key_(key) {}
  Lead(const Lead&) = delete;
  ~Lead() { fetches_.end(key_, outcome_); }

  void share(const Outcome& outcome) {
    const bool for_all = outcome || outcome.error().code == Errc::kNotFound;
    if (for_all) outcome_ = std::make_shared<const Outcome>(outcome);
  }

 private:
  SharedFetches& fetches_;
  const Key key_;
  Shared outcome_;
};

core::Task<SharedFetches::Outcome> SharedFetches::run(Key key, core::Deadline deadline, Fetch fetch) {
  const auto executor = co_await asio::this_coro::executor;
  while (true) {
    const Role mine = role(key, deadline, executor);
    if (mine.other) {
      const Shared outcome = co_await mine.other->async_receive(asio::use_awaitable);
      if (outcome) co_return *outcome;
      continue;
    }
    if (!mine.lead) co_return co_await fetch();
    Lead lead(*this, key);
    auto outcome = co_await fetch();
    lead.share(outcome);
    co_return outcome;
  }
}

SharedFetches::Role SharedFetches::role(const Key& key, core::Deadline deadline,
                                        const asio::any_io_executor& executor) {
  const std::lock_guard lock(mutex_);
  const auto [fetch, is_new] = under_way_.try_emplace(key, UnderWay{deadline, {}});
  if (is_new) return {.lead = true, .other = nullptr};
  if (fetch->second.deadline > deadline) return {};
  auto channel = std::make_shared<Channel>(executor, 1);
  fetch->second.waiting.push_back(channel);
  return {.lead = false, .other = std::move(channel)};
}

void SharedFetches::end(const Key& key, const Shared& outcome) {
  std::vector<std::shared_ptr<Channel>> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting = std::move(under_way_.extract(key).mapped().waiting);
  }
  for (const auto& channel : waiting) channel->try_send(boost::system::error_code(), outcome);
}

}  // namespace kadenza::distributed::streaming
