// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "core/clock.hpp"
#include "distributed/identity/node_key.hpp"
#include "distributed/peers/handlers.hpp"
#include "distributed/peers/node_methods.hpp"
#include "distributed/rpc/peer_connections.hpp"
#include "distributed/rpc/rpc_server.hpp"
#include "distributed/rpc/udp_socket.hpp"
#include "support/certificates.hpp"

namespace kadenza::distributed::rpc::testing {

/// A message that is only its bytes; `Tag` makes it one of a method.
template <class Tag>
struct RawMessage {
  std::string bytes;

  bool ParseFromString(std::string text) {
    bytes = std::move(text);
    return true;
  }
  std::string SerializeAsString() const { return bytes; }
};
using Echo = RawMessage<struct EchoTag>;
using Fail = RawMessage<struct FailTag>;
using Wait = RawMessage<struct WaitTag>;
using Big = RawMessage<struct BigTag>;
using Throw = RawMessage<struct ThrowTag>;

}  // namespace kadenza::distributed::rpc::testing

KADENZA_METHOD(kadenza::distributed::rpc::testing::Echo, kadenza::distributed::rpc::testing::Echo,
               "/test/Echo");
KADENZA_METHOD(kadenza::distributed::rpc::testing::Fail, kadenza::distributed::rpc::testing::Fail,
               "/test/Fail");
KADENZA_METHOD(kadenza::distributed::rpc::testing::Wait, kadenza::distributed::rpc::testing::Wait,
               "/test/Wait");
KADENZA_METHOD(kadenza::distributed::rpc::testing::Big, kadenza::distributed::rpc::testing::Big, "/test/Big");
KADENZA_METHOD(kadenza::distributed::rpc::testing::Throw, kadenza::distributed::rpc::testing::Throw,
               "/test/Throw");

namespace kadenza::distributed::rpc::testing {

using namespace std::chrono_literals;
using core::Errc;
using core::Result;
using core::Task;
using kadenza::testing::TestAuthority;

/// An io_context on two threads.
class Threads {
 public:
  Threads() {
    for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { io.run(); });
  }
  ~Threads() { stop(); }
  /// Ends its threads, and with them whatever runs on it.
  void stop() {
    work_.reset();
    io.stop();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

  boost::asio::io_context io;

 private:
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ =
      boost::asio::make_work_guard(io);
  std::vector<std::thread> threads_;
};

inline ::testing::AssertionResult eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return ::testing::AssertionFailure() << "not in time";
    std::this_thread::sleep_for(2ms);
  }
  return ::testing::AssertionSuccess();
}

/// Who is not a member any more.
class Removed {
 public:
  void add(const core::NodeId& id) {
    const std::lock_guard lock(mutex_);
    ids_.insert(id);
  }
  bool contains(const core::NodeId& id) const {
    const std::lock_guard lock(mutex_);
    return ids_.contains(id);
  }

 private:
  mutable std::mutex mutex_;
  std::set<core::NodeId> ids_;
};

/// A node that serves, on threads of its own: echo, fail, wait (until cancelled) and big.
class ServingNode {
 public:
  explicit ServingNode(const TestAuthority& authority, RpcLimits limits = {}, RpcTimes times = quick_times(),
                       std::uint16_t port = 0)
      : who(*tls::TlsIdentity::create(key, authority.credentials(key),
                                      [this](const core::NodeId& id) { return !removed.contains(id); })) {
    add_handlers();
    start(limits, times, port);
  }
  ~ServingNode() { stop(2s); }

  static RpcTimes quick_times() {
    RpcTimes times;
    times.handshake = 20s;  // this machine may be busy
    times.tick = 10ms;
    return times;
  }

  void stop(std::chrono::milliseconds patience) {
    if (!server) return;
    boost::asio::co_spawn(threads.io, server->stop(patience), boost::asio::use_future).get();
    server.reset();
  }

  boost::asio::ip::tcp::endpoint endpoint() const { return server->endpoints().at(0); }
  kademlia::Contact contact() const {
    kademlia::Contact contact;
    contact.id = key.id();
    contact.endpoint = kademlia::Endpoint::v4(0x7f000001, endpoint().port());
    return contact;
  }
  std::uint64_t refused(Refusal reason) const {
    return server->snapshot().refusals.at(static_cast<std::size_t>(reason));
  }

