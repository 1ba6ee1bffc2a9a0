// SPDX-License-Identifier: AGPL-3.0-or-later
// The options of a node among others, and what `network` and `lookup` ask and show.
#include <clocale>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "core/sha256.hpp"
#include "environment.hpp"
#include "support/scripted_server.hpp"

namespace kadenza::interface {
namespace {

using testing::answering;
using testing::http_answer;
using testing::ScriptedServer;
using testing::SeenRequest;

const std::string kSelf = core::sha256("self").text();
const std::string kNear = core::sha256("near").text();
const std::string kDead = core::sha256("dead").text();

TEST(ServeNetwork, IsOnUnlessStandalone) {
  Program program;
  ASSERT_EQ(program({"serve"}).code, 0);
  ASSERT_TRUE(program.served->network);
  EXPECT_EQ(program.served->network->listen, (ListenAddress{"127.0.0.1", 4748}));
  EXPECT_TRUE(program.served->network->bootstrap.empty());
  ASSERT_EQ(program({"serve", "--standalone"}).code, 0);
  EXPECT_FALSE(program.served->network);
}

TEST(ServeNetwork, BootstrapIsAListAndMayBeRepeated) {
  Program program;
  const Ended run = program({"serve", "--rpc", "[::]:0", "--bootstrap", "attic.example:1,192.0.2.1:2",
                             "--bootstrap", "[2001:db8::1]:3", "--advertise", "me.example:9", "--join",
                             "kadenza-join-x", "--name", "attic"});
  ASSERT_EQ(run.code, 0) << run.err;
  const NetworkOptions expected{{"::", 0},
                                ListenAddress{"me.example", 9},
                                {{"attic.example", 1}, {"192.0.2.1", 2}, {"2001:db8::1", 3}},
                                "kadenza-join-x",
                                "attic",
                                {}};
  EXPECT_EQ(program.served->network, expected);
}

TEST(ServeNetwork, WhoBeginsAClusterChoosesItsSettings) {
  Program program;
  ASSERT_EQ(program({"serve"}).code, 0);
  EXPECT_FALSE(program.served->network->cluster.any());
  const Variable candidates("KADENZA_CANDIDATES", "20");
  ASSERT_EQ(program({"serve", "--replicas", "5", "--write-quorum", "4", "--partitions", "64"}).code, 0);
  EXPECT_EQ(program.served->network->cluster, (ClusterChoice{5, 4, 20, 64}));
}

TEST(ServeNetwork, EnvironmentCountsToo) {
  Program program;
  const Variable bootstrap("KADENZA_BOOTSTRAP", "127.0.0.1:5,127.0.0.1:6");
  const Variable token("KADENZA_JOIN", "kadenza-join-x");
  ASSERT_EQ(program({"serve"}).code, 0);
  EXPECT_EQ(program.served->network->bootstrap.size(), 2U);
  EXPECT_EQ(program.served->network->join, "kadenza-join-x");
}

TEST(ServeNetwork, WhatContradictsIsRefused) {
  Program program;
  const auto refused = [&](std::vector<std::string> arguments, const std::string& word) {
    arguments.insert(arguments.begin(), "serve");
    const Ended run = program(arguments);
    EXPECT_EQ(run.code, 2);
    EXPECT_NE(run.err.find(word), std::string::npos) << run.err;
  };
  refused({"--standalone", "--bootstrap", "127.0.0.1:5"}, "--standalone");
  refused({"--standalone", "--advertise", "127.0.0.1:5"}, "--standalone");
  refused({"--standalone", "--join", "kadenza-join-x"}, "--standalone");
  refused({"--standalone", "--replicas", "2"}, "--standalone");
  refused({"--join", "kadenza-join-x", "--partitions", "64"}, "--partitions");
  refused({"--replicas", "two"}, "--replicas");
  refused({"--bootstrap", "127.0.0.1:0"}, "127.0.0.1:0");
  refused({"--bootstrap", "127.0.0.1"}, "port");
  refused({"--advertise", "0.0.0.0:5"}, "0.0.0.0:5");
  refused({"--rpc", "nonsense"}, "nonsense");
  refused({"--bootstrap", "attic.example:5"}, "--rpc");
}

std::string network_json() {
  return R"({"self":")" + kSelf + R"(","endpoint":"192.0.2.1:4748","estimated_nodes":3,"joined":true,)" +
         R"("link_suspected":false,"buckets":[{"shared_bits":2,"contacts":[{"id":")" + kNear +
         R"(","endpoint":"192.0.2.2:4748","capacity_class":1,"state":"live","round_trip_ms":1.25,"heard_ago_ms":65000},)" +
         R"({"id":")" + kDead +
         R"(","endpoint":"\u001b[2J","capacity_class":1,"state":"dead","round_trip_ms":null,)" +
         R"("heard_ago_ms":null}],"candidates":[]}],"settings":{"replicas":5,"write_quorum":4,"candidates":30,"partitions":64},"repair":{"songs":40,"under_replicated":1,"bytes_to_move":5000000,"time_left_ms":65000,)" +
         R"("songs_copied":8,"bytes_copied":9000,"copies_failed":2,"surplus":6,"handed_over":5,"scrub_progress":0.25,"scrub_passes":3,"rotten":4,)" +
         R"("healed":3,"departure":{"songs":9,"safe_songs":8,"homeless_songs":1}},"nodes":[{"name":"attic","leaving":true},)" +
         R"({"name":"cellar","leaving":false}],"traffic":{"datagrams_in":12,"bytes_in":1500,"dropped_unknown_key":4}})";
}

