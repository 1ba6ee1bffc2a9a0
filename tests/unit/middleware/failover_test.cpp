// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/failover.hpp"

#include <gtest/gtest.h>

#include "run_client.hpp"
#include "support/scripted_server.hpp"

namespace kadenza::middleware {
namespace {

namespace http = boost::beast::http;
using testing::answering;
using testing::dead_url;
using testing::http_answer;
using testing::ScriptedServer;
using testing::SeenRequest;

/// As a node under SIGSTOP: the system accepts for it, and nothing more happens.
void says_nothing(ScriptedServer::Socket& socket) {
  std::string rest;
  testing::read_request(socket, rest);
  testing::read_request(socket, rest);  // until the client gives up
}

HttpClient::Config patient() {
  HttpClient::Config config;
  config.timeouts = {std::chrono::milliseconds(2000), std::chrono::milliseconds(60'000)};
  return config;
}

/// "STATUS BODY" of whichever node answers, or the error's sentence.
core::Task<std::string> ask(Failover& nodes, Request& request, Failover::Wanted wanted = {}) {
  core::Result<Response> answer = co_await nodes.send(request, std::move(wanted));
  if (!answer) co_return answer.error().detail;
  const std::string status = std::to_string(answer->status());
  const core::Result<std::string> body = co_await answer->read_all(1000);
  co_return status + " " + body.value_or("?");
}

std::string get(Failover& nodes) {
  Request request(http::verb::get, "/x");
  return run(ask(nodes, request));
}

ScriptedServer::Script always(const std::string& status, const std::string& body) {
  return answering([=](const SeenRequest&) { return http_answer(status, body); });
}

TEST(FailoverTest, AnotherNodeIsAskedBesideOneThatSaysNothing) {
  ScriptedServer silent(says_nothing);
  ScriptedServer server(always("200 OK", "b"));
  Failover nodes(servers(silent.url() + "," + server.url()), patient());
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(get(nodes), "200 b");
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20))
      << "it waited for the time-out";
}

TEST(FailoverTest, AQuickNodeIsNotDoubted) {
  ScriptedServer first(always("200 OK", "a"));
  ScriptedServer second(always("200 OK", "b"));
  Failover nodes(servers(first.url() + "," + second.url()), patient());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(get(nodes), "200 a");
  EXPECT_EQ(second.connections(), 0);
}

TEST(FailoverTest, ComesBackToANodeThatWasDeadForAMoment) {
  int asked = 0;
  ScriptedServer server([&](ScriptedServer::Socket& socket) {
    std::string rest;
    testing::read_request(socket, rest);
    if (++asked == 2) testing::send_text(socket, http_answer("200 OK", "back"));
  });
  Failover nodes(servers(server.url()), patient());
  EXPECT_EQ(get(nodes), "200 back");
}

TEST(FailoverTest, PassesTheLastWordOfOverloadedNodesOn) {
  ScriptedServer first(always("503 Service Unavailable", "a"));
  ScriptedServer second(always("503 Service Unavailable", "b"));
  Failover nodes(servers(first.url() + "," + second.url()), patient());
  EXPECT_EQ(get(nodes).substr(0, 4), "503 ");
}

TEST(FailoverTest, ALogInThatANodeDoesNotKnowYetMayBeKnownElsewhere) {
  ScriptedServer first(always("401 Unauthorized", "a"));
  ScriptedServer second(always("200 OK", "b"));
  Failover nodes(servers(first.url() + "," + second.url()), patient());
  EXPECT_EQ(get(nodes), "401 a") << "its own log-in: nobody knows better";
  Request request(http::verb::get, "/x");
  request.has_own_login = true;
  EXPECT_EQ(run(ask(nodes, request)), "200 b");
}

TEST(FailoverTest, SomebodyElsesLogInDoesNotHideThatTheNodeIsDead) {
  ScriptedServer other(always("401 Unauthorized", "b"));
  const std::string dead = dead_url();
  Failover nodes(servers(dead), patient());
  ASSERT_TRUE(nodes.book().learn(*parse_endpoint(other.url()), 0));
  EXPECT_NE(get(nodes).find(dead), std::string::npos) << get(nodes);
}

TEST(FailoverTest, GoesOnUntilTheAnswerIsTheWantedOne) {
  ScriptedServer first(always("200 OK", "a"));
  ScriptedServer second(always("202 Accepted", "b"));
  Failover nodes(servers(first.url() + "," + second.url()), patient());
  Request request(http::verb::get, "/x");
  EXPECT_EQ(run(ask(nodes, request, [](const Response& answer) { return answer.status() == 202; })), "202 b");
  EXPECT_EQ(run(ask(nodes, request, [](const Response&) { return false; })).substr(0, 2), "20")
      << "when none is, one of them";
}

TEST(FailoverTest, AFarNodeShowsTheTokenOfTheOneThatNamedIt) {
  std::string head;
  ScriptedServer other(answering([&](const SeenRequest& request) {
    head = request.head;
    return http_answer("200 OK", "b");
  }));
  Failover nodes(servers(dead_url(), "of the first"), patient());
  ASSERT_TRUE(nodes.book().learn(*parse_endpoint(other.url()), 0));
  EXPECT_EQ(get(nodes), "200 b");
  EXPECT_NE(head.find("Authorization: Bearer of the first\r\n"), std::string::npos) << head;
}

class Sending : public RequestBody {
 public:
  std::uint64_t size() const override { return 4'000'000; }
  core::Task<core::Result<std::size_t>> read(std::span<std::uint8_t> into) override { co_return into.size(); }
  core::Result<void> rewind() override { return {}; }
};

TEST(FailoverTest, AnUploadLeavesANodeThatStoppedAnsweringProbes) {
  ScriptedServer silent([](ScriptedServer::Socket& socket) {
    std::string some(100'000, '\0');
    boost::asio::read(socket, boost::asio::buffer(some));
    std::string rest;
    testing::read_request(socket, rest);  // the rest never ends: nothing is read beyond the system's buffers
    testing::read_request(socket, rest);
  });
  ScriptedServer server(always("201 Created", "b"));
  Failover nodes(servers(silent.url() + "," + server.url()), patient());
  Sending body;
  Request request(http::verb::post, "/api/v1/songs");
  request.body = &body;
  EXPECT_EQ(run(ask(nodes, request)), "201 b");
}

}  // namespace
}  // namespace kadenza::middleware
