// SPDX-License-Identifier: AGPL-3.0-or-later
// Connections between nodes that must not come about, or must not last.
#include "raw_client.hpp"

namespace kadenza::distributed::rpc {
namespace {

using namespace testing;
namespace asio = boost::asio;

class Refusals : public ::testing::Test {
 protected:
  /// Everybody else is served as before.
  void TearDown() override {
    if (!there_.server) return;
    EXPECT_EQ(here_.call(there_.contact(), "/test/Echo", "still here?"), "still here?");
  }
  Shown member() { return {authority_.credentials(raw_key_), &raw_key_}; }
  /// The server refuses whoever shows this, and counts it as `reason`.
  void refuses(const Shown& shown, Refusal reason) {
    const auto before = there_.refused(reason);
    RawClient client(there_.endpoint());
    client.handshake(shown);
    EXPECT_TRUE(client.closed_by_server());
    EXPECT_TRUE(eventually([&] { return there_.refused(reason) == before + 1; })) << to_string(reason);
    EXPECT_EQ(there_.server->snapshot().calls, 0u);
  }

  TestAuthority authority_;
  identity::NodeKey raw_key_ = *identity::NodeKey::generate();
  ServingNode there_{authority_};
  CallingNode here_{authority_};
};

TEST_F(Refusals, OfPlainText) {
  RawClient client(there_.endpoint());
  asio::write(client.socket(), asio::buffer(std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")));
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_TRUE(eventually([&] { return there_.refused(Refusal::kPlainText) == 1; }));
}

TEST_F(Refusals, OfTls12) {
  auto shown = member();
  shown.tls_version = TLS1_2_VERSION;
  RawClient client(there_.endpoint());
  EXPECT_FALSE(client.handshake(shown));
  EXPECT_TRUE(eventually([&] { return there_.refused(Refusal::kOldTls) == 1; }));
}

TEST_F(Refusals, WithoutACertificate) {
  refuses({}, Refusal::kNoCertificate);
}

TEST_F(Refusals, OfAnotherCluster) {
  const TestAuthority other;
  refuses({other.credentials(raw_key_), &raw_key_}, Refusal::kUnknownAuthority);
}

TEST_F(Refusals, OfAnExpiredCertificate) {
  refuses({tls::Credentials{authority_.certify(raw_key_, {}, 60), authority_.pem()}, &raw_key_},
          Refusal::kExpired);
}

TEST_F(Refusals, OfACertificateForAnotherId) {
  const auto other = *identity::NodeKey::generate();
  refuses({tls::Credentials{authority_.certify(raw_key_, other.id().text()), authority_.pem()}, &raw_key_},
          Refusal::kWrongId);
}

TEST_F(Refusals, OfARemovedNode) {
  there_.removed.add(raw_key_.id());
  refuses(member(), Refusal::kRemoved);
}

TEST_F(Refusals, OfOtherProtocols) {
  auto shown = member();
  shown.protocols = "\x08http/1.1";
  refuses(shown, Refusal::kBadHandshake);
  shown.protocols.clear();
  refuses(shown, Refusal::kBadHandshake);
}

TEST_F(Refusals, OfGarbageAfterTheHandshake) {
  RawClient client(there_.endpoint());
  ASSERT_TRUE(client.handshake(member()));
  client.send("GET / HTTP/1.1\r\nHost: here\r\n\r\n");
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_TRUE(eventually([&] { return there_.refused(Refusal::kProtocol) == 1; }));
}

/// The pure client session on a raw connection, without the limits that our own client keeps.
struct Listening : http2::ClientSession::Listener {
  void on_reply(http2::Session::Stream, Result<std::string> reply) override {
    replies.push_back(std::move(reply));
  }
  std::vector<Result<std::string>> replies;
};

TEST_F(Refusals, OfARequestThatIsTooLong) {
  RawClient client(there_.endpoint());
  ASSERT_TRUE(client.handshake(member()));
  Listening listening;
  http2::ClientSession session({.message_bytes = 64 << 20}, "x", listening);
  session.start("/test/Echo", std::string(peers::kMessageBytesMax + 1, 'a'), {});
  client.flush(session);
  ASSERT_TRUE(client.read_until(session, [&] { return !listening.replies.empty(); }));
  ASSERT_FALSE(listening.replies.front());
  EXPECT_EQ(listening.replies.front().error().code, Errc::kTooLarge)
      << listening.replies.front().error().detail;
}

TEST_F(Refusals, OfAHeaderThatIsTooLong) {
  RawClient client(there_.endpoint());
  ASSERT_TRUE(client.handshake(member()));
  Listening listening;
  http2::ClientSession session({.message_bytes = 1 << 20}, "x", listening);
  session.start("/" + std::string(9000, 'p'), "", {});
  client.flush(session);
  ASSERT_TRUE(client.read_until(session, [&] { return !listening.replies.empty(); }));
  ASSERT_FALSE(listening.replies.front());
  EXPECT_EQ(listening.replies.front().error().code, Errc::kTooLarge)
      << listening.replies.front().error().detail;
}

TEST_F(Refusals, OfAMemberThatIsRemovedWhileConnected) {
  ASSERT_TRUE(here_.call(there_.contact(), "/test/Echo", "x"));
  auto under_way = here_.begin(there_.contact(), "/test/Wait", "");
  ASSERT_TRUE(eventually([&] { return there_.waiting == 1; }));
  there_.removed.add(here_.key.id());
  there_.server->drop(here_.key.id());
  const auto cut_off = under_way.get();
  ASSERT_FALSE(cut_off);
  EXPECT_EQ(cut_off.error().code, Errc::kUnavailable);
  EXPECT_TRUE(eventually([&] { return there_.cancelled == 1; }));
  const auto again = here_.call(there_.contact(), "/test/Echo", "x");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::kUnavailable);
  there_.stop(1s);
}

TEST_F(Refusals, OfCallsOfARemovedMemberWhoseConnectionWasNotDropped) {
  ASSERT_TRUE(here_.call(there_.contact(), "/test/Echo", "x"));
  there_.removed.add(here_.key.id());
  EXPECT_FALSE(here_.call(there_.contact(), "/test/Echo", "x"));
  EXPECT_TRUE(eventually([&] { return there_.refused(Refusal::kRemoved) >= 1; }));
  there_.stop(1s);
}

TEST_F(Refusals, ByTheCallerOfAnotherNodeThanTheOneThatWasWanted) {
  auto contact = there_.contact();
  contact.id = identity::NodeKey::generate()->id();
  const auto reply = here_.call(contact, "/test/Echo", "x");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::kUnavailable);
  EXPECT_EQ(here_.refused(Refusal::kWrongId), 1u);
  EXPECT_EQ(there_.server->snapshot().calls, 0u);
}

TEST_F(Refusals, ByTheCallerOfANodeOfAnotherCluster) {
  const TestAuthority other;
  ServingNode stranger(other);
  const auto reply = here_.call(stranger.contact(), "/test/Echo", "x");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::kUnavailable);
  EXPECT_EQ(here_.refused(Refusal::kUnknownAuthority), 1u);
}

TEST_F(Refusals, ByTheCallerOfARemovedNode) {
  ServingNode gone(authority_);
  ASSERT_TRUE(here_.call(gone.contact(), "/test/Echo", "x"));
  here_.removed.add(gone.key.id());
  here_.peers.drop(gone.key.id());
  const auto reply = here_.call(gone.contact(), "/test/Echo", "x");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::kUnavailable);
}

