// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <future>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "support/fake_library.hpp"
#include "support/http_client.hpp"
#include "views/http_server.hpp"

namespace kadenza::views {

/// A server on a free loopback port with two threads, over fakes.
class ServerFixture : public ::testing::Test {
 protected:
  using Response = testing::HttpResponse;

  ServerFixture() { options.listen = {{"127.0.0.1", 0, false}}; }

  ~ServerFixture() override {
    if (server) stop().get();
    work.reset();
    for (auto& thread : threads) thread.join();
  }

  void start() {
    server.emplace(context.get_executor(),
                   HttpDependencies{*library, accounts, clock, std::make_shared<prometheus::Registry>(),
                                    access_log, network, site, web_authority},
                   options);
    const auto started = server->start();
    ASSERT_TRUE(started) << started.error().detail;
    for (int i = 0; i < 2; ++i) threads.emplace_back([this] { context.run(); });
  }

  std::future<void> stop() { return boost::asio::co_spawn(context, server->stop(), boost::asio::use_future); }

  std::uint16_t port() const { return server->addresses().front().port; }

  static std::string request(std::string_view method, std::string_view target, std::string_view fields = "",
                             std::string_view token = "uploader") {
    std::string text(method);
    text.append(" ").append(target).append(" HTTP/1.1\r\nHost: test\r\n");
    if (!token.empty()) text.append("Authorization: Bearer ").append(token).append("\r\n");
    return text.append(fields).append("\r\n");
  }

  Response get(std::string_view target, std::string_view fields = "", std::string_view token = "uploader") {
    return testing::HttpClient(port()).exchange(request("GET", target, fields, token));
  }

  Response post(std::string_view target, std::string_view body, std::string_view fields = "",
                std::string_view token = "uploader") {
    const auto all = std::string(fields) + "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return testing::HttpClient(port()).exchange(request("POST", target, all, token).append(body));
  }

  static boost::json::object object(const Response& response) {
    return boost::json::parse(response.body()).as_object();
  }
  static std::string code(const Response& response) {
    return object(response).at("code").as_string().c_str();
  }

  /// Waits, with a deadline, for what must become true.
  template <class Condition>
  static bool eventually(Condition&& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }

  std::unique_ptr<testing::FakeLibrary> library = std::make_unique<testing::FakeLibrary>();
  testing::FakeAccounts accounts;
  core::SystemClock clock;
  core::Network* network = nullptr;
  Site site;
  std::function<std::string()> web_authority;
  HttpOptions options;
  std::shared_ptr<spdlog::logger> access_log;
  boost::asio::io_context context;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
  std::optional<HttpServer> server;
  std::vector<std::thread> threads;
};

}  // namespace kadenza::views
