// SPDX-License-Identifier: AGPL-3.0-or-later
#include <fstream>
#include <iterator>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "core/sha256.hpp"
#include "environment.hpp"
#include "middleware/endpoint.hpp"
#include "middleware/token_store.hpp"
#include "support/scripted_server.hpp"

namespace kadenza::interface {
namespace {

using testing::answering;
using testing::dead_url;
using testing::http_answer;
using testing::ScriptedServer;
using testing::SeenRequest;

const std::string kId = core::sha256("a song").text();
const std::string kAudio = "the bytes of a song";

std::string song_json() {
  return R"({"id":")" + kId + R"(","title":"Tren","artist":"Ana","album":"Vías","format":"mp3","size":)" +
         std::to_string(kAudio.size()) + R"(,"audio_hash":")" + core::sha256(kAudio).text() + "\"}";
}

std::string stored(bool added, bool same_audio) {
  return R"({"song":)" + song_json() + R"(,"added":)" + (added ? "true" : "false") + R"(,"same_audio":)" +
         (same_audio ? "true" : "false") + R"(,"searchable":true})";
}

/// A node that judges uploads by their content.
std::string judge(const SeenRequest& request) {
  if (request.body == "new") return http_answer("201 Created", stored(true, true));
  if (request.body == "old") return http_answer("200 OK", stored(false, true));
  if (request.body == "other") return http_answer("200 OK", stored(false, false));
  return http_answer("422 Unprocessable", R"({"code":"missing_tags","detail":"The title is missing."})");
}

class UploadCommand : public ::testing::Test {
 protected:
  void file(const std::string& name, const std::string& content) {
    const auto path = music_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << content;
  }
  Ended upload(const std::string& server, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"upload", music_.path().string(), "--jobs", "1", "--server", server};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return program_(arguments);
  }
  testing::TemporaryFolder music_;
  Program program_;
};

TEST_F(UploadCommand, FoldersGoUpAndEveryOutcomeIsTold) {
  file("a/new.mp3", "new");
  file("a/b/old.FLAC", "old");
  file("a/b/other.ogg", "other");
  file("a/bad.opus", "bad");
  file("a/cover.jpg", "not music");
  ScriptedServer server(answering(judge));
  const Ended run = upload(server.url());
  EXPECT_EQ(run.code, 1);
  EXPECT_EQ(run.out.substr(0, run.out.find(" (")), "1 added, 2 already there, 1 refused");
  EXPECT_NE(run.err.find("bad.opus: title or artist is missing: The title is missing."), std::string::npos)
      << run.err;
  EXPECT_EQ(run.err.find("cover.jpg"), std::string::npos);
}

TEST_F(UploadCommand, ForProgramsThereIsOneDocument) {
  file("new.mp3", "new");
  file("bad.mp3", "bad");
  ScriptedServer server(answering(judge));
  const Ended run = upload(server.url(), {"--json"});
  const auto document = boost::json::parse(run.out).as_object();
  EXPECT_EQ(document.at("added").as_int64(), 1);
  EXPECT_EQ(document.at("refused").as_int64(), 1);
  const auto& files = document.at("files").as_array();
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].at("error").at("code").as_string(), "missing_tags");
  EXPECT_EQ(files[1].at("outcome").as_string(), "added");
  EXPECT_EQ(files[1].at("song").at("title").as_string(), "Tren");
  EXPECT_TRUE(run.err.empty()) << run.err;
}

TEST_F(UploadCommand, AGivenFileNeedsNoExtension) {
  file("new", "new");
  ScriptedServer server(answering(judge));
  EXPECT_EQ(program_({"upload", (music_.path() / "new").string(), "--server", server.url()}).code, 0);
  EXPECT_EQ(program_({"upload", (music_.path() / "missing").string(), "--server", server.url()}).code, 1);
}

TEST_F(UploadCommand, StopsAtOnceWhenNoFileWouldFareBetter) {
  for (int i = 0; i < 5; ++i) file(std::to_string(i) + ".mp3", "new");
  const Ended nobody = upload(dead_url());
  EXPECT_EQ(nobody.code, 3);
  EXPECT_NE(nobody.err.find("5 files are left"), std::string::npos) << nobody.err;
  int asked = 0;
  ScriptedServer server(lone_node([&](const SeenRequest&) {
    ++asked;
    return http_answer("401 Unauthorized", R"({"code":"unauthenticated","detail":"A log-in is needed."})");
  }));
  const Ended stranger = upload(server.url());
  EXPECT_EQ(stranger.code, 4);
  EXPECT_EQ(asked, 1);
  EXPECT_NE(stranger.err.find("kadenza login"), std::string::npos) << stranger.err;
}

