// SPDX-License-Identifier: AGPL-3.0-or-later
// Calls between nodes that get along.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "distributed/rpc/join_call.hpp"
#include "distributed/rpc/json_call.hpp"
#include "two_nodes.hpp"

namespace kadenza::distributed::rpc {
namespace {

using namespace testing;
namespace asio = boost::asio;

class Calls : public ::testing::Test {
 protected:
  TestAuthority authority_;
  ServingNode there_{authority_};
  CallingNode here_{authority_};
};

TEST_F(Calls, CarryARequestAndItsReply) {
  EXPECT_EQ(here_.call(there_.contact(), "/test/Echo", "salut"), "salut");
  EXPECT_EQ(here_.call(there_.contact(), "/test/Echo", ""), "");
}

TEST_F(Calls, TellWhoCallsAndHowLongItWaits) {
  ASSERT_TRUE(here_.call(there_.contact(), "/test/Echo", "connect"));
  ASSERT_TRUE(here_.call(there_.contact(), "/test/Echo", "x", 7s));
  EXPECT_EQ(there_.last_caller, here_.key.id());
  EXPECT_GT(there_.last_patience.load(), 5s);
  EXPECT_LE(there_.last_patience.load(), 7s + 1ms);
}

TEST_F(Calls, ShareOneConnectionAtOnce) {
  std::vector<std::future<Result<std::string>>> calls;
  for (int i = 0; i < 300; ++i)
    calls.push_back(here_.begin(there_.contact(), "/test/Echo", std::to_string(i)));
  for (int i = 0; i < 300; ++i) EXPECT_EQ(calls[static_cast<std::size_t>(i)].get(), std::to_string(i));
  EXPECT_EQ(there_.server->snapshot().accepted, 1u);
  EXPECT_EQ(here_.peers.snapshot().connections, 1u);
}

TEST_F(Calls, CarryPiecesOfAudioManyAtATime) {
  std::vector<std::future<Result<std::string>>> calls;
  for (int i = 0; i < 64; ++i)
    calls.push_back(here_.begin(there_.contact(), "/test/Big", std::to_string(peers::kPieceBytes + i)));
  for (int i = 0; i < 64; ++i) {
    const auto reply = calls[static_cast<std::size_t>(i)].get();
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_EQ(*reply, std::string(peers::kPieceBytes + static_cast<std::size_t>(i), 'b'));
  }
}

TEST_F(Calls, CarryTheLargestMessagesBothWays) {
  std::string largest(peers::kMessageBytesMax, 'a');
  largest.back() = 'z';
  std::vector<std::future<Result<std::string>>> calls;
  for (int i = 0; i < 8; ++i) calls.push_back(here_.begin(there_.contact(), "/test/Echo", largest));
  for (auto& call : calls) EXPECT_EQ(call.get(), largest);
}

TEST_F(Calls, RefuseMessagesThatAreTooLong) {
  const auto request =
      here_.call(there_.contact(), "/test/Echo", std::string(peers::kMessageBytesMax + 1, 'a'));
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().code, Errc::kTooLarge);
  const auto reply = here_.call(there_.contact(), "/test/Big", std::to_string(peers::kMessageBytesMax + 1));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::kInternal);
}

TEST_F(Calls, BringErrorsBackAsTheyWere) {
  for (int code = 0; code <= static_cast<int>(Errc::kInternal); ++code) {
    const core::Error error{static_cast<Errc>(code), "100 % señal\xf0\x9f\x8e\xb5"};
    const auto reply = here_.call(there_.contact(), "/test/Fail",
                                  std::string(core::to_string(error.code)) + ":" + error.detail);
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error(), error);
  }
}

TEST_F(Calls, CutLongExplanationsAndControlCharacters) {
  const auto reply =
      here_.call(there_.contact(), "/test/Fail", "internal:\x1b[2J\n" + std::string(5000, 'e'));
  ASSERT_FALSE(reply);
  EXPECT_TRUE(reply.error().detail.starts_with(" [2J e"));
  EXPECT_LE(reply.error().detail.size(), 1024u);
}

TEST_F(Calls, SurviveAHandlerThatThrows) {
  const auto reply = here_.call(there_.contact(), "/test/Throw", "");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::kInternal);
  EXPECT_TRUE(here_.call(there_.contact(), "/test/Echo", "x"));
}

TEST_F(Calls, SayWhichMethodIsUnknown) {
  const auto reply = here_.call(there_.contact(), "/test/Nothing", "");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::kUnavailable);
  EXPECT_NE(reply.error().detail.find("/test/Nothing"), std::string::npos);
}

TEST_F(Calls, EndAtTheirDeadlineOnBothSides) {
  ASSERT_TRUE(here_.call(there_.contact(), "/test/Echo", "connect"));
  const auto begun = std::chrono::steady_clock::now();
  const auto reply = here_.call(there_.contact(), "/test/Wait", "", 1s);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::kDeadlineExceeded);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 1s);
  EXPECT_TRUE(eventually([&] { return there_.cancelled == 1 && there_.waiting == 0; }));
}

