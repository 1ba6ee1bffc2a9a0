// SPDX-License-Identifier: AGPL-3.0-or-later
// How the web player's files are served.
#include "unit/views/server_fixture.hpp"

namespace kadenza::views {
namespace {

constexpr std::array<SiteFile, 3> kFiles{{
    {"/index.html", "text/html; charset=utf-8", "\"page\"", false, "<html>page</html>", "brotli of page",
     "gzip of page"},
    {"/sw.js", "text/javascript; charset=utf-8", "\"worker\"", false, "worker", "", ""},
    {"/assets/index-1.js", "text/javascript; charset=utf-8", "\"code\"", true, "code", "brotli of code",
     "gzip of code"},
}};

class SiteTest : public ServerFixture {
 protected:
  SiteTest() {
    site = kFiles;
    start();
  }
};

TEST_F(SiteTest, FilesNeedNoLogInAndSayWhatTheyAre) {
  const auto script = get("/assets/index-1.js", "", "");
  EXPECT_EQ(script.result_int(), 200U);
  EXPECT_EQ(script.body(), "code");
  EXPECT_EQ(script["Content-Type"], "text/javascript; charset=utf-8");
  EXPECT_EQ(script["Cache-Control"], "public, max-age=31536000, immutable");
  EXPECT_EQ(get("/sw.js", "", "")["Cache-Control"], "no-cache");
  EXPECT_EQ(get("/", "", "").body(), "<html>page</html>");
}

TEST_F(SiteTest, TheBrowserChoosesTheEncoding) {
  const auto encoding = [&](std::string_view accepted) {
    const auto answer = get("/", "Accept-Encoding: " + std::string(accepted) + "\r\n", "");
    EXPECT_EQ(answer["Vary"], "Accept-Encoding");
    return std::string(answer["Content-Encoding"]) + "/" + answer.body();
  };
  EXPECT_EQ(encoding("gzip, deflate, br, zstd"), "br/brotli of page");
  EXPECT_EQ(encoding("gzip;q=0.5"), "gzip/gzip of page");
  EXPECT_EQ(encoding("br;q=0, gzip"), "gzip/gzip of page");
  EXPECT_EQ(encoding("br;q=0.0"), "/<html>page</html>");
  EXPECT_EQ(encoding("identity"), "/<html>page</html>");
  EXPECT_EQ(get("/sw.js", "Accept-Encoding: br\r\n", "").count("Content-Encoding"), 0U);
}

TEST_F(SiteTest, WhatTheBrowserHasIsNotSentAgain) {
  const auto first = get("/", "Accept-Encoding: br\r\n", "");
  EXPECT_EQ(first["ETag"], "\"page-br\"");
  const auto again = get("/", "Accept-Encoding: br\r\nIf-None-Match: \"page-br\"\r\n", "");
  EXPECT_EQ(again.result_int(), 304U);
  EXPECT_EQ(again["ETag"], "\"page-br\"");
  EXPECT_EQ(get("/", "If-None-Match: \"page-br\"\r\n", "").result_int(), 200U);
}

TEST_F(SiteTest, AddressesOfPagesLeadToThePageForBrowsersOnly) {
  const auto* html = "Accept: text/html,*/*;q=0.8\r\n";
  EXPECT_EQ(get("/album/abc", html, "").body(), "<html>page</html>");
  EXPECT_EQ(get("/album/abc", "Accept: */*\r\n", "").result_int(), 404U);
  EXPECT_EQ(get("/api/v1/nowhere", html, "").result_int(), 404U);
  EXPECT_EQ(get("/rest/nowhere", html, "").result_int(), 404U);
  EXPECT_EQ(get("/assets/gone.js", html, "").result_int(), 404U);
  EXPECT_EQ(post("/album/abc", "", html, "").result_int(), 404U);
}

TEST_F(SiteTest, OnlyThePlayerMayRunScripts) {
  const std::string policy(get("/", "", "")["Content-Security-Policy"]);
  EXPECT_NE(policy.find("script-src 'self';"), std::string::npos);
  EXPECT_EQ(policy.find("unsafe-eval"), std::string::npos);
  EXPECT_EQ(policy.find("script-src 'self' 'unsafe-inline'"), std::string::npos);
  EXPECT_EQ(get("/api/v1/totals")["Content-Security-Policy"], kClosedPolicy);
  EXPECT_EQ(get("/", "", "").count("Content-Security-Policy"), 1U);
}

TEST_F(SiteTest, HeadHasNoBody) {
  const auto head =
      testing::HttpClient(port()).exchange(request("HEAD", "/", "Accept-Encoding: gzip\r\n", ""));
  EXPECT_EQ(head.result_int(), 200U);
  EXPECT_EQ(head["Content-Length"], "12");
}

}  // namespace
}  // namespace kadenza::views
