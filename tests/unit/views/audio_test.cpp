// SPDX-License-Identifier: AGPL-3.0-or-later
// Bytes of songs: ranges, conditions, covers; from files and from streams, plain and over TLS.
#include "unit/views/server_fixture.hpp"

namespace kadenza::views {
namespace {

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 2654435761U) >> 13);
  return bytes;
}

/// The parameter: whether the library gives files (sendfile) or streams.
class Audio : public ServerFixture, public ::testing::WithParamInterface<bool> {
 protected:
  Audio() { library = std::make_unique<testing::FakeLibrary>(GetParam()); }

  std::string path_of(const std::string& bytes) {
    auto song = testing::make_song("Señal / 1", "Artist", "Album", bytes);
    song.properties.format = core::AudioFormat::kFlac;
    return "/api/v1/songs/" + library->add(song, bytes).text() + "/audio";
  }
};

INSTANTIATE_TEST_SUITE_P(FilesAndStreams, Audio, ::testing::Bool());

TEST_P(Audio, IsServedWhole) {
  const auto bytes = pattern(3'000'000);
  const auto path = path_of(bytes);
  start();
  const auto response = get(path);
  EXPECT_EQ(response.result_int(), 200U);
  EXPECT_TRUE(response.body() == bytes);
  EXPECT_EQ(response["Content-Type"], "audio/flac");
  EXPECT_EQ(response["Accept-Ranges"], "bytes");
  EXPECT_EQ(response["ETag"], '"' + core::sha256(bytes).text() + '"');
  EXPECT_EQ(response["Last-Modified"], "Sun, 09 Sep 2001 01:46:40 GMT");
  EXPECT_EQ(response["Cache-Control"], "private, max-age=31536000, immutable");
  EXPECT_EQ(response.count("Content-Disposition"), 0U);
  EXPECT_EQ(get(path + "?download=1")["Content-Disposition"],
            "attachment; filename=\"Artist - Se__al _ 1.flac\"; "
            "filename*=UTF-8''Artist%20-%20Se%C3%B1al%20_%201.flac");
}

TEST_P(Audio, RangesOfAllSizesComeExactly) {
  const auto bytes = pattern(300'000);
  const auto path = path_of(bytes);
  start();
  testing::HttpClient client(port());
  const std::pair<std::size_t, std::size_t> ranges[] = {{0, 1},         {299'999, 1}, {5, 65'535},
                                                        {7, 65'536},    {1, 65'537},  {100, 131'072},
                                                        {100, 131'073}, {0, 300'000}};
  for (const auto& [offset, length] : ranges) {
    const auto field =
        "Range: bytes=" + std::to_string(offset) + "-" + std::to_string(offset + length - 1) + "\r\n";
    const auto response = client.exchange(request("GET", path, field));
    EXPECT_EQ(response.result_int(), 206U);
    EXPECT_TRUE(response.body() == bytes.substr(offset, length)) << field;
    EXPECT_EQ(response["Content-Range"],
              "bytes " + std::to_string(offset) + "-" + std::to_string(offset + length - 1) + "/300000");
  }
  EXPECT_EQ(client.exchange(request("GET", path, "Range: bytes=-3\r\n")).body(), bytes.substr(299'997));
}

TEST_P(Audio, UnsatisfiableSeveralAndMalformedRanges) {
  const auto bytes = pattern(1000);
  const auto path = path_of(bytes);
  start();
  const auto outside = get(path, "Range: bytes=1000-\r\n");
  EXPECT_EQ(outside.result_int(), 416U);
  EXPECT_EQ(outside["Content-Range"], "bytes */1000");
  EXPECT_EQ(get(path, "Range: bytes=0-1,5-6\r\n").result_int(), 200U);
  EXPECT_EQ(get(path, "Range: bytes=x\r\n").body(), bytes);
}

TEST_P(Audio, ConditionsAreHeeded) {
  const auto bytes = pattern(1000);
  const auto path = path_of(bytes);
  start();
  const auto etag = std::string(get(path)["ETag"]);
  testing::HttpClient client(port());
  const auto unchanged = client.exchange(request("GET", path, "If-None-Match: " + etag + "\r\n"));
  EXPECT_EQ(unchanged.result_int(), 304U);
  EXPECT_EQ(unchanged["ETag"], etag);
  EXPECT_EQ(unchanged.count("Content-Length"), 0U);
  EXPECT_EQ(client.exchange(request("GET", path, "If-Match: \"x\"\r\n")).result_int(), 412U);
  EXPECT_EQ(
      client.exchange(request("GET", path, "Range: bytes=0-1\r\nIf-Range: " + etag + "\r\n")).result_int(),
      206U);
  EXPECT_EQ(client.exchange(request("GET", path, "Range: bytes=0-1\r\nIf-Range: \"x\"\r\n")).result_int(),
            200U);
}

TEST_P(Audio, HeadTellsTheSizeAndIgnoresRanges) {
  const auto path = path_of(pattern(1000));
  start();
  testing::HttpClient client(port());
  const auto head = client.exchange(request("HEAD", path, "Range: bytes=0-1\r\n"));
  EXPECT_EQ(head.result_int(), 200U);
  EXPECT_EQ(head["Content-Length"], "1000");
  EXPECT_EQ(client.exchange(request("GET", path)).body().size(), 1000U);
}

class Media : public ServerFixture {};

TEST_F(Media, CoversHaveSizesAndTags) {
  auto song = testing::make_song("With", "Artist", "Album", "a");
  song.cover = core::sha256("picture");
  const auto with = "/api/v1/songs/" + library->add(song, "a").text() + "/cover";
  const auto without = "/api/v1/songs/" + library->add("Without", "b").text() + "/cover";
  start();
  const auto cover = get(with + "?size=300");
  EXPECT_EQ(cover.result_int(), 200U);
  EXPECT_EQ(cover["Content-Type"], "image/png");
  EXPECT_EQ(cover.body(), "\x01\x02\x03");
  EXPECT_EQ(get(with + "?size=300", "If-None-Match: " + std::string(cover["ETag"]) + "\r\n").result_int(),
            304U);
  EXPECT_NE(get(with + "?size=64")["ETag"], cover["ETag"]);
  EXPECT_EQ(get(without).result_int(), 404U);
  EXPECT_EQ(get(with + "?size=99999").result_int(), 400U);
}

TEST_F(Media, AStreamThatFailsEndsTheConnection) {
  library = std::make_unique<testing::FakeLibrary>(false);
  const auto path = "/api/v1/songs/" + library->add("Title", pattern(200'000)).text() + "/audio";
  start();
  library->refuse = [](std::string_view call) -> std::optional<core::Error> {
    if (call == "read") return core::Error{core::Errc::kCorrupted, "hash mismatch"};
    return std::nullopt;
  };
  testing::HttpClient client(port());
  client.send(request("GET", path));
  EXPECT_LT(client.receive_all().size(), 200'000U);
}

}  // namespace
}  // namespace kadenza::views
