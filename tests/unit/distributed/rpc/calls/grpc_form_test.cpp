// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/http2/grpc_form.hpp"

#include <gtest/gtest.h>

#include "distributed/rpc/http2/message_reader.hpp"

namespace kadenza::distributed::rpc::http2 {
namespace {

using namespace std::chrono_literals;

TEST(GrpcForm, WritesTimeoutsInTheFinestUnitThatFits) {
  EXPECT_EQ(timeout_text(0s), "0n");
  EXPECT_EQ(timeout_text(-1s), "0n");
  EXPECT_EQ(timeout_text(99'999'999ns), "99999999n");
  EXPECT_EQ(timeout_text(100ms), "100000u");
  EXPECT_EQ(timeout_text(100ms + 1ns), "100001u") << "never shorter than it was";
  EXPECT_EQ(timeout_text(250s), "250000m");
  for (const core::Duration timeout :
       {core::Duration(1ns), core::Duration(1500us), core::Duration(20s), core::Duration(48h)}) {
    const auto parsed = parse_timeout(timeout_text(timeout));
    ASSERT_TRUE(parsed);
    EXPECT_GE(*parsed, timeout);
  }
}

TEST(GrpcForm, RefusesTimeoutsThatAreNone) {
  for (const auto* text : {"", "1", "m", "-1m", "1x", "123456789m", "1.5S", " 1S", "1 S"})
    EXPECT_FALSE(parse_timeout(text)) << text;
  EXPECT_EQ(parse_timeout("2H"), 2h);
  EXPECT_EQ(parse_timeout("99999999H"),
            core::Duration(core::Duration::max().count() / 3'600'000'000'000 * 3'600'000'000'000));
}

TEST(GrpcForm, CarriesAnyDetail) {
  const std::string detail = "100 % señal \xe2\x82\xac";
  EXPECT_EQ(encode_detail("100 %"), "100 %25");
  EXPECT_EQ(decode_detail(encode_detail(detail)), detail);
  EXPECT_EQ(decode_detail("%zz%4"), "%zz%4");
  EXPECT_EQ(decode_detail("%0A%1b\x7f"), "   ");
}

TEST(GrpcForm, CutsBetweenCharacters) {
  std::string detail(kDetailBytesMax - 1, 'a');
  EXPECT_EQ(decode_detail(encode_detail(detail + "\xe2\x82\xac")), detail);
}

TEST(MessageReader, PutsAMessageTogetherFromAnyPieces) {
  const std::string sent("\0\0\0\0\x05hello", 10);
  for (std::size_t piece = 1; piece <= sent.size(); ++piece) {
    MessageReader reader(5);
    for (std::size_t at = 0; at < sent.size(); at += piece) {
      EXPECT_FALSE(reader.complete());
      const auto part = sent.substr(at, piece);
      EXPECT_EQ(reader.add({reinterpret_cast<const std::uint8_t*>(part.data()), part.size()}),
                MessageReader::Fault::kNone);
    }
    EXPECT_TRUE(reader.complete());
    EXPECT_EQ(reader.take(), "hello");
  }
}

TEST(MessageReader, SaysWhatIsWrong) {
  const auto fault = [](std::string bytes) {
    return MessageReader(5).add({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  };
  EXPECT_EQ(fault(std::string("\1\0\0\0\5", 5)), MessageReader::Fault::kCompressed);
  EXPECT_EQ(fault(std::string("\0\0\0\0\6", 5)), MessageReader::Fault::kTooLong);
  EXPECT_EQ(fault(std::string("\0\xff\xff\xff\xff", 5)), MessageReader::Fault::kTooLong);
  EXPECT_EQ(fault(std::string("\0\0\0\0\1ab", 7)), MessageReader::Fault::kMoreThanOne);
}

}  // namespace
}  // namespace kadenza::distributed::rpc::http2
