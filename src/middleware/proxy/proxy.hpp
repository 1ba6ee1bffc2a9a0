// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "core/background.hpp"
#include "middleware/failover.hpp"
#include "middleware/node_memory.hpp"
#include "middleware/proxy/app_connection.hpp"

namespace kadenza::middleware {

/// All nodes under one address of this machine, for apps that know only one: it forwards every request to a
/// node that can serve it, and when that one dies goes on with another. It adds no log-in of its own: whoever
/// asks must bring one that the nodes accept. One executor, run by one thread; must live until stop() has
/// answered.
class Proxy {
 public:
  struct Config {
    std::vector<Server> servers;
    HttpClient::Config http;
    NodeMemory memory;
    std::uint64_t upload_limit;  ///< bytes of one request's body
  };
  static constexpr std::size_t kConnectionsMax = 256;  ///< further ones wait
  static constexpr std::uint64_t kSpoolBytesMax = 8ull << 30;

  Proxy(boost::asio::any_io_executor executor, Config config, std::shared_ptr<spdlog::logger> log);
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  /// Listens and begins to serve. `port` 0: any free one.
  core::Result<void> start(const std::string& address, std::uint16_t port);
  /// Where apps reach it, once it has started.
  std::string url() const;
  /// Accepts nothing more, lets requests under way finish, and cuts off what is left after some seconds.
  core::Task<void> stop();

 private:
  core::Task<void> accept_all();
  core::Task<void> keep_up();
  core::Task<void> learn();
  void tell_changes();
  void serve(boost::asio::ip::tcp::socket socket);

  boost::asio::any_io_executor executor_;
  std::shared_ptr<spdlog::logger> log_;
  Failover nodes_;
  NodeMemory memory_;
  ProxyShared shared_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::set<std::shared_ptr<AppConnection>> connections_;
  boost::asio::steady_timer one_ended_;  ///< cancelled whenever a connection ends
  std::vector<bool> well_;               ///< by index in the book, as was told last
  std::string tried_;                    ///< the app's log-in with which learn() asked last
  core::Background background_;
};

}  // namespace kadenza::middleware
