// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/lanes.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

namespace kadenza::distributed::repair {
namespace {

core::Task<void> lane(const std::function<core::Task<bool>()>& step) {
  bool goes_on = true;
  while (goes_on) goes_on = co_await step();
}

}  // namespace

core::Task<void> in_lanes(const std::function<core::Task<bool>()>& step) {
  using namespace boost::asio::experimental::awaitable_operators;
  co_await (lane(step) && lane(step) && lane(step) && lane(step));
}

}  // namespace kadenza::distributed::repair
