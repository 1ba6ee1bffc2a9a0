// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "middleware/client.hpp"

namespace kadenza::middleware {

inline std::vector<Server> servers(const std::string& list, const std::string& token = "secret") {
  std::vector<Server> made;
  auto endpoints = parse_servers(list);
  for (Endpoint& endpoint : *endpoints) made.push_back({std::move(endpoint), token});
  return made;
}

/// Time-outs that tests can wait for.
inline HttpClient::Config quick() {
  HttpClient::Config config;
  config.timeouts = {std::chrono::milliseconds(2000), std::chrono::milliseconds(300)};
  return config;
}

/// Kept connections live in a Client between two calls, so the context must outlive every Client.
inline boost::asio::io_context& shared_context() {
  static boost::asio::io_context io;
  return io;
}

template <class T>
T run(core::Task<T> task) {
  boost::asio::io_context& io = shared_context();
  io.restart();
  auto result = boost::asio::co_spawn(io, std::move(task), boost::asio::use_future);
  io.run();
  return result.get();
}

}  // namespace kadenza::middleware
