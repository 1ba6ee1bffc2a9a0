// SPDX-License-Identifier: AGPL-3.0-or-later
// POST /api/v1/songs in all its forms.
#include "unit/views/server_fixture.hpp"

namespace kadenza::views {
namespace {

constexpr std::string_view kSongs = "/api/v1/songs";
constexpr std::string_view kFile = "SONG\nTitle\nArtist\nAlbum\nsound";

class Uploads : public ServerFixture {
 protected:
  static std::string chunked(std::string_view body, std::size_t size) {
    std::string text;
    for (; !body.empty(); body.remove_prefix(std::min(size, body.size()))) {
      const auto chunk = body.substr(0, size);
      char head[16];
      std::snprintf(head, sizeof head, "%zx\r\n", chunk.size());
      text.append(head).append(chunk).append("\r\n");
    }
    return text + "0\r\n\r\n";
  }

  Response post_form(std::string_view body) {
    return post(kSongs, body, "Content-Type: multipart/form-data; boundary=b\r\n");
  }

  static std::string part(std::string_view name, std::string_view content) {
    return "--b\r\nContent-Disposition: form-data; name=\"" + std::string(name) +
           "\"; filename=\"x.mp3\"\r\n\r\n" + std::string(content) + "\r\n";
  }
};

TEST_F(Uploads, AreCreatedOnceAndFoundAgain) {
  start();
  const auto created = post(kSongs, kFile);
  EXPECT_EQ(created.result_int(), 201U);
  EXPECT_TRUE(object(created).at("added").as_bool());
  EXPECT_EQ(library->expected_size, kFile.size());
  const auto id = std::string(object(created).at("song").at("id").as_string());
  EXPECT_EQ(created["Location"], "/api/v1/songs/" + id);
  const auto same = post(kSongs, kFile);
  EXPECT_EQ(same.result_int(), 200U);
  EXPECT_FALSE(object(same).at("added").as_bool());
  EXPECT_TRUE(object(same).at("same_audio").as_bool());
  const auto other = post(kSongs, std::string(kFile) + "!");
  EXPECT_EQ(other.result_int(), 200U);
  EXPECT_FALSE(object(other).at("same_audio").as_bool());
  EXPECT_EQ(get("/api/v1/songs/" + id + "/audio").body(), kFile);
}

TEST_F(Uploads, LargeBodiesArriveInLargePieces) {
  start();
  const auto body = std::string(kFile) + std::string(5'000'000, 'x');
  EXPECT_EQ(post(kSongs, body).result_int(), 201U);
  EXPECT_EQ(library->largest_piece, 256U * 1024);
  EXPECT_EQ(library->bytes_written, body.size());
}

TEST_F(Uploads, ComeInChunksAsWell) {
  start();
  testing::HttpClient client(port());
  const auto body = std::string(kFile) + std::string(100'000, 'x');
  const auto head = request("POST", kSongs, "Transfer-Encoding: chunked\r\n");
  EXPECT_EQ(client.exchange(head + chunked(body, 777)).result_int(), 201U);
  EXPECT_EQ(library->bytes_written, body.size());
  EXPECT_EQ(library->expected_size, std::nullopt);
  EXPECT_EQ(client.exchange(request("GET", "/healthz")).result_int(), 200U);
}

TEST_F(Uploads, ParametersOverrideTags) {
  start();
  const auto song =
      object(post("/api/v1/songs?title=Otro%20t%C3%ADtulo&year=1999&genre=Rock&genre=Pop", kFile));
  const auto& stored = song.at("song").as_object();
  EXPECT_EQ(stored.at("title").as_string(), "Otro título");
  EXPECT_EQ(stored.at("artist").as_string(), "Artist");
  EXPECT_EQ(stored.at("year").as_int64(), 1999);
  EXPECT_EQ(stored.at("genres"), boost::json::value({"Rock", "Pop"}));
  EXPECT_EQ(post("/api/v1/songs?year=soon", kFile).result_int(), 400U);
}

TEST_F(Uploads, FormsCarryFieldsBeforeAndAfterTheFile) {
  start();
  const auto body = part("title", "Form") + part("file", std::string(kFile) + std::string(1'000'000, '\r')) +
                    part("track", "3") + "--b--\r\n";
  const auto response = post_form(body);
  EXPECT_EQ(response.result_int(), 201U);
  EXPECT_EQ(object(response).at("song").at("title").as_string(), "Form");
  EXPECT_EQ(object(response).at("song").at("track").as_int64(), 3);
  EXPECT_EQ(library->bytes_written, kFile.size() + 1'000'000);
}

TEST_F(Uploads, BrokenFormsAreRefused) {
  start();
  for (const auto& body :
       {part("title", "x") + "--b--\r\n", part("file", kFile), part("file", "") + "--b--\r\n",
        part("file", kFile) + part("file", kFile) + "--b--\r\n", std::string("junk"),
        part("title", "\xff") + part("file", kFile) + "--b--\r\n",
        part("title", std::string(10'000, 'x')) + part("file", kFile) + "--b--\r\n"})
    EXPECT_EQ(post_form(body).result_int(), 400U) << body.substr(0, 200);
  EXPECT_EQ(post(kSongs, "x", "Content-Type: multipart/form-data\r\n").result_int(), 400U);
  EXPECT_EQ(library->uploads_alive, 0U);
}

TEST_F(Uploads, WhatIsNoSongIsRefusedWithItsReason) {
  start();
  EXPECT_EQ(post(kSongs, "").result_int(), 400U);
  EXPECT_EQ(post(kSongs, "MZ not audio").result_int(), 415U);
  EXPECT_EQ(post(kSongs, "SONG\nTitle").result_int(), 422U);
  const auto missing = post(kSongs, "SONG\n\nArtist\n\n");
  EXPECT_EQ(missing.result_int(), 422U);
  EXPECT_EQ(code(missing), "missing_tags");
  EXPECT_EQ(object(missing).at("missing"), boost::json::value({"title"}));
}

TEST_F(Uploads, FullDisksAnswerWhileTheNodeGoesOn) {
  const auto id = library->add("Title", "bytes").text();
  start();
  const auto body = std::string(kFile) + std::string(4'000'000, 'x');
  for (const auto* where : {"start_upload", "write", "finish"}) {
    library->refuse = [where](std::string_view call) -> std::optional<core::Error> {
      if (call == where) return core::Error{core::Errc::kNoSpace, "The disk is full."};
      return std::nullopt;
    };
    EXPECT_EQ(post(kSongs, body).result_int(), 507U) << where;
    EXPECT_EQ(get("/api/v1/songs/" + id + "/audio").result_int(), 200U);
  }
  EXPECT_EQ(library->uploads_alive, 0U);
}

TEST_F(Uploads, TooLargeBodiesAreRefusedBeforeTheyCome) {
  options.limits.upload_bytes = 1000;
  start();
  testing::HttpClient client(port());
  client.send(request("POST", kSongs, "Content-Length: 5000000\r\n"));
  const auto response = client.read_response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->result_int(), 413U);
  EXPECT_EQ((*response)["Connection"], "close");
  EXPECT_EQ(library->bytes_written, 0U);

  EXPECT_EQ(testing::HttpClient(port())
                .exchange(request("POST", kSongs, "Transfer-Encoding: chunked\r\n") +
                          chunked(std::string(5000, 'x'), 100))
                .result_int(),
            413U);
}

TEST_F(Uploads, APeerThatSendsOnGetsTheEarlyAnswer) {
  start();
  testing::HttpClient client(port());
  const std::string body(20'000'000, 'x');  // more than the kernel's buffers take
  ASSERT_TRUE(client.send(request("POST", kSongs, "Content-Length: 20000000\r\n", "listener") + body));
  EXPECT_EQ(client.read_response()->result_int(), 403U);
}

TEST_F(Uploads, CutBodiesAreToldSo) {
  start();
  testing::HttpClient client(port());
  client.send(request("POST", kSongs, "Content-Length: 1000\r\n") + std::string(kFile));
  client.finish_sending();
  const auto response = client.read_response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->result_int(), 400U);
  EXPECT_NE(object(*response).at("detail").as_string().find("of 1000"), std::string_view::npos);

  testing::HttpClient chunks(port());
  chunks.send(request("POST", kSongs, "Transfer-Encoding: chunked\r\n") + "5\r\nSONG\n\r\n");
  chunks.finish_sending();
  EXPECT_EQ(chunks.read_response()->result_int(), 400U);
  EXPECT_TRUE(eventually([&] { return library->uploads_alive == 0; }));
}

TEST_F(Uploads, MalformedChunksAreRefused) {
  start();
  for (const auto* body : {"zz\r\n", "5\r\nSONG\nXXXX\r\n", "-1\r\n", "ffffffffffffffffff\r\n"}) {
    testing::HttpClient client(port());
    EXPECT_EQ(client.exchange(request("POST", kSongs, "Transfer-Encoding: chunked\r\n") + body).result_int(),
              400U)
        << body;
  }
  testing::HttpClient client(port());
  client.send(request("POST", kSongs, "Transfer-Encoding: chunked\r\n") + std::string(20'000, '0'));
  EXPECT_EQ(client.read_response()->result_int(), 400U);
}

TEST_F(Uploads, ContinueIsSentOnlyWhenTheBodyIsWanted) {
  start();
  const auto fields = "Expect: 100-continue\r\nContent-Length: " + std::to_string(kFile.size()) + "\r\n";
  testing::HttpClient wanted(port());
  wanted.send(request("POST", kSongs, fields));
  EXPECT_EQ(wanted.receive(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(wanted.exchange(kFile).result_int(), 201U);

  testing::HttpClient unwanted(port());
  const auto refused = unwanted.exchange(request("POST", kSongs, fields, "listener"));
  EXPECT_EQ(refused.result_int(), 403U);
  EXPECT_EQ(refused["Connection"], "close");
  EXPECT_EQ(get("/healthz", "Expect: miracles\r\n").result_int(), 417U);
}

TEST_F(Uploads, AreLimitedInNumber) {
  options.limits.uploads = 1;
  start();
  testing::HttpClient first(port());
  first.send(request("POST", kSongs, "Content-Length: 1000\r\n") + std::string(kFile));
  ASSERT_TRUE(eventually([&] { return library->uploads_alive == 1; }));
  const auto second = post(kSongs, kFile);
  EXPECT_EQ(second.result_int(), 503U);
  EXPECT_EQ(second.count("Retry-After"), 1U);
}

}  // namespace
}  // namespace kadenza::views
