// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/client.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "middleware/file_body.hpp"
#include "run_client.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary_folder.hpp"

namespace kadenza::middleware {
namespace {

using testing::answering;
using testing::dead_url;
using testing::http_answer;
using testing::ScriptedServer;
using testing::SeenRequest;

constexpr const char* kSong =
    R"({"id":"s1","title":"Tren","artist":"Ana","album":"","size":5,"duration_ms":61000})";

TEST(Client, SendsTheTokenAndReadsTheSong) {
  std::string head;
  ScriptedServer server(answering([&](const SeenRequest& request) {
    head = request.head;
    return http_answer("200 OK", kSong);
  }));
  Client client(servers(server.url() + "/base"), quick());
  const auto song = run(client.song("a/b"));
  ASSERT_TRUE(song) << song.error().detail;
  EXPECT_EQ(song->title, "Tren");
  EXPECT_EQ(song->duration, std::chrono::seconds(61));
  EXPECT_NE(head.find("GET /base/api/v1/songs/a%2Fb HTTP/1.1\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("Authorization: Bearer secret\r\n"), std::string::npos) << head;
}

TEST(Client, GoesToTheNextServerWhenOneRefuses) {
  ScriptedServer server(answering([](const SeenRequest&) { return http_answer("200 OK", kSong); }));
  Client client(servers(dead_url() + "," + server.url()), quick());
  EXPECT_TRUE(run(client.song("s1")));
}

TEST(Client, GoesToTheNextServerWhenOneIsSilent) {
  ScriptedServer silent([](ScriptedServer::Socket& socket) {
    std::string rest;
    testing::read_request(socket, rest);
    testing::read_request(socket, rest);  // waits until the client gives up
  });
  ScriptedServer server(answering([](const SeenRequest&) { return http_answer("200 OK", kSong); }));
  Client client(servers(silent.url() + "," + server.url()), quick());
  EXPECT_TRUE(run(client.song("s1")));
  EXPECT_EQ(silent.connections(), 1);
  EXPECT_TRUE(run(client.song("s1")));
  EXPECT_EQ(silent.connections(), 1) << "the silent server was asked first once more";
}

TEST(Client, NobodyAnswers) {
  Client client(servers(dead_url() + "," + dead_url()), quick());
  const auto song = run(client.song("s1"));
  ASSERT_FALSE(song);
  EXPECT_EQ(song.error().code, core::Errc::kUnavailable);
}

TEST(Client, ComesAgainWhenAnOverloadedServerSaysWhen) {
  int asked = 0;
  ScriptedServer server(answering([&](const SeenRequest&) {
    return ++asked == 1 ? http_answer("503 Service Unavailable", "", "Retry-After: 0\r\n")
                        : http_answer("200 OK", kSong);
  }));
  Client client(servers(server.url()), quick());
  EXPECT_TRUE(run(client.song("s1")));
  EXPECT_EQ(asked, 2);
}

TEST(Client, TellsTheServersOwnReason) {
  ScriptedServer server(answering([](const SeenRequest&) {
    return http_answer("404 Not Found", R"({"code":"not_found","detail":"No such song."})");
  }));
  Client client(servers(server.url()), quick());
  const auto song = run(client.song("s1"));
  ASSERT_FALSE(song);
  EXPECT_EQ(song.error(), (core::Error{core::Errc::kNotFound, "No such song."}));
}

TEST(Client, KeepsItsConnection) {
  ScriptedServer server(answering([](const SeenRequest&) { return http_answer("200 OK", kSong); }));
  Client client(servers(server.url()), quick());
  auto three = [&]() -> core::Task<int> {
    int good = 0;
    for (int i = 0; i < 3; ++i) {
      const auto song = co_await client.song("s1");
      good += song ? 1 : 0;
    }
    co_return good;
  };
  EXPECT_EQ(run(three()), 3);
  EXPECT_EQ(server.connections(), 1);
}

class Uploading : public ::testing::Test {
 protected:
  std::unique_ptr<FileBody> file(std::size_t bytes) {
    content_.resize(bytes);
    for (std::size_t i = 0; i < bytes; ++i) content_[i] = static_cast<char>(i * 31 >> 3U);
    std::ofstream(folder_.path() / "song", std::ios::binary) << content_;
    return std::move(*FileBody::open(folder_.path() / "song", {}));
  }
  testing::TemporaryFolder folder_;
  std::string content_;
};

TEST_F(Uploading, TheWholeFileArrives) {
  const auto body = file(3'000'001);
  std::string seen;
  ScriptedServer server(answering([&](const SeenRequest& request) {
    seen = request.body;
    return http_answer("201 Created",
                       std::string(R"({"song":)") + kSong + R"(,"added":true,"same_audio":true})");
  }));
  Client client(servers(server.url()), quick());
  const auto answer = run(client.upload(*body));
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_TRUE(answer->added);
  EXPECT_EQ(seen, content_);
}

TEST_F(Uploading, StartsOverAtAnotherServerWhenOneDiesMidway) {
  const auto body = file(3'000'001);
  ScriptedServer dying([](ScriptedServer::Socket& socket) {
    std::string some(100'000, '\0');
    boost::asio::read(socket, boost::asio::buffer(some));
  });
  std::string seen;
  ScriptedServer server(answering([&](const SeenRequest& request) {
    seen = request.body;
    return http_answer("201 Created", std::string(R"({"song":)") + kSong + R"(,"added":true})");
  }));
  Client client(servers(dying.url() + "," + server.url()), quick());
  EXPECT_TRUE(run(client.upload(*body)));
  EXPECT_EQ(seen, content_);
}

TEST(Client, ALogInThatMayHaveHappenedIsNotRepeated) {
  ScriptedServer dying([](ScriptedServer::Socket& socket) {
    std::string rest;
    testing::read_request(socket, rest);
  });
  ScriptedServer server(
      answering([](const SeenRequest&) { return http_answer("201 Created", R"({"token":"t"})"); }));
  Client client(servers(dying.url() + "," + server.url(), ""), quick());
  EXPECT_FALSE(run(client.redeem("code")));
  EXPECT_EQ(server.connections(), 0);
  Client other(servers(dead_url() + "," + server.url(), ""), quick());
  const auto log_in = run(other.redeem("code"));
  ASSERT_TRUE(log_in);
  EXPECT_EQ(log_in->endpoint.url(), server.url());
}

TEST(Client, SearchKeepsTheAnswerForPrograms) {
  ScriptedServer server(answering([](const SeenRequest& request) {
    EXPECT_TRUE(request.has("q=d%C3%ADa%20%26&songs=7")) << request.head;
    return http_answer("200 OK",
                       std::string(R"({"songs":[)") + kSong +
                           R"(],"albums":[{"id":"a","title":"B"}],"artists":[],"partial":true,"new":1})");
  }));
  Client client(servers(server.url()), quick());
  const auto found = run(client.search("día &", 7, 5));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->songs.size(), 1U);
  EXPECT_EQ(found->albums.front().title, "B");
  EXPECT_TRUE(found->partial);
  EXPECT_TRUE(found->json.contains("new"));
}

}  // namespace
}  // namespace kadenza::middleware
