// SPDX-License-Identifier: AGPL-3.0-or-later
// What `cluster`, `node` and `rpc` ask a node's control socket, and what they show of its answers.
#include <clocale>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "core/base32.hpp"
#include "environment.hpp"

namespace kadenza::interface {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

/// A node's control socket that gives one answer.
class ScriptedNode {
 public:
  ScriptedNode(const std::filesystem::path& data, std::string answer)
      : acceptor_(io_, asio::local::stream_protocol::endpoint((data / "control.sock").string())),
        thread_([this, answer = std::move(answer)] {
          auto socket = acceptor_.accept();
          std::string line;
          asio::read_until(socket, asio::dynamic_buffer(line), '\n');
          seen_ = json::parse(line);
          boost::system::error_code gone;
          asio::write(socket, asio::buffer(answer), gone);
        }) {}

  json::value seen() {
    thread_.join();
    return seen_;
  }

 private:
  asio::io_context io_;
  asio::local::stream_protocol::acceptor acceptor_;
  json::value seen_;
  std::jthread thread_;
};

class ClusterCommands : public ::testing::Test {
 protected:
  Ended run(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--data", data_.path().string()});
    return program_(std::move(arguments));
  }

  Program program_;
  kadenza::testing::TemporaryFolder data_;
};

TEST_F(ClusterCommands, InvitePrintsTheTokenAloneOnStandardOutput) {
  ScriptedNode node(data_.path(), "{\"result\":{\"token\":\"kadenza-join-x\",\"expires\":\"tomorrow\"}}\n");
  const Ended ended = run({"cluster", "invite", "--expires", "2h", "--name", "attic"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.out, "kadenza-join-x\n");
  EXPECT_NE(ended.err.find("tomorrow"), std::string::npos);
  EXPECT_EQ(node.seen(), json::parse(R"({"version":1,"method":"invite",
                                         "params":{"name":"attic","expires_seconds":7200}})"));
}

TEST_F(ClusterCommands, TimesAreReadAsPeopleWriteThem) {
  EXPECT_EQ(parse_duration("90s"), std::chrono::seconds(90));
  EXPECT_EQ(parse_duration("30m"), std::chrono::minutes(30));
  EXPECT_EQ(parse_duration("7d"), std::chrono::days(7));
  for (const char* text : {"", "0h", "h", "24", "1w", "-1h", "1h ", "99999999999s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
  const Ended ended = run({"cluster", "invite", "--expires", "soon"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_NE(ended.err.find("24h"), std::string::npos);
}

TEST_F(ClusterCommands, MembersAreATable) {
  ScriptedNode node(
      data_.path(),
      R"({"result":{"members":[{"id":"aaaa","name":"attic","since":"2026","issuer":true,"self":true},)"
      R"({"id":"bbbb","name":"\u001b[2J","since":"2027","issuer":false,"self":false},3]}})"
      "\n");
  const Ended ended = run({"cluster", "members"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_NE(ended.out.find("issuer (this node)"), std::string::npos) << ended.out;
  EXPECT_EQ(ended.out.find('\x1b'), std::string::npos) << "a node's name cannot command the terminal";
}

TEST_F(ClusterCommands, TheAuthorityIsPrintedAloneOrSaved) {
  const std::string answer =
      R"({"result":{"pem":"PEM\n","fingerprint":"AB:CD","expires":"2036","certificate":{"expires":"2027"}}})"
      "\n";
  {
    ScriptedNode node(data_.path(), answer);
    const Ended ended = run({"cluster", "ca"});
    EXPECT_EQ(ended.code, 0);
    EXPECT_EQ(ended.out, "PEM\n");
    for (const char* told : {"AB:CD", "2036", "2027"}) {
      EXPECT_NE(ended.err.find(told), std::string::npos) << ended.err;
    }
    EXPECT_EQ(node.seen(), json::parse(R"({"version":1,"method":"ca","params":{}})"));
  }
  std::filesystem::remove(data_.path() / "control.sock");
  ScriptedNode node(data_.path(), answer);
  const auto file = data_.path() / "ca.pem";
  EXPECT_EQ(run({"cluster", "ca", "--output", file.string()}).out, "");
  std::string saved;
  std::getline(std::ifstream(file), saved);
  EXPECT_EQ(saved, "PEM");
}

TEST_F(ClusterCommands, NodesAreNamedAsThePersonDid) {
  {
    ScriptedNode node(
        data_.path(),
        "{\"result\":{\"id\":\"i\",\"name\":\"attic\",\"unreached\":[{\"name\":\"cellar\"}]}}\n");
    const Ended ended = run({"cluster", "remove", "atti"});
    EXPECT_EQ(ended.code, 0);
    EXPECT_NE(ended.out.find("attic"), std::string::npos);
    EXPECT_NE(ended.err.find("cellar"), std::string::npos);
    EXPECT_EQ(node.seen(), json::parse(R"({"version":1,"method":"remove","params":{"node":"atti"}})"));
  }
  std::filesystem::remove(data_.path() / "control.sock");
  ScriptedNode node(data_.path(), "{\"result\":{\"id\":\"i\",\"name\":\"attic\"}}\n");
  EXPECT_EQ(run({"cluster", "issuer", "add", "attic", "--json"}).out, "{\"id\":\"i\",\"name\":\"attic\"}\n");
  EXPECT_EQ(node.seen(), json::parse(R"({"version":1,"method":"issuer.add","params":{"node":"attic"}})"));
}

TEST_F(ClusterCommands, WhatTheNodeRefusesIsShown) {
  {
    ScriptedNode node(data_.path(), "{\"error\":{\"code\":\"forbidden\",\"detail\":\"no issuer\"}}\n");
    const Ended ended = run({"cluster", "invite"});
    EXPECT_EQ(ended.code, 4);
    EXPECT_NE(ended.err.find("no issuer"), std::string::npos);
  }
  for (const std::string& answer : {std::string("nonsense\n"), std::string("{}\n"), std::string("no end")}) {
    std::filesystem::remove(data_.path() / "control.sock");
    ScriptedNode node(data_.path(), answer);
    EXPECT_EQ(run({"cluster", "members"}).code, 3) << answer;
  }
}

std::string departure(int safe, int homeless, bool done) {
  return fmt::format(
      R"({{"songs":9,"bytes":900,"safe_songs":{},"safe_bytes":{}00,"homeless_songs":{},"done":{}}})", safe,
      safe, homeless, done);
}

TEST_F(ClusterCommands, DrainEndsWhenTheNodeIsEmpty) {
  {
    ScriptedNode node(data_.path(), "{\"result\":" + departure(9, 0, true) + "}\n");
    const Ended ended = run({"node", "drain"});
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_NE(ended.out.find("9 songs are kept by other nodes now"), std::string::npos) << ended.out;
    EXPECT_EQ(node.seen(), json::parse(R"({"version":1,"method":"drain","params":{}})"));
  }
  std::filesystem::remove(data_.path() / "control.sock");
  ScriptedNode node(data_.path(), "{\"result\":" + departure(9, 0, true) + "}\n");
  EXPECT_EQ(json::parse(run({"node", "drain", "--json"}).out), json::parse(departure(9, 0, true)));
}

TEST_F(ClusterCommands, DrainSaysForHowManySongsThereIsNoRoom) {
  {
    ScriptedNode node(data_.path(), "{\"result\":" + departure(7, 2, false) + "}\n");
    const Ended ended = run({"node", "drain"});
    EXPECT_EQ(ended.code, 1);
    EXPECT_TRUE(ended.out.empty()) << ended.out;
    EXPECT_NE(ended.err.find("for 2 songs too few other nodes have room"), std::string::npos) << ended.err;
    EXPECT_NE(ended.err.find("--cancel"), std::string::npos) << ended.err;
  }
  std::filesystem::remove(data_.path() / "control.sock");
  ScriptedNode node(data_.path(), "{\"result\":" + departure(7, 2, false) + "}\n");
  const Ended ended = run({"node", "drain", "--json"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_EQ(json::parse(ended.out), json::parse(departure(7, 2, false)));
}

TEST_F(ClusterCommands, ADrainIsTakenBack) {
  ScriptedNode node(data_.path(), "{\"result\":" + departure(3, 0, false) + "}\n");
  const Ended ended = run({"node", "drain", "--cancel"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(ended.out.find("stays"), std::string::npos) << ended.out;
  EXPECT_EQ(node.seen(), json::parse(R"({"version":1,"method":"drain.cancel","params":{}})"));
}

TEST_F(ClusterCommands, WithoutANodeTheySayHowToStartOne) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"cluster", "members"},
                                                {"cluster", "remove", "attic"},
                                                {"node", "drain"},
                                                {"rpc", "attic", "a/b"}}) {
    const Ended ended = run(words);
    EXPECT_EQ(ended.code, 3);
    EXPECT_NE(ended.err.find("kadenza serve --data " + data_.path().string()), std::string::npos)
        << ended.err;
  }
}

TEST_F(ClusterCommands, CallsGoInAndOutAsJson) {
  ScriptedNode node(data_.path(), "{\"result\":{\"name\":\"attic\"}}\n");
  EXPECT_EQ(run({"rpc", "attic", "Node.Describe", "{\"a\":1}"}).out, "{\"name\":\"attic\"}\n");
  EXPECT_EQ(node.seen(), json::parse(R"({"version":1,"method":"rpc",
      "params":{"node":"attic","method":"Node.Describe","request":{"a":1}}})"));
  for (const char* request : {"nonsense", "[1]", "3"})
    EXPECT_EQ(run({"rpc", "attic", "a/b", request}).code, 2);
}

/// Standard input for as long as it lives.
class Input {
 public:
  explicit Input(const std::string& text) : text_(text), before_(std::cin.rdbuf(text_.rdbuf())) {}
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  ~Input() {
    std::cin.rdbuf(before_);
    std::cin.clear();
  }

 private:
  std::istringstream text_;
  std::streambuf* before_;
};

TEST_F(ClusterCommands, ExportWritesAFileForItsOwnerAlone) {
  const auto file = data_.path() / "cluster.export";
  const std::vector<std::uint8_t> sealed{1, 2, 3, 255};
  ScriptedNode node(data_.path(), "{\"result\":{\"sealed\":\"" + core::base32_encode(sealed) + "\"}}\n");
  {
    const Input input("correct horse\n");
    const Ended ended = run({"cluster", "export", file.string(), "--passphrase-stdin"});
    EXPECT_EQ(ended.code, 0) << ended.err;
  }
  EXPECT_EQ(node.seen().at("params").at("passphrase").as_string(), "correct horse");
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  std::stringstream content;
  content << std::ifstream(file, std::ios::binary).rdbuf();
  EXPECT_EQ(content.str(), "\x01\x02\x03\xff");
  const Ended again = run({"cluster", "export", file.string(), "--passphrase-stdin"});
  EXPECT_EQ(again.code, 2) << "it overwrites nothing";
  EXPECT_EQ(run({"cluster", "export", (data_.path() / "other").string()}).code, 2) << "no terminal to ask at";
}

TEST_F(ClusterCommands, RecoverWorksWithoutANode) {
  const auto file = data_.path() / "cluster.export";
  std::ofstream(file) << "sealed";
  const Input input("correct horse\n");
  const Ended ended = run({"cluster", "recover", file.string(), "--passphrase-stdin", "--name", "attic"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  ASSERT_TRUE(program_.recovered);
  EXPECT_EQ(program_.recovered->data, data_.path());
  EXPECT_EQ(program_.recovered->exported, "sealed");
  EXPECT_EQ(program_.recovered->passphrase, "correct horse");
  EXPECT_EQ(program_.recovered->name, "attic");
  EXPECT_EQ(run({"cluster", "recover", "/no/such/file", "--passphrase-stdin"}).code, 2);
}

}  // namespace
}  // namespace kadenza::interface
