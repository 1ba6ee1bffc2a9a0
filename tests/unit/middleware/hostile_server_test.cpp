// SPDX-License-Identifier: AGPL-3.0-or-later
#include <gtest/gtest.h>

#include "run_client.hpp"
#include "support/scripted_server.hpp"

namespace kadenza::middleware {
namespace {

using testing::answering;
using testing::http_answer;
using testing::ScriptedServer;
using testing::SeenRequest;

core::Result<SongInfo> ask(const ScriptedServer& server) {
  Client client(servers(server.url()), quick());
  return run(client.song("s1"));
}

TEST(HostileServer, EndlessHeadersEnd) {
  ScriptedServer server([](ScriptedServer::Socket& socket) {
    std::string rest;
    testing::read_request(socket, rest);
    testing::send_text(socket, "HTTP/1.1 200 OK\r\n");
    while (true) testing::send_text(socket, "X-Filler: " + std::string(1000, 'x') + "\r\n");
  });
  EXPECT_EQ(ask(server).error().code, core::Errc::kUnavailable);
}

TEST(HostileServer, AnEndlessBodyEnds) {
  ScriptedServer server([](ScriptedServer::Socket& socket) {
    std::string rest;
    testing::read_request(socket, rest);
    testing::send_text(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (true) testing::send_text(socket, "10000\r\n" + std::string(0x10000, '[') + "\r\n");
  });
  EXPECT_EQ(ask(server).error().code, core::Errc::kTooLarge);
}

TEST(HostileServer, WhatIsNotHttpOrNotJsonIsSaid) {
  for (const std::string& answer :
       {std::string("SSH-2.0-OpenSSH_9.2\r\n"), http_answer("200 OK", "<html>"), http_answer("200 OK", "[]"),
        http_answer("200 OK", std::string(100'000, '[')), http_answer("200 OK", "{}"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")}) {
    ScriptedServer server([&](ScriptedServer::Socket& socket) {
      std::string rest;
      testing::read_request(socket, rest);
      testing::send_text(socket, answer);
    });
    const auto song = ask(server);
    ASSERT_FALSE(song) << answer.substr(0, 60);
    EXPECT_FALSE(song.error().detail.empty());
  }
}

TEST(HostileServer, AProblemOfAnyShapeIsAnError) {
  for (const char* body : {"", "null", "[1]", R"({"code":7,"detail":[]})", R"({"code":"made_up"})"}) {
    ScriptedServer server(answering([&](const SeenRequest&) { return http_answer("413 Too Large", body); }));
    EXPECT_EQ(ask(server).error().code, core::Errc::kTooLarge) << body;
  }
}

}  // namespace
}  // namespace kadenza::middleware
