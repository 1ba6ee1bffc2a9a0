// SPDX-License-Identifier: AGPL-3.0-or-later
#include <gtest/gtest.h>

#include "run_client.hpp"
#include "support/scripted_server.hpp"

namespace kadenza::middleware {
namespace {

using testing::http_answer;
using testing::ScriptedServer;
using testing::SeenRequest;

const std::string kEtag = "ETag: \"e\"\r\n";

std::string sample(std::size_t bytes) {
  std::string content(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) content[i] = static_cast<char>(i * 131 >> 5U);
  return content;
}

core::Task<core::Result<std::string>> fetch(Client& client, std::uint64_t offset) {
  Download download = client.audio("s1", offset);
  std::string got;
  std::vector<std::uint8_t> piece(10'000);
  while (true) {
    KADENZA_CO_TRY(const std::size_t count, co_await download.read(piece));
    if (count == 0) co_return got;
    got.append(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(count));
  }
}

/// Sends only the first `bytes` of the file, then closes.
ScriptedServer::Script cutting_at(const std::string& content, std::size_t bytes) {
  return [&content, bytes](ScriptedServer::Socket& socket) {
    std::string rest;
    testing::read_request(socket, rest);
    const std::string whole = http_answer("200 OK", content, kEtag);
    testing::send_text(socket, whole.substr(0, whole.size() - content.size() + bytes));
  };
}

std::string partial_answer(const std::string& content, std::size_t from) {
  return http_answer("206 Partial Content", content.substr(from),
                     kEtag + "Content-Range: bytes " + std::to_string(from) + "-" +
                         std::to_string(content.size() - 1) + "/" + std::to_string(content.size()) + "\r\n");
}

TEST(Download, GoesOnAtTheByteElsewhereWhenCut) {
  const std::string content = sample(300'000);
  ScriptedServer dying(cutting_at(content, 123'456));
  ScriptedServer server(testing::answering([&](const SeenRequest& request) {
    EXPECT_TRUE(request.has("Range: bytes=123456-\r\n")) << request.head;
    EXPECT_TRUE(request.has("If-Range: \"e\"\r\n")) << request.head;
    return partial_answer(content, 123'456);
  }));
  Client client(servers(dying.url() + "," + server.url()), quick());
  const auto got = run(fetch(client, 0));
  ASSERT_TRUE(got) << got.error().detail;
  EXPECT_EQ(*got, content);
}

TEST(Download, GoesOnElsewhereWhenAServerStalls) {
  const std::string content = sample(100'000);
  ScriptedServer stalling([&](ScriptedServer::Socket& socket) {
    std::string rest;
    testing::read_request(socket, rest);
    const std::string whole = http_answer("200 OK", content, kEtag);
    testing::send_text(socket, whole.substr(0, whole.size() - content.size() + 50'000));
    testing::read_request(socket, rest);  // waits until the client gives up
  });
  ScriptedServer server(
      testing::answering([&](const SeenRequest&) { return partial_answer(content, 50'000); }));
  Client client(servers(stalling.url() + "," + server.url()), quick());
  const auto got = run(fetch(client, 0));
  ASSERT_TRUE(got) << got.error().detail;
  EXPECT_EQ(*got, content);
}

TEST(Download, TakesUpAnEarlierOne) {
  const std::string content = sample(10'000);
  ScriptedServer server(testing::answering([&](const SeenRequest& request) {
    EXPECT_TRUE(request.has("Range: bytes=4000-\r\n"));
    return partial_answer(content, 4'000);
  }));
  Client client(servers(server.url()), quick());
  const auto got = run(fetch(client, 4'000));
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, content.substr(4'000));
}

TEST(Download, AnotherFileUnderTheSameSongIsAnError) {
  const std::string content = sample(100'000);
  ScriptedServer dying(cutting_at(content, 50'000));
  ScriptedServer other(testing::answering(
      [&](const SeenRequest&) { return http_answer("200 OK", sample(77), "ETag: \"other\"\r\n"); }));
  Client client(servers(dying.url() + "," + other.url()), quick());
  const auto got = run(fetch(client, 0));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, core::Errc::kCorrupted);
}

TEST(Download, AWrongRangeIsAnError) {
  const std::string content = sample(100);
  ScriptedServer server(testing::answering([&](const SeenRequest&) { return partial_answer(content, 10); }));
  Client client(servers(server.url()), quick());
  EXPECT_FALSE(run(fetch(client, 20)));
}

TEST(Download, GivesUpWhenEveryServerCutsAtOnce) {
  const std::string content = sample(100'000);
  ScriptedServer dying(cutting_at(content, 0));
  Client client(servers(dying.url()), quick());
  const auto got = run(fetch(client, 0));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, core::Errc::kUnavailable);
}

}  // namespace
}  // namespace kadenza::middleware
