// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <boost/asio/awaitable.hpp>

namespace kadenza::core {

/// A lazy coroutine on its caller's executor; cancellation reaches it through Asio's cancellation slots.
template <class T>
using Task = boost::asio::awaitable<T>;

}  // namespace kadenza::core