  Threads threads;
  core::SystemClock clock;
  identity::NodeKey key = *identity::NodeKey::generate();
  Removed removed;
  std::shared_ptr<tls::TlsIdentity> who;
  peers::Handlers handlers;
  std::unique_ptr<RpcServer> server;
  std::atomic<int> waiting = 0;    ///< calls of "wait" under way
  std::atomic<int> cancelled = 0;  ///< that were cancelled
  std::atomic<core::Duration> last_patience{};
  std::mutex mutex;
  core::NodeId last_caller;  ///< guarded by mutex

 private:
  void add_handlers() {
    handlers.add<Echo>([this](peers::Caller caller, Echo request) -> Task<Result<Echo>> {
      {
        const std::lock_guard lock(mutex);
        last_caller = caller.id;
      }
      last_patience = caller.deadline - clock.now();
      co_return request;
    });
    // "not_found:what it says"
    handlers.add<Fail>([](peers::Caller, Fail request) -> Task<Result<Fail>> {
      const auto colon = request.bytes.find(':');
      co_return core::fail(*core::parse_errc(request.bytes.substr(0, colon)),
                           request.bytes.substr(colon + 1));
    });
    handlers.add<Wait>([this](peers::Caller, Wait request) -> Task<Result<Wait>> {
      boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
      timer.expires_after(60s);
      ++waiting;
      try {
        co_await timer.async_wait(boost::asio::use_awaitable);
      } catch (const boost::system::system_error&) {
        ++cancelled;
      }
      --waiting;
      co_return request;
    });
    handlers.add<Big>([](peers::Caller, Big request) -> Task<Result<Big>> {
      co_return Big{std::string(std::stoul(request.bytes), 'b')};
    });
    handlers.add<v1::DescribeRequest>(
        [](peers::Caller, v1::DescribeRequest) -> Task<Result<v1::DescribeReply>> {
          v1::DescribeReply reply;
          reply.set_name("attic");
          reply.add_http_urls("https://192.0.2.1:4747");
          co_return reply;
        });
    handlers.add<Throw>([](peers::Caller, Throw) -> Task<Result<Throw>> {
      throw std::runtime_error("as it happens");
      co_return Throw{};
    });
  }

  void start(const RpcLimits& limits, const RpcTimes& times, std::uint16_t port) {
    RpcServer::Options options;
    options.listen = {{boost::asio::ip::make_address("127.0.0.1"), port}};
    options.limits = limits;
    options.times = times;
    server = std::make_unique<RpcServer>(threads.io.get_executor(), clock, who, handlers, options);
    const auto started = server->start();
    EXPECT_TRUE(started) << started.error().detail;
  }
};

/// A node that calls.
class CallingNode {
 public:
  static PeerTimes patient_times() {
    PeerTimes times;
    times.connect = 20s;
    times.answer = 20s;
    return times;
  }

  explicit CallingNode(const TestAuthority& authority, PeerTimes times = patient_times())
      : who(*tls::TlsIdentity::create(key, authority.credentials(key),
                                      [this](const core::NodeId& id) { return !removed.contains(id); })),
        peers(threads.io.get_executor(), clock, who, times) {}
  ~CallingNode() { boost::asio::co_spawn(threads.io, peers.stop(), boost::asio::use_future).get(); }

  std::future<Result<std::string>> begin(kademlia::Contact to, std::string path, std::string request,
                                         core::Duration patience = 20s) {
    auto work = [this, to, path = std::move(path), request = std::move(request),
                 deadline = clock.now() + patience]() -> Task<Result<std::string>> {
      auto calling = peers.call(to, path, request, deadline);
      co_return co_await std::move(calling);
    };
    return boost::asio::co_spawn(threads.io, std::move(work), boost::asio::use_future);
  }
  Result<std::string> call(kademlia::Contact to, std::string path, std::string request,
                           core::Duration patience = 20s) {
    return begin(to, std::move(path), std::move(request), patience).get();
  }
  std::uint64_t refused(Refusal reason) const {
    return peers.snapshot().refusals.at(static_cast<std::size_t>(reason));
  }

  Threads threads;
  core::SystemClock clock;
  identity::NodeKey key = *identity::NodeKey::generate();
  Removed removed;
  std::shared_ptr<tls::TlsIdentity> who;
  PeerConnections peers;
};

}  // namespace kadenza::distributed::rpc::testing