std::string lookup_json() {
  return R"({"key":")" + kSelf + R"(","took_ms":2.5,"nearest":[{"id":")" + kNear +
         R"(","endpoint":"192.0.2.2:4748","round_trip_ms":0.25}],"nearer_than_self":1,"hops":[{"id":")" +
         kNear +
         R"(","endpoint":"192.0.2.2:4748","hop":1,"told_by":null,"shared_bits":7,"state":"answered","asked_after_ms":0,)" +
         R"("took_ms":0.25},{"id":")" + kDead + R"(","endpoint":"192.0.2.3:4748","hop":2,"told_by":")" +
         kNear + R"(","shared_bits":3,"state":"failed","asked_after_ms":0.5,"took_ms":null}]})";
}

ScriptedServer::Script always(std::string body) {
  return answering([body = std::move(body)](const SeenRequest&) { return http_answer("200 OK", body); });
}

class NetworkCommands : public ::testing::Test {
 protected:
  void SetUp() override { std::setlocale(LC_CTYPE, "C.UTF-8"); }
  Program program_;
};

TEST_F(NetworkCommands, TheNetworkIsShownByBuckets) {
  ScriptedServer server(always(network_json()));
  const Ended run = program_({"network", "--server", server.url()});
  ASSERT_EQ(run.code, 0) << run.err;
  for (const std::string& part : {"Node " + kSelf,
                                  std::string("about 3 nodes"),
                                  std::string("joined"),
                                  std::string("2 shared bits"),
                                  kNear + "  192.0.2.2:4748",
                                  std::string("1.25 ms  1:05 ago"),
                                  std::string("dead"),
                                  std::string("5 of each song; an upload waits for 4"),
                                  std::string("64 partitions, each held among the 30 nodes nearest to it"),
                                  std::string("songs held      40"),
                                  std::string("1 song\n"),
                                  std::string("5.0 MB, about 1:05 left"),
                                  std::string("8 songs, 9.0 kB; 2 attempts failed"),
                                  std::string("6 songs; 5 handed over"),
                                  std::string("leaving  attic\n"),
                                  std::string("8 of 9 songs are safe with others; for 1 there is no room"),
                                  std::string("25 % of pass 4"),
                                  std::string("4 songs, 3 healed"),
                                  std::string("12 datagrams, 1.5 kB"),
                                  std::string("4 (unknown key)")}) {
    EXPECT_NE(run.out.find(part), std::string::npos) << part << " is not in " << run.out;
  }
  EXPECT_EQ(run.out.find('\x1b'), std::string::npos) << "a node commanded the terminal";
}

TEST_F(NetworkCommands, ALookupIsShownHopByHop) {
  ScriptedServer server(always(lookup_json()));
  const Ended run = program_({"lookup", kSelf, "--server", server.url()});
  ASSERT_EQ(run.code, 0) << run.err;
  for (const std::string& part :
       {"The way to " + kSelf, std::string("own table"), std::string("no answer"), kNear.substr(0, 10),
        kNear + "  192.0.2.2:4748  0.25 ms", std::string("2 nodes were asked in 2.50 ms; 1 are nearer")}) {
    EXPECT_NE(run.out.find(part), std::string::npos) << part << " is not in " << run.out;
  }
}

TEST_F(NetworkCommands, JsonIsTheServers) {
  ScriptedServer server(always(lookup_json()));
  const Ended run = program_({"lookup", kSelf, "--json", "--server", server.url()});
  EXPECT_EQ(boost::json::parse(run.out), boost::json::parse(lookup_json()));
}

TEST_F(NetworkCommands, ATextIsHashedToAKey) {
  std::string asked;
  ScriptedServer server(lone_node([&](const SeenRequest& request) {
    asked = request.head;
    return http_answer("200 OK", lookup_json());
  }));
  EXPECT_EQ(program_({"lookup", "--hash", "any text", "--server", server.url()}).code, 0);
  EXPECT_NE(asked.find("GET /api/v1/network/lookup/" + core::sha256("any text").text()), std::string::npos)
      << asked;
}

TEST_F(NetworkCommands, AKeyMustBeAnId) {
  const Ended run = program_({"lookup", "nonsense"});
  EXPECT_EQ(run.code, 2);
  EXPECT_NE(run.err.find("--hash"), std::string::npos);
}

}  // namespace
}  // namespace kadenza::interface
