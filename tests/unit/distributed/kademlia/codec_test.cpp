// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/codec.hpp"

#include <gtest/gtest.h>

#include "support.hpp"

namespace kadenza::distributed::kademlia {
namespace {

using testing::contact_of;
using testing::id_of;

class CodecTest : public ::testing::Test {
 protected:
  std::vector<std::uint8_t> encode(const Message& message) {
    std::array<std::uint8_t, kMessageBytesMax> bytes;
    const std::size_t size = codec_.encode(message, bytes);
    return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
  }
  static Message message(Body body) {
    return {.transaction = UINT64_MAX, .attempt = 1, .sender = contact_of(7, 4747), .body = std::move(body)};
  }
  static Nodes full_answer() {
    core::SeededRandom random(1);
    Nodes nodes;
    while (!nodes.contacts.full())
      nodes.contacts.push_back({random_key(random), *Endpoint::parse("[2001:db8::1]:65535"), 16});
    return nodes;
  }
  Codec codec_;
};

TEST_F(CodecTest, RepeatsEveryKind) {
  for (const Body& body :
       {Body(Ping{}), Body(Pong{}), Body(FindNode{id_of(42)}), Body(Nodes{}), Body(full_answer())}) {
    const Message sent = message(body);
    const auto received = codec_.decode(encode(sent));
    ASSERT_TRUE(received);
    EXPECT_EQ(*received, sent);
  }
}

TEST_F(CodecTest, AFullAnswerFitsItsDatagram) {
  EXPECT_LE(encode(message(full_answer())).size(), kMessageBytesMax);
}

TEST_F(CodecTest, RefusesEveryTruncationAndWhatFollows) {
  const auto bytes = encode(message(FindNode{id_of(42)}));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(codec_.decode(std::span(bytes).first(size))) << size;
  }
  std::vector<std::uint8_t> longer = bytes;
  longer.resize(kMessageBytesMax + 1);
  EXPECT_FALSE(codec_.decode(longer));
}

TEST_F(CodecTest, RefusesContactsThatCannotBe) {
  Message bad = message(Ping{});
  bad.sender.capacity_class = 17;
  EXPECT_FALSE(codec_.decode(encode(bad)));
  bad.sender = contact_of(7, 1);
  bad.sender.endpoint.address = {};
  EXPECT_FALSE(codec_.decode(encode(bad)));
  for (const Contact& contact : {contact_of(id_of(1), 1, 0), contact_of(1, 0)}) {
    Nodes nodes;
    nodes.contacts.push_back(contact);
    EXPECT_FALSE(codec_.decode(encode(message(nodes))));
  }
  bad = message(Ping{});
  bad.attempt = 2;
  EXPECT_FALSE(codec_.decode(encode(bad)));
}

TEST_F(CodecTest, SenderMayLeaveItsAddressOpen) {
  Message open = message(Ping{});
  open.sender.endpoint = {};
  EXPECT_EQ(codec_.decode(encode(open)), open);
}

TEST(SavedTable, RepeatsItsContactsAndRefusesOtherFiles) {
  const std::vector<Contact> contacts{contact_of(1, 1), contact_of(2, 2)};
  const auto bytes = encode_saved_table(contacts);
  EXPECT_EQ(decode_saved_table(bytes), contacts);
  EXPECT_FALSE(decode_saved_table({}));
  const std::vector<std::uint8_t> noise(100, 0xff);
  EXPECT_FALSE(decode_saved_table(noise));
  auto cut = bytes;
  cut.pop_back();
  EXPECT_FALSE(decode_saved_table(cut));
}

}  // namespace
}  // namespace kadenza::distributed::kademlia
