// SPDX-License-Identifier: AGPL-3.0-or-later
// Addresses, JSON in and out, routes.
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "support/fake_library.hpp"
#include "views/json.hpp"
#include "views/problem.hpp"
#include "views/request.hpp"
#include "views/router.hpp"
#include "views/url.hpp"

namespace kadenza::views {
namespace {

using Query = std::vector<std::pair<std::string, std::string>>;

TEST(ParseTarget, DecodesSegmentsAndParameters) {
  const auto target = parse_target("/api/v1/genres/AC%2FDC?q=coraz%C3%B3n+x%2By&empty=&q=2");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->segments, (std::vector<std::string>{"api", "v1", "genres", "AC/DC"}));
  EXPECT_EQ(target->query, (Query{{"q", "corazón x+y"}, {"empty", ""}, {"q", "2"}}));
  EXPECT_EQ(parse_target("http://host:1/a?b=c")->segments, std::vector<std::string>{"a"});
}

TEST(ParseTarget, TakesPathsThatNeedNoDecodingForWhatTheyAreWithAQuery) {
  for (const std::string path : {"/", "/a", "/a/", "/a/b-c_d.e~9", "/a//b", "/..", "/./a", "/A/B/"}) {
    const auto plain = parse_target(path), with_query = parse_target(path + "?b=c");
    ASSERT_TRUE(plain && with_query) << path;
    EXPECT_EQ(plain->segments, with_query->segments) << path;
    EXPECT_TRUE(plain->query.empty());
  }
}

TEST(ParseTarget, RefusesWhatIsNotAnAddress) {
  for (const auto* wrong : {"", "*", "a", "/a b", "/%", "/%4", "/%zz", "/%00", "/%ff", "/?q=%c3", "/?q=%00",
                            "/é", "/\x01", "/a#b", "ftp://host/", "//[", "http://"})
    EXPECT_FALSE(parse_target(wrong)) << wrong;
}

TEST(CodePoints, CountsCharactersNotBytes) {
  EXPECT_EQ(code_points("añ€😀b", 3), 2U);
  EXPECT_EQ(code_points("añ€😀b", 10), 4U);
  EXPECT_EQ(code_points("añ", 100), 2U);
}

TEST(Redacted, HidesTokens) {
  EXPECT_EQ(redacted("/a?access_token=secret&b=1"), "/a?access_token=***&b=1");
  EXPECT_EQ(redacted("/a?b=1&access_token=secret"), "/a?b=1&access_token=***");
  EXPECT_EQ(redacted("/a?b=1"), "/a?b=1");
}

TEST(JsonWriter, EscapesAndSeparates) {
  JsonWriter json;
  json.begin_object().member("a\"\\", "\x01\n\tñ").member("b", 1.5).member("c", true).member("d", -3);
  json.key("e")
      .begin_array()
      .value(1)
      .begin_array()
      .end_array()
      .null()
      .value(0.0 / 0.0)
      .end_array()
      .end_object();
  const auto text = json.take();
  EXPECT_EQ(text, R"({"a\"\\":"\u0001\n\u0009ñ","b":1.5,"c":true,"d":-3,"e":[1,[],null,null]})");
  EXPECT_NO_THROW(boost::json::parse(text));
}

TEST(JsonWriter, EscapesWhereverACharacterStands) {
  for (int character = 0; character < 0x80; ++character) {
    for (std::size_t at = 0; at < 20; ++at) {
      std::string text(20, 'x');
      text[at] = static_cast<char>(character);
      text += "ñ東";
      JsonWriter json;
      json.begin_array().value(text).end_array();
      EXPECT_EQ(boost::json::parse(json.take()).as_array().at(0).as_string(), text)
          << character << " at " << at;
    }
  }
}