TEST_F(Calls, CancelledReachTheCoroutineThatServes) {
  asio::cancellation_signal signal;
  auto strand = asio::make_strand(here_.threads.io);
  auto work = [&]() -> Task<Result<std::string>> {
    auto calling = here_.peers.call(there_.contact(), "/test/Wait", "", here_.clock.now() + 60s);
    co_return co_await std::move(calling);
  };
  auto reply = asio::co_spawn(strand, work, asio::bind_cancellation_slot(signal.slot(), asio::use_future));
  ASSERT_TRUE(eventually([&] { return there_.waiting == 1; }));
  asio::post(strand, [&] { signal.emit(asio::cancellation_type::terminal); });
  const auto answer = reply.get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::kCancelled);
  EXPECT_TRUE(eventually([&] { return there_.cancelled == 1; }));
  EXPECT_TRUE(here_.call(there_.contact(), "/test/Echo", "x")) << "the connection goes on";
  EXPECT_EQ(there_.server->snapshot().accepted, 1u);
}

TEST_F(Calls, ThatAreOverBeforeTheyBeginCostNothing) {
  const auto reply = here_.call(there_.contact(), "/test/Echo", "", -1s);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::kDeadlineExceeded);
  EXPECT_EQ(there_.server->snapshot().accepted, 0u);
}

TEST_F(Calls, ByNewCredentialsAfterTheyWereReplaced) {
  ASSERT_TRUE(here_.call(there_.contact(), "/test/Echo", "x"));
  const TestAuthority next;
  ASSERT_TRUE(here_.who->replace(next.credentials(here_.key)));
  EXPECT_TRUE(here_.call(there_.contact(), "/test/Echo", "x")) << "a connection that exists stays";
  here_.peers.drop(there_.key.id());
  EXPECT_TRUE(eventually([&] { return here_.peers.snapshot().connections == 0; }));
  EXPECT_FALSE(here_.call(there_.contact(), "/test/Echo", "x"));
  ASSERT_TRUE(there_.who->replace(next.credentials(there_.key)));
  EXPECT_TRUE(eventually([&] { return here_.call(there_.contact(), "/test/Echo", "x").has_value(); }));
}

TEST_F(Calls, InJson) {
  const auto ask = [&](std::string method, std::string json) {
    auto work =
        call_json(here_.peers, there_.contact(), std::move(method), std::move(json), here_.clock.now() + 20s);
    return asio::co_spawn(here_.threads.io, std::move(work), asio::use_future).get();
  };
  for (const auto* name :
       {"Node.Describe", "/kadenza.v1.Node/Describe", "kadenza.v1.Node.Describe", "node.describe"}) {
    const auto reply = ask(name, "{}");
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_NE(reply->find("\"name\": \"attic\""), std::string::npos) << *reply;
    EXPECT_NE(reply->find("\"usedBytes\": \"0\""), std::string::npos) << *reply;
  }
  const auto unknown = ask("Node.Descibe", "");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::kInvalidArgument);
  EXPECT_NE(unknown.error().detail.find("Node.Describe"), std::string::npos) << unknown.error().detail;
  for (const auto* wrong : {"{\"nmae\": 1}", "{", "[]", "nothing"}) {
    const auto reply = ask("Node.Describe", wrong);
    ASSERT_FALSE(reply) << wrong;
    EXPECT_EQ(reply.error().code, Errc::kInvalidArgument);
  }
  EXPECT_NE(ask("Node.Describe", "{\"nmae\": 1}").error().detail.find("nmae"), std::string::npos);
  const auto methods = list_methods();
  EXPECT_NE(std::ranges::find(methods, "Node.Describe"), methods.end());
}

TEST_F(Calls, OfThoseWhoWantToJoin) {
  const auto join = [&](const core::Digest& fingerprint, std::string path, core::Duration patience = 20s) {
    auto work = join_call(here_.threads.io.get_executor(), here_.clock, there_.contact().endpoint,
                          fingerprint, path, "let me in", here_.clock.now() + patience);
    return asio::co_spawn(here_.threads.io, std::move(work), asio::use_future).get();
  };
  const auto fingerprint = identity::Certificate::from_pem(authority_.pem())->fingerprint();
  const auto nobody = join(fingerprint, "/test/Echo");
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Errc::kUnavailable);
  EXPECT_TRUE(eventually([&] { return there_.refused(Refusal::kNotJoining) == 1; }));

  const auto joining = std::make_shared<peers::Handlers>();
  joining->add<Echo>([](peers::Caller caller, Echo request) -> Task<Result<Echo>> {
    EXPECT_EQ(caller.id, core::NodeId{});
    co_return Echo{request.bytes + "?"};
  });
  joining->add<Wait>([this](peers::Caller, Wait request) -> Task<Result<Wait>> {
    asio::steady_timer timer(co_await asio::this_coro::executor, 60s);
    ++there_.waiting;
    co_await timer.async_wait(asio::use_awaitable);
    co_return request;
  });
  there_.server->set_joining(joining);
  EXPECT_EQ(join(fingerprint, "/test/Echo"), "let me in?");
  EXPECT_FALSE(join(fingerprint, "/test/Big")) << "only what is there for joining";
  const auto late = join(fingerprint, "/test/Wait", 1s);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::kDeadlineExceeded);
  const auto other =
      join(identity::Certificate::from_pem(TestAuthority().pem())->fingerprint(), "/test/Echo");
  ASSERT_FALSE(other) << "another cluster";
  EXPECT_EQ(other.error().code, Errc::kForbidden);
  EXPECT_NE(other.error().detail.find("not of this cluster"), std::string::npos) << other.error().detail;
}