TEST(SearchCommand, PassesTheServersDocumentOn) {
  Program program;
  ScriptedServer server(lone_node([](const SeenRequest& request) {
    EXPECT_TRUE(request.has("q=mi%20tren&songs=3")) << request.head;
    return http_answer("200 OK",
                       R"({"songs":[)" + song_json() + R"(],"albums":[],"artists":[],"partial":false})");
  }));
  const Ended run = program({"search", "mi", "tren", "-n", "3", "--json", "--server", server.url()});
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(boost::json::parse(run.out).at("songs").at(0).at("album").as_string(), "Vías");
  const Ended people =
      program({"search", "mi", "tren", "-n", "3", "--server", dead_url() + "," + server.url()});
  EXPECT_NE(people.out.find(kId), std::string::npos);
}

class GetCommand : public ::testing::Test {
 protected:
  static ScriptedServer::Script node() {
    return answering([](const SeenRequest& request) {
      if (!request.has("/audio ")) return http_answer("200 OK", song_json());
      if (request.has("Range: bytes=4-\r\n")) {
        return http_answer("206 Partial Content", kAudio.substr(4),
                           "Content-Range: bytes 4-" + std::to_string(kAudio.size() - 1) + "/" +
                               std::to_string(kAudio.size()) + "\r\n");
      }
      return http_answer("200 OK", kAudio, "ETag: \"e\"\r\n");
    });
  }
  std::string content() const {
    std::ifstream in(target_);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  Program program_;
  testing::TemporaryFolder folder_;
  std::filesystem::path target_ = folder_.path() / "song.mp3";
};

TEST_F(GetCommand, WritesTheFile) {
  ScriptedServer server(node());
  const Ended run = program_({"get", kId, "-o", target_.string(), "--server", server.url(), "--json"});
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(content(), kAudio);
  EXPECT_EQ(boost::json::parse(run.out).at("song").at("id").as_string(), kId);
}

TEST_F(GetCommand, GoesOnWhereAnEarlierRunStopped) {
  ScriptedServer server(node());
  std::ofstream(target_.string() + ".part") << kAudio.substr(0, 4);
  ASSERT_EQ(program_({"get", kId, "-o", target_.string(), "--server", server.url()}).code, 0);
  EXPECT_EQ(content(), kAudio);
}

TEST_F(GetCommand, StartsOverWhenTheEarlierBytesWereOthers) {
  ScriptedServer server(node());
  std::ofstream(target_.string() + ".part") << "junk";
  ASSERT_EQ(program_({"get", kId, "-o", target_.string(), "--server", server.url()}).code, 0);
  EXPECT_EQ(content(), kAudio);
}

TEST_F(GetCommand, PipesToAPlayer) {
  ScriptedServer server(node());
  const Ended run = program_({"get", kId, "-o", "-", "--server", server.url()});
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(run.out, kAudio);
}

TEST_F(GetCommand, AnUnknownSongLeavesNothingBehind) {
  ScriptedServer server(answering([](const SeenRequest&) {
    return http_answer("404 Not Found", R"({"code":"not_found","detail":"No such song."})");
  }));
  const Ended run = program_({"get", kId, "-o", target_.string(), "--server", server.url()});
  EXPECT_EQ(run.code, 1);
  EXPECT_NE(run.err.find("No such song."), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST(LoginCommand, RemembersTheServersToken) {
  Program program;
  std::string head;
  ScriptedServer server(answering([&](const SeenRequest& request) {
    head = request.head;
    return request.has("POST /api/v1/session ")
               ? http_answer("201 Created", R"({"token":"tok","user":"admin","role":"admin"})")
               : http_answer("200 OK", R"({"songs":[],"albums":[],"artists":[],"partial":false})");
  }));
  const Ended run = program({"login", "--code", "abc", "--server", server.url()});
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out.find("tok"), std::string::npos) << "the token was shown";
  EXPECT_EQ(program({"search", "x", "--server", server.url()}).code, 0);
  EXPECT_NE(head.find("Authorization: Bearer tok\r\n"), std::string::npos) << head;
}

}  // namespace
}  // namespace kadenza::interface