TEST(ToJson, GivesEveryMemberOfASong) {
  auto song = testing::make_song("Title", "Artist", "", "bytes");
  song.properties = {core::AudioFormat::kFlac, std::chrono::milliseconds(1500), 900'000, 44'100, 2, 16};
  const auto object = boost::json::parse(to_json(song)).as_object();
  EXPECT_EQ(object.size(), 29U);
  EXPECT_EQ(object.at("id").as_string(), song.id.text());
  EXPECT_TRUE(object.at("album_id").is_null());
  EXPECT_TRUE(object.at("year").is_null());
  EXPECT_EQ(object.at("isrc").as_string(), "");
  EXPECT_EQ(object.at("duration_ms").as_int64(), 1500);
  EXPECT_EQ(object.at("format").as_string(), "flac");
  EXPECT_EQ(object.at("audio_hash").as_string(), core::sha256("bytes").text());
  EXPECT_EQ(object.at("first_stored").as_string(), "2001-09-09T01:46:40.123Z");
}

TEST(ToJson, HighlightsCountCodePoints) {
  core::SearchResults results;
  core::Match<core::Song> match{testing::make_song("Ñandú", "A", "B", "x"), 9, {}};
  match.highlights.push_back({core::Highlight::Field::kTitle, 2, 5});
  results.songs.push_back(match);
  const auto object = boost::json::parse(to_json(results)).as_object();
  const auto& highlight = object.at("songs").at(0).at("highlights").at(0);
  EXPECT_EQ(highlight, (boost::json::value{{"field", "title"}, {"offset", 1}, {"length", 4}}));
  EXPECT_TRUE(object.at("next").is_null());
  EXPECT_FALSE(object.at("partial").as_bool());
}

TEST(ParseJsonObject, HasLimits) {
  EXPECT_TRUE(parse_json_object(R"({"user":"a"})"));
  std::string deep = "{\"a\":";
  for (int i = 0; i < 40; ++i) deep += "[";
  for (const std::string& wrong : {std::string(), std::string("[]"), std::string("{"), std::string("{} x"),
                                   std::string("{\"a\":\"\xff\"}"), deep})
    EXPECT_FALSE(parse_json_object(wrong)) << wrong;
  const auto object = parse_json_object(R"({"number":1,"nothing":null})");
  EXPECT_FALSE(text_member(*object, "number"));
  EXPECT_EQ(*text_member(*object, "nothing"), std::nullopt);
  EXPECT_EQ(*text_member(*object, "absent"), std::nullopt);
}

TEST(Problem, NamesWhatIsMissing) {
  const auto response = problem({core::Errc::kMissingTags, "artist is missing"});
  EXPECT_EQ(static_cast<unsigned>(response.status), 422U);
  const auto object = boost::json::parse(std::get<std::string>(response.body)).as_object();
  EXPECT_EQ(object.at("missing"), boost::json::value({"artist"}));
  EXPECT_EQ(object.at("code").as_string(), "missing_tags");
  EXPECT_EQ(object.at("type").as_string(), "urn:kadenza:problem:missing_tags");
}

TEST(Response, FieldsCannotBeInjected) {
  Response response;
  response.add("Location", "a\r\nSet-Cookie: b\n");
  EXPECT_EQ(response.fields, "Location: a  Set-Cookie: b \r\n");
}

TEST(FindRoute, TellsMethodsOfAPath) {
  const auto find = [](http::verb method, std::vector<std::string> segments) {
    return find_route(routes(), method, segments);
  };
  EXPECT_EQ(find(http::verb::head, {"api", "v1", "songs", "x", "audio"}).route->pattern,
            "/api/v1/songs/{id}/audio");
  EXPECT_EQ(find(http::verb::get, {"api", "v1", "songs", "x"}).arguments, std::vector<std::string>{"x"});
  EXPECT_EQ(find(http::verb::put, {"api", "v1", "songs"}).route, nullptr);
  EXPECT_EQ(find(http::verb::put, {"api", "v1", "songs"}).allow, "GET, HEAD, POST, OPTIONS");
  for (const auto& wrong : std::vector<std::vector<std::string>>{{"api"},
                                                                 {"api", "v1", "songs", ""},
                                                                 {"api", "v1", "songs", "x", "audio", ""},
                                                                 {"", "api", "v1", "songs"},
                                                                 {".."}})
    EXPECT_EQ(find(http::verb::get, wrong).allow, "");
}

}  // namespace
}  // namespace kadenza::views