TEST_F(Refusals, WhereNobodyListensComeAtOnce) {
  auto contact = there_.contact();
  contact.endpoint.port = 1;
  const auto begun = std::chrono::steady_clock::now();
  const auto reply = here_.call(contact, "/test/Echo", "x");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::kUnavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s);
  EXPECT_EQ(here_.peers.snapshot().unreachable, 1u);
  EXPECT_TRUE(here_.call(there_.contact(), "/test/Echo", "x")) << "the right address is tried at once";
}

TEST(RefusalLimits, OfConnectionsFromOneAddress) {
  const TestAuthority authority;
  RpcLimits limits;
  limits.connections_per_address = 3;
  ServingNode there(authority, limits);
  std::vector<std::unique_ptr<CallingNode>> callers;
  for (int i = 0; i < 3; ++i) {
    callers.push_back(std::make_unique<CallingNode>(authority));
    ASSERT_TRUE(callers.back()->call(there.contact(), "/test/Echo", "x"));
  }
  CallingNode fourth(authority);
  EXPECT_FALSE(fourth.call(there.contact(), "/test/Echo", "x"));
  EXPECT_GE(there.refused(Refusal::kOverLimit), 1u);
  callers.pop_back();
  EXPECT_TRUE(eventually([&] { return fourth.call(there.contact(), "/test/Echo", "x").has_value(); }));
}

