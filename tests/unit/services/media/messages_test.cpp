// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/media/messages.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace kadenza::services::media {
namespace {

Probe example() {
  Probe probe;
  probe.tags.title = "Corazón";
  probe.tags.genres = {"Rock", "Pop"};
  probe.tags.year = 1999;
  probe.tags.compilation = true;
  probe.properties = {core::AudioFormat::kOpus, std::chrono::milliseconds(1234), 64'000, 48'000, 2, 0};
  probe.cover = core::Image{"image/png", {1, 2, 3}};
  return probe;
}

TEST(MessagesTest, RepliesArriveAsTheyWereSent) {
  const auto sent = example();
  const auto got = decode_probe(encode_reply(sent));
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->tags, sent.tags);
  EXPECT_EQ(got->properties, sent.properties);
  EXPECT_EQ(got->cover->bytes, sent.cover->bytes);

  core::DerivedFacts facts;
  facts.loudness = core::Loudness{-14.5, 0.98, 6.1};
  facts.waveform.assign(core::kWaveformPoints, 7);
  facts.damaged = "cut";
  EXPECT_EQ(*decode_facts(encode_reply(facts)), facts);

  EXPECT_EQ(decode_image(encode_reply(*sent.cover))->content_type, "image/png");
  const core::Error error{core::Errc::kUnsupportedMedia, "no audio"};
  EXPECT_EQ(decode_probe(encode_failure(error)).error(), error);
}

TEST(MessagesTest, EveryCutOrLongerReplyIsRefused) {
  auto whole = encode_reply(example());
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_EQ(decode_probe(std::span(whole).first(length)).error().code, core::Errc::kDamagedMedia) << length;
  whole.push_back(0);
  EXPECT_FALSE(decode_probe(whole));
}

TEST(MessagesTest, TextsAndListsAreBounded) {
  auto probe = example();
  probe.tags.title.assign(1'000'000, 'x');
  probe.tags.genres.assign(1000, "genre");
  const auto got = decode_probe(encode_reply(probe));
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->tags.title.size(), kTextBytesMax);
  EXPECT_EQ(got->tags.genres.size(), kListMax);
}

TEST(MessagesTest, NonsenseIsRefused) {
  auto probe = example();
  probe.cover->content_type = "text/html";
  EXPECT_FALSE(decode_probe(encode_reply(probe)));
  probe = example();
  probe.properties.duration = std::chrono::hours(24 * 1000);
  EXPECT_FALSE(decode_probe(encode_reply(probe)));
  core::DerivedFacts facts;
  facts.waveform.assign(5, 0);
  EXPECT_FALSE(decode_facts(encode_reply(facts)));
  facts.waveform.clear();
  facts.loudness = core::Loudness{std::numeric_limits<double>::quiet_NaN(), 0, 0};
  EXPECT_FALSE(decode_facts(encode_reply(facts)));
}

TEST(MessagesTest, HeadersOverTheLimitAreRefused) {
  EXPECT_EQ(*decode_header(encode_header(kReplyBytesMax)), kReplyBytesMax);
  EXPECT_FALSE(decode_header(encode_header(kReplyBytesMax + 1)));
}

}  // namespace
}  // namespace kadenza::services::media