TEST_F(Calls, EndWhenTheServerStopsAndGoOnWhenItIsBack) {
  ASSERT_TRUE(here_.call(there_.contact(), "/test/Echo", "x"));
  const auto contact = there_.contact();
  auto cut_off = here_.begin(contact, "/test/Wait", "");
  ASSERT_TRUE(eventually([&] { return there_.waiting == 1; }));
  there_.stop(10ms);
  const auto answer = cut_off.get();
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().code == Errc::kUnavailable || answer.error().code == Errc::kCancelled);
  const auto refused = here_.call(contact, "/test/Echo", "x");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kUnavailable);

  RpcServer::Options options;
  options.listen = {{asio::ip::make_address("127.0.0.1"), contact.endpoint.port}};
  there_.server = std::make_unique<RpcServer>(there_.threads.io.get_executor(), there_.clock, there_.who,
                                              there_.handlers, options);
  ASSERT_TRUE(there_.server->start());
  EXPECT_TRUE(eventually([&] { return here_.call(contact, "/test/Echo", "x").has_value(); }));
}

TEST_F(Calls, UnderWayFinishWhenTheServerStops) {
  ASSERT_TRUE(here_.call(there_.contact(), "/test/Echo", "x"));
  std::vector<std::future<Result<std::string>>> calls;
  for (int i = 0; i < 32; ++i) calls.push_back(here_.begin(there_.contact(), "/test/Big", "1000000"));
  ASSERT_TRUE(eventually([&] { return there_.server->snapshot().calls >= 2; }));
  there_.stop(20s);
  int answered = 0;
  for (auto& call : calls) {
    const auto reply = call.get();
    if (!reply) continue;
    EXPECT_EQ(reply->size(), 1'000'000u);
    ++answered;
  }
  EXPECT_GE(answered, 1);
}

TEST(CallTimes, CloseConnectionsThatNobodyUses) {
  const TestAuthority authority;
  ServingNode there(authority);
  PeerTimes times;
  times.idle = 30ms;
  times.tick = 10ms;
  CallingNode here(authority, times);
  ASSERT_TRUE(here.call(there.contact(), "/test/Echo", "x"));
  EXPECT_TRUE(eventually([&] { return here.peers.snapshot().connections == 0; }));
  EXPECT_TRUE(eventually([&] { return there.server->snapshot().connections == 0; }));
  EXPECT_TRUE(here.call(there.contact(), "/test/Echo", "x"));
}

/// As after SIGSTOP: the machine still acknowledges what is sent, and nobody reads it.
TEST(CallTimes, NoticeANodeThatHangs) {
  const TestAuthority authority;
  ServingNode there(authority);
  PeerTimes times;
  times.quiet = 50ms;
  times.answer = 100ms;
  times.connect = 1s;
  times.back_off = 2s;
  times.tick = 10ms;
  CallingNode here(authority, times);
  ASSERT_TRUE(here.call(there.contact(), "/test/Echo", "x"));
  const auto contact = there.contact();
  std::promise<void> wake;
  const auto woken = wake.get_future().share();
  for (int i = 0; i < 2; ++i) asio::post(there.threads.io, [woken] { woken.wait(); });
  const auto hung = here.call(contact, "/test/Echo", "x");
  ASSERT_FALSE(hung);
  EXPECT_EQ(hung.error().code, Errc::kUnavailable);
  const auto again = here.call(contact, "/test/Echo", "x");
  ASSERT_FALSE(again) << "its machine accepts connections, it does not";
  EXPECT_EQ(again.error().code, Errc::kUnavailable);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_FALSE(here.call(contact, "/test/Echo", "x"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, times.connect) << "not tried again at once";
  wake.set_value();
  EXPECT_TRUE(eventually([&] { return here.call(contact, "/test/Echo", "x").has_value(); }));
}

}  // namespace
}  // namespace kadenza::distributed::rpc