TEST(RefusalLimits, OfAHandshakeThatTakesTooLong) {
  const TestAuthority authority;
  auto times = ServingNode::quick_times();
  times.handshake = 300ms;
  ServingNode there(authority, {}, times);
  RawClient silent(there.endpoint());
  RawClient halfway(there.endpoint());
  asio::write(halfway.socket(), asio::buffer(std::string("\x16\x03\x01", 3)));
  EXPECT_TRUE(silent.closed_by_server());
  EXPECT_TRUE(halfway.closed_by_server());
  EXPECT_TRUE(eventually([&] { return there.refused(Refusal::kHandshakeTimeout) == 2; }));
}

TEST(RefusalLimits, OfStrangersWhoHoldConnectionsHalfOpen) {
  const TestAuthority authority;
  RpcLimits limits;
  limits.handshakes = 4;
  auto times = ServingNode::quick_times();
  times.handshake = 3s;
  ServingNode there(authority, limits, times);
  CallingNode here(authority);
  ASSERT_TRUE(here.call(there.contact(), "/test/Echo", "x"));
  std::vector<std::unique_ptr<RawClient>> strangers;
  for (int i = 0; i < 8; ++i) strangers.push_back(std::make_unique<RawClient>(there.endpoint()));
  EXPECT_TRUE(eventually([&] { return there.refused(Refusal::kOverLimit) == 4; }));
  EXPECT_TRUE(here.call(there.contact(), "/test/Echo", "x")) << "members who are connected do not feel it";
  EXPECT_TRUE(eventually([&] { return there.server->snapshot().handshakes == 0; }));
}

TEST(RefusalLimits, OfAPeerThatDoesNotRead) {
  const TestAuthority authority;
  auto times = ServingNode::quick_times();
  times.stalled = 200ms;
  ServingNode there(authority, {}, times);
  const auto key = *identity::NodeKey::generate();
  RawClient client(there.endpoint());
  ASSERT_TRUE(client.handshake({authority.credentials(key), &key}));
  Listening listening;
  http2::ClientSession session(
      {.message_bytes = 4 << 20, .call_window = 4 << 20, .connection_window = 1 << 30}, "x", listening);
  for (int i = 0; i < 16; ++i) session.start("/test/Big", "4000000", {});
  client.flush(session);
  EXPECT_TRUE(eventually([&] { return there.server->snapshot().calls == 16; }));
  EXPECT_TRUE(eventually([&] { return there.server->snapshot().connections == 0; }));
}

TEST(RefusalLimits, OfAPeerThatSendsHalfARequest) {
  const TestAuthority authority;
  auto times = ServingNode::quick_times();
  times.stalled = 200ms;
  ServingNode there(authority, {}, times);
  const auto key = *identity::NodeKey::generate();
  RawClient client(there.endpoint());
  ASSERT_TRUE(client.handshake({authority.credentials(key), &key}));
  Listening listening;
  http2::ClientSession session({.message_bytes = 4 << 20}, "x", listening);
  session.start("/test/Echo", std::string(3 << 20, 'h'), {});
  client.flush(session);  // as far as the server's window goes
  EXPECT_TRUE(client.closed_by_server());
}

TEST(Credentials, ThatDoNotFitAreRefusedWithAReason) {
  const TestAuthority authority;
  const auto key = *identity::NodeKey::generate();
  const auto other = *identity::NodeKey::generate();
  const auto anybody = [](const core::NodeId&) { return true; };
  const auto create = [&](const tls::Credentials& credentials) {
    const auto made = tls::TlsIdentity::create(key, credentials, anybody);
    return made ? std::string() : made.error().detail;
  };
  EXPECT_EQ(create(authority.credentials(key)), "");
  EXPECT_NE(create(authority.credentials(other)).find("key and id"), std::string::npos);
  EXPECT_NE(create({authority.certify(key, "node.example"), authority.pem()}).find("key and id"),
            std::string::npos);
  EXPECT_NE(create({authority.certify(key), TestAuthority().pem()}).find("authorities"), std::string::npos);
  EXPECT_NE(create({"nonsense", authority.pem()}).find("cannot be read"), std::string::npos);
  EXPECT_NE(create({authority.certify(key), ""}).find("cannot be read"), std::string::npos);
}

}  // namespace
}  // namespace kadenza::distributed::rpc
