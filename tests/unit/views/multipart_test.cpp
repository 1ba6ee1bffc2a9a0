// SPDX-License-Identifier: AGPL-3.0-or-later
#include "views/multipart.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace kadenza::views {
namespace {

struct Parsed {
  std::vector<std::pair<std::string, std::string>> parts;
  std::string end;  ///< "end", "cut" or an error's sentence

  friend bool operator==(const Parsed&, const Parsed&) = default;
};

/// Feeds the body in pieces whose sizes `next_size` gives.
template <class NextSize>
Parsed parse(std::string_view body, std::string_view boundary, NextSize&& next_size) {
  using Kind = MultipartParser::Kind;
  MultipartParser parser(boundary);
  Parsed parsed;
  for (;;) {
    const auto event = parser.next();
    if (!event) return parsed.end = event.error().detail, parsed;
    if (event->kind == Kind::kEnd) return parsed.end = "end", parsed;
    if (event->kind == Kind::kPartBegin) parsed.parts.emplace_back(event->text, "");
    if (event->kind == Kind::kData) parsed.parts.back().second += event->text;
    if (event->kind != Kind::kNeedMore) continue;
    if (body.empty()) return parsed.end = "cut", parsed;
    const auto size = std::min<std::size_t>(next_size(), body.size());
    std::copy_n(body.begin(), size, parser.prepare(size).begin());
    parser.commit(size);
    body.remove_prefix(size);
  }
}

Parsed parse_whole(std::string_view body, std::string_view boundary = "b") {
  return parse(body, boundary, [&] { return body.size(); });
}

std::string part(std::string_view name, std::string_view content) {
  return "--b\r\nContent-Disposition: form-data; name=\"" + std::string(name) + "\"\r\n\r\n" +
         std::string(content) + "\r\n";
}

TEST(Multipart, ReadsPartsInOrder) {
  const auto body = part("title", "Señal") + part("empty", "") + part("file", "\r\n--\r\n-") + "--b--\r\n";
  EXPECT_EQ(parse_whole(body), (Parsed{{{"title", "Señal"}, {"empty", ""}, {"file", "\r\n--\r\n-"}}, "end"}));
}

TEST(Multipart, IgnoresPreambleEpilogueAndPadding) {
  const auto body =
      "hello\r\n--b \t\r\ncontent-type: x\r\nCONTENT-DISPOSITION: form-data; name=a\r\n\r\n1\r\n--b--junk";
  EXPECT_EQ(parse_whole(body), (Parsed{{{"a", "1"}}, "end"}));
}

TEST(Multipart, SaysWhatIsWrong) {
  EXPECT_EQ(parse_whole("--b\r\n").end, "cut");
  EXPECT_EQ(parse_whole(part("a", "1")).end, "cut");
  EXPECT_NE(parse_whole("--bx\r\n").end.find("line break"), std::string::npos);
  EXPECT_NE(parse_whole("--b\r\nX: y\r\n\r\nz\r\n--b--").end.find("Content-Disposition"), std::string::npos);
  EXPECT_NE(parse_whole("--b\r\nContent-Disposition: attachment; name=a\r\n\r\n").end.find("form-data"),
            std::string::npos);
  EXPECT_NE(parse_whole(std::string(9000, 'x')).end.find("does not begin"), std::string::npos);
  EXPECT_NE(parse_whole("--b\r\nX: " + std::string(9000, 'x')).end.find("too long"), std::string::npos);
  std::string many;
  for (std::size_t i = 0; i <= MultipartParser::kPartsMax; ++i) many += part("a", "");
  EXPECT_NE(parse_whole(many).end.find("too many"), std::string::npos);
}

TEST(Multipart, GivesTheSameWhereverTheBodyIsSplit) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::string body;
    Parsed wanted;
    for (auto parts = random() % 4; parts > 0; --parts) {
      std::string content;  // made of what boundaries are made of
      for (auto length = random() % 60; length > 0; --length) content += "\r\n--bx"[random() % 6];
      if (("\r\n" + content + "\r\n").find("\r\n--b") != std::string::npos) content.clear();
      wanted.parts.emplace_back("n" + std::to_string(parts), content);
      body += part(wanted.parts.back().first, content);
    }
    body += "--b--\r\n";
    wanted.end = "end";
    EXPECT_EQ(parse(body, "b", [&] { return 1 + random() % 9; }), wanted) << body;
    EXPECT_EQ(parse(body, "b", [] { return 1; }), wanted) << body;
    EXPECT_EQ(parse_whole(body), wanted) << body;
  }
}

TEST(MultipartBoundary, IsReadStrictly) {
  EXPECT_EQ(multipart_boundary("audio/mpeg"), std::nullopt);
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(multipart_boundary("Multipart/Form-Data ; charset=x; Boundary=\"a b\""), "a b");
  EXPECT_EQ(multipart_boundary("multipart/form-data"), "");
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=" + std::string(71, 'x')), "");
}

}  // namespace
}  // namespace kadenza::views
