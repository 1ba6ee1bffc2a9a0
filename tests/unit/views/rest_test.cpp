// SPDX-License-Identifier: AGPL-3.0-or-later
// What each address answers, over real sockets.
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include "unit/views/server_fixture.hpp"

namespace kadenza::views {
namespace {

class Rest : public ServerFixture {};

TEST_F(Rest, HealthNeedsNoLogInAndReadinessCanBeWithdrawn) {
  start();
  EXPECT_EQ(get("/healthz", "", "").result_int(), 200U);
  EXPECT_EQ(get("/readyz", "", "").result_int(), 200U);
  server->set_ready(false);
  const auto unready = get("/readyz", "", "");
  EXPECT_EQ(unready.result_int(), 503U);
  EXPECT_EQ(unready["Retry-After"], "2");
}

TEST_F(Rest, TheAuthorityThatListenersInstallNeedsNoLogIn) {
  std::string pem;
  web_authority = [&pem] { return pem; };
  start();
  const auto none = get("/ca.pem", "", "");
  EXPECT_EQ(none.result_int(), 404U);
  EXPECT_NE(none.body().find("--https"), std::string::npos);
  pem = "a certificate";
  const auto there = get("/ca.pem", "", "");
  EXPECT_EQ(there.result_int(), 200U);
  EXPECT_EQ(there.body(), "a certificate");
  EXPECT_EQ(there["Content-Type"], "application/x-x509-ca-cert");
}

TEST_F(Rest, EveryRouteOfTheApiNeedsALogIn) {
  start();
  for (const auto* target :
       {"/api/v1/songs", "/api/v1/search?q=x", "/api/v1/albums", "/api/v1/artists", "/api/v1/genres",
        "/api/v1/totals", "/api/v1/session", "/api/v1/songs/x/audio?access_token="}) {
    const auto response = get(target, "", "");
    EXPECT_EQ(response.result_int(), 401U) << target;
    EXPECT_EQ(response["WWW-Authenticate"], "Bearer realm=\"kadenza\"");
    EXPECT_EQ(response["Content-Type"], "application/problem+json");
    EXPECT_EQ(code(response), "unauthenticated");
    EXPECT_EQ(get(target, "", "stranger").result_int(), 401U);
  }
  EXPECT_EQ(post("/api/v1/songs", "SONG\na\nb\nc\n", "", "listener").result_int(), 403U);
}

TEST_F(Rest, TokensInTheAddressWorkForMediaOnly) {
  const auto id = library->add("Title", "bytes").text();
  start();
  EXPECT_EQ(get("/api/v1/songs/" + id + "/audio?access_token=listener", "", "").result_int(), 200U);
  EXPECT_EQ(get("/api/v1/songs/" + id + "?access_token=listener", "", "").result_int(), 401U);
}

TEST_F(Rest, ListsAndItemsHaveTheirShapes) {
  const auto id = library->add("Title", "bytes").text();
  start();
  const auto song = object(get("/api/v1/songs/" + id));
  EXPECT_EQ(song.at("title").as_string(), "Title");
  const auto songs =
      object(get("/api/v1/songs?order=random&seed=5&genre=Rock&from=1990&to=1980&limit=500&cursor=c"));
  EXPECT_EQ(songs.at("items").as_array().size(), 1U);
  EXPECT_TRUE(songs.at("next").is_null());
  EXPECT_EQ(library->last_song_list.seed, 5U);
  EXPECT_EQ(library->last_song_list.genre, "Rock");
  EXPECT_EQ(library->last_song_list.year_from, 1990U);
  EXPECT_EQ(library->last_song_list.page.limit, 500U);
  EXPECT_EQ(library->last_song_list.page.cursor, "c");
  const auto albums = object(get("/api/v1/albums?order=year"));
  EXPECT_EQ(albums.at("next").as_string(), "more");
  EXPECT_TRUE(albums.at("partial").as_bool());
  EXPECT_TRUE(object(get("/api/v1/albums/" + core::album_id("Artist", "Album").text())).contains("songs"));
  EXPECT_TRUE(object(get("/api/v1/artists/" + core::artist_id("Artist").text())).contains("appears_on"));
  EXPECT_EQ(object(get("/api/v1/artists")).at("items").at(0).at("name").as_string(), "Artist");
  EXPECT_EQ(object(get("/api/v1/genres/rock%2Fpop")).at("song_count").as_int64(), 3);
  EXPECT_EQ(get("/api/v1/genres/none").result_int(), 404U);
  EXPECT_EQ(object(get("/api/v1/totals")).at("songs").as_int64(), 7);
}

TEST_F(Rest, SearchReadsItsParameters) {
  start();
  EXPECT_EQ(get("/api/v1/search?q=coraz%C3%B3n&limit=7&albums=0&cursor=x").result_int(), 200U);
  EXPECT_EQ(library->last_search.query, "corazón");
  EXPECT_EQ(library->last_search.songs, 7U);
  EXPECT_EQ(library->last_search.albums, 0U);
  EXPECT_EQ(library->last_search.artists, 7U);
  EXPECT_EQ(library->last_search.cursor, "x");
}

TEST_F(Rest, WrongParametersAreRefusedWithAReason) {
  start();
  for (const auto* target :
       {"/api/v1/songs?limit=0", "/api/v1/songs?limit=501", "/api/v1/songs?limit=x",
        "/api/v1/songs?limit=", "/api/v1/songs?order=best", "/api/v1/songs?artist=x", "/api/v1/songs?from=-1",
        "/api/v1/search", "/api/v1/songs?seed=99999999999999999999999"}) {
    const auto response = get(target);
    EXPECT_EQ(response.result_int(), 400U) << target;
    EXPECT_EQ(code(response), "invalid_argument");
  }
  EXPECT_EQ(get("/api/v1/search?q=" + std::string(257, 'x')).result_int(), 400U);
  EXPECT_EQ(get("/api/v1/songs/not-an-id").result_int(), 404U);
}

TEST_F(Rest, ErrorsOfTheLibraryKeepTheirMeaning) {
  start();
  const std::pair<core::Errc, unsigned> expected[] = {
      {core::Errc::kUnavailable, 503},     {core::Errc::kDeadlineExceeded, 504},
      {core::Errc::kTooManyRequests, 429}, {core::Errc::kInternal, 500},
      {core::Errc::kCorrupted, 500},       {core::Errc::kConflict, 409}};
  for (const auto& [errc, status] : expected) {
    library->refuse = [errc = errc](auto) { return core::Error{errc, "why"}; };
    const auto response = get("/api/v1/totals");
    EXPECT_EQ(response.result_int(), status);
    EXPECT_EQ(object(response).at("detail").as_string(), "why");
    EXPECT_EQ(response.count("Retry-After"), status == 503 || status == 429 ? 1U : 0U);
  }
  library->refuse = [](auto) -> std::optional<core::Error> { throw std::runtime_error("boom"); };
  EXPECT_EQ(get("/api/v1/totals").result_int(), 500U);
}

TEST_F(Rest, MethodsThatAPathDoesNotTakeAreNamed) {
  start();
  testing::HttpClient client(port());
  const auto refused = client.exchange(request("DELETE", "/api/v1/songs"));
  EXPECT_EQ(refused.result_int(), 405U);
  EXPECT_EQ(refused["Allow"], "GET, HEAD, POST, OPTIONS");
  const auto allowed = client.exchange(request("OPTIONS", "/api/v1/songs", "", ""));
  EXPECT_EQ(allowed.result_int(), 204U);
  EXPECT_EQ(allowed["Allow"], "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(client.exchange(request("GET", "/nowhere")).result_int(), 404U);
  const auto head = client.exchange(request("HEAD", "/api/v1/totals"));
  EXPECT_EQ(head.result_int(), 200U);
  EXPECT_GT(std::stoi(std::string(head["Content-Length"])), 10);
}

TEST_F(Rest, OnlyAllowedOriginsMayReadAnswers) {
  options.allowed_origins = {"https://music.example"};
  start();
  testing::HttpClient client(port());
  const auto preflight = client.exchange(
      request("OPTIONS", "/api/v1/songs",
              "Origin: https://music.example\r\nAccess-Control-Request-Method: POST\r\n", ""));
  EXPECT_EQ(preflight.result_int(), 204U);
  EXPECT_EQ(preflight["Access-Control-Allow-Origin"], "https://music.example");
  EXPECT_NE(preflight["Access-Control-Allow-Methods"].find("POST"), std::string_view::npos);
  EXPECT_NE(preflight["Access-Control-Allow-Headers"].find("Authorization"), std::string_view::npos);
  EXPECT_EQ(get("/api/v1/totals", "Origin: https://evil.example\r\n").count("Access-Control-Allow-Origin"),
            0U);
  EXPECT_EQ(get("/api/v1/totals", "Origin: https://music.example\r\n")["Vary"], "Origin");
}

TEST_F(Rest, ThePlayerOfAnotherNodeMayUseTheApiAndNothingElse) {
  start();
  const auto* origin = "Origin: https://other-node.example\r\n";
  EXPECT_EQ(get("/api/v1/totals", origin)["Access-Control-Allow-Origin"], "https://other-node.example");
  EXPECT_EQ(get("/metrics", origin).count("Access-Control-Allow-Origin"), 0U);
}

TEST_F(Rest, SessionsBeginAndEnd) {
  start();
  const auto created = post("/api/v1/session", R"({"user":"admin","password":"secret"})", "", "");
  EXPECT_EQ(created.result_int(), 201U);
  EXPECT_EQ(created["Cache-Control"], "no-store");
  EXPECT_EQ(object(created).at("token").as_string(), "admin");
  EXPECT_EQ(object(created).at("role").as_string(), "admin");
  EXPECT_EQ(object(created).at("expires").as_string(), "2033-05-18T03:33:20.000Z");
  EXPECT_EQ(object(post("/api/v1/session", R"({"code":"code"})", "", "")).at("user").as_string(), "listener");
  EXPECT_EQ(post("/api/v1/session", R"({"user":"admin","password":"no"})", "", "").result_int(), 401U);
  EXPECT_EQ(post("/api/v1/session", R"({"user":"admin","password":"again"})", "", "").result_int(), 429U);
  EXPECT_EQ(post("/api/v1/session", R"({"user":"admin"})", "", "").result_int(), 400U);
  EXPECT_EQ(post("/api/v1/session", "{", "", "").result_int(), 400U);
  EXPECT_EQ(post("/api/v1/session", std::string(70'000, ' '), "", "").result_int(), 413U);
  EXPECT_EQ(object(get("/api/v1/session")).at("role").as_string(), "uploader");
  EXPECT_EQ(object(post("/api/v1/session/code", "")).at("code").as_string(), "code");
  EXPECT_EQ(testing::HttpClient(port()).exchange(request("DELETE", "/api/v1/session")).result_int(), 204U);
  EXPECT_EQ(accounts.logged_out, "uploader");
}

TEST_F(Rest, MetricsCountRequestsAndFailures) {
  start();
  get("/api/v1/totals");
  get("/api/v1/totals", "", "stranger");
  const auto metrics = get("/metrics", "", "");
  ASSERT_EQ(metrics.result_int(), 200U);
  for (const auto* line :
       {"kadenza_http_requests_total{method=\"GET\",route=\"/api/v1/totals\",status=\"200\"} 1",
        "kadenza_http_request_seconds_count{method=\"GET\",route=\"/api/v1/totals\"} 2",
        "kadenza_log_in_failures_total 1", "kadenza_library{what=\"songs\"} 7",
        "kadenza_build_info{version=", "process_resident_memory_bytes ", "kadenza_http_connections "})
    EXPECT_NE(metrics.body().find(line), std::string::npos) << line << "\n" << metrics.body();
}

TEST_F(Rest, WaveformsComeWhenTheyAreComputed) {
  const auto id = library->add("Title", "bytes").text();
  library->facts.loudness = core::Loudness{-14.5, 0.9, 6.0};
  library->facts.waveform = {0, 255};
  start();
  const auto facts = object(get("/api/v1/songs/" + id + "/waveform"));
  EXPECT_EQ(facts.at("waveform"), boost::json::value({0, 255}));
  EXPECT_EQ(facts.at("loudness").at("track_gain_db").as_double(), -3.5);
  EXPECT_TRUE(facts.at("damaged").is_null());
  library->refuse = [](auto) { return core::Error{core::Errc::kUnavailable, "not computed yet"}; };
  const auto early = get("/api/v1/songs/" + id + "/waveform");
  EXPECT_EQ(early.result_int(), 503U);
  EXPECT_EQ(early.count("Retry-After"), 1U);
}

TEST_F(Rest, LogLinesCarryTheRequestIdAndNoToken) {
  std::ostringstream lines;
  auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(lines);
  access_log = std::make_shared<spdlog::logger>("access", sink);
  start();
  const auto response = get("/api/v1/songs/x/audio?access_token=listener", "X-Request-Id: abc-1\r\n", "");
  EXPECT_EQ(response["X-Request-Id"], "abc-1");
  EXPECT_EQ(get("/healthz", "X-Request-Id: bad id\r\n")["X-Request-Id"].size(), 16U);
  stop().get();
  EXPECT_NE(lines.str().find("access_token=***\" 404"), std::string::npos) << lines.str();
  EXPECT_NE(lines.str().find("id=abc-1"), std::string::npos);
  EXPECT_EQ(lines.str().find("=listener "), lines.str().find("user=listener ") + 4) << lines.str();
}

}  // namespace
}  // namespace kadenza::views
