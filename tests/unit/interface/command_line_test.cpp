// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/command_line.hpp"

#include <gtest/gtest.h>

#include "environment.hpp"

namespace kadenza::interface {
namespace {

TEST(Sizes, AreReadAsPeopleWriteThem) {
  EXPECT_EQ(parse_size("1000"), 1000U);
  EXPECT_EQ(parse_size("500GB"), 500'000'000'000U);
  EXPECT_EQ(parse_size("1.5 TB"), 1'500'000'000'000U);
  EXPECT_EQ(parse_size("2GiB"), 2ULL << 30U);
  for (const char* text : {"", "GB", "0", "-1GB", "5XB", "1e30", "nan", "inf", "5GBs"})
    EXPECT_FALSE(parse_size(text)) << text;
}

TEST(ListenAddresses, NeedHostAndPort) {
  EXPECT_EQ(parse_listen_address("127.0.0.1:80"), (ListenAddress{"127.0.0.1", 80}));
  EXPECT_EQ(parse_listen_address("[::1]:0"), (ListenAddress{"::1", 0}));
  for (const char* text : {"", "127.0.0.1", ":80", "::1:80", "host:", "host:x", "host:70000"}) {
    EXPECT_FALSE(parse_listen_address(text)) << text;
  }
  EXPECT_TRUE((ListenAddress{"127.8.9.1", 1}).is_loopback());
  EXPECT_TRUE((ListenAddress{"::1", 1}).is_loopback());
  EXPECT_TRUE((ListenAddress{"localhost", 1}).is_loopback());
  EXPECT_FALSE((ListenAddress{"0.0.0.0", 1}).is_loopback());
  EXPECT_FALSE((ListenAddress{"music.example", 1}).is_loopback());
}

TEST(Serve, PlainHttpLeavesTheMachineOnlyWhenSaid) {
  Program program;
  const Ended refused = program({"serve", "--http", "0.0.0.0:4747"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("--insecure-http"), std::string::npos) << refused.err;
  EXPECT_FALSE(program.served);
  EXPECT_EQ(program({"serve", "--http", "0.0.0.0:4747", "--insecure-http"}).code, 0);
  EXPECT_EQ(program({"serve", "--http", "0.0.0.0:4747", "--tls-cert", "c", "--tls-key", "k"}).code, 0);
  EXPECT_EQ(program({"serve", "--tls-cert", "c"}).code, 2);
  EXPECT_EQ(program({"serve", "--http", "0.0.0.0:4747", "--https", "--https-name", "a.local,b.local"}).code,
            0);
  EXPECT_TRUE(program.served->https);
  EXPECT_EQ(program.served->https_names, (std::vector<std::string>{"a.local", "b.local"}));
  EXPECT_EQ(program({"serve", "--https", "--tls-cert", "c", "--tls-key", "k"}).code, 2);
  EXPECT_EQ(program({"serve", "--https-name", "a.local"}).code, 2);
}

TEST(ServeOptions, APublicUrlIsOneOfAWholeHost) {
  EXPECT_EQ(parse_public_url("https://music.example/"),
            (PublicUrl{"https://music.example", "music.example"}));
  EXPECT_EQ(parse_public_url("http://[fd00::7]:4747"), (PublicUrl{"http://[fd00::7]:4747", "fd00::7"}));
  Program program;
  for (const char* text :
       {"music.example", "ftp://music.example", "https://", "https://music.example/kadenza",
        "https://me@music.example", "https://0.0.0.0:4747", "https://music.example?x"}) {
    EXPECT_FALSE(parse_public_url(text)) << text;
    const auto refused = program({"serve", "--public-url", text});
    EXPECT_EQ(refused.code, 2);
    EXPECT_NE(refused.err.find("https://music.example"), std::string::npos) << refused.err;
  }
}

TEST(Serve, Defaults) {
  Program program;
  const Variable data("XDG_DATA_HOME", "/data");
  ASSERT_EQ(program({"serve"}).code, 0);
  EXPECT_EQ(program.served->data, "/data/kadenza");
  EXPECT_EQ(program.served->http, (std::vector<ListenAddress>{{"127.0.0.1", 4747}}));
  EXPECT_FALSE(program.served->capacity);
  EXPECT_EQ(program.served->grace, std::chrono::minutes(15));
  EXPECT_EQ(program.served->repair_rate, 20'000'000U);
  EXPECT_EQ(program.served->scrub_every, std::chrono::days(7));
  EXPECT_GT(program.served->threads, 0U);
}

TEST(Serve, RepairIsBoundedAsAskedFor) {
  Program program;
  const Variable rate("KADENZA_REPAIR_RATE", "500kB");
  ASSERT_EQ(program({"serve", "--grace", "30s", "--scrub-every", "12h"}).code, 0);
  EXPECT_EQ(program.served->grace, std::chrono::seconds(30));
  EXPECT_EQ(program.served->repair_rate, 500'000U);
  EXPECT_EQ(program.served->scrub_every, std::chrono::hours(12));
  for (const auto* option : {"--grace", "--repair-rate", "--scrub-every"}) {
    const Ended run = program({"serve", option, "soon"});
    EXPECT_EQ(run.code, 2);
    EXPECT_NE(run.err.find("“soon”"), std::string::npos) << run.err;
  }
}

TEST(CommandLine, WhatCannotBeUnderstoodIsAUsageError) {
  Program program;
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{},
                                                    {"play"},
                                                    {"search"},
                                                    {"upload"},
                                                    {"get"},
                                                    {"search", "x", "--limit", "0"},
                                                    {"search", "x", "--server", "nonsense"},
                                                    {"get", "not-an-id"},
                                                    {"login", "--code", "x", "--password-stdin"},
                                                    {"completion", "tcsh"}}) {
    const Ended run = program(arguments);
    EXPECT_TRUE(run.code == 2 || (run.code == 1 && arguments.size() == 4)) << run.code << run.err;
    EXPECT_FALSE(run.err.empty());
  }
}

/// Whatever CLI11 says is said again in words that have translations.
TEST(CommandLine, UsageErrorsSayWhatIsWrong) {
  Program program;
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{}, "A command is missing."},
      {{"get"}, "ID is missing."},
      {{"rpc", "a", "b", "c", "d"}, "Not understood: d"},
      {{"search", "x", "--limit"}, "--limit needs a value: N"},
      {{"serve", "--threads", "900"}, "--threads: “900” is not a number from 1 to 256."},
      {{"serve", "--log-level", "loud"}, "--log-level: “loud” is none of debug, info, warning, error."},
      {{"serve", "--config", "/nowhere"}, "--config: there is no file /nowhere."},
      {{"serve", "--standalone=perhaps"}, "--standalone: “perhaps” is not such a value."},
      {{"login", "--code", "x", "--password-stdin"}, "is not possible with"}};
  for (const auto& [arguments, text] : cases) {
    const Ended run = program(arguments);
    EXPECT_EQ(run.code, 2);
    EXPECT_NE(run.err.find(text), std::string::npos) << run.err;
  }
}

TEST(CommandLine, AnOptionThatMayBeRepeatedTakesOneValueEachTime) {
  using Arguments = std::vector<std::string>;
  const Arguments server{"--server", "http://a:1"}, jobs{"-j", "16"}, path{"music"};
  for (const auto& order : {std::vector{server, path, jobs},
                            {server, jobs, path},
                            {path, server, jobs},
                            {path, jobs, server},
                            {jobs, server, path},
                            {jobs, path, server}}) {
    Arguments arguments{"upload"};
    for (const Arguments& part : order) arguments.insert(arguments.end(), part.begin(), part.end());
    CommandLine line("1.2.3");
    ASSERT_TRUE(line.parse(arguments));
    EXPECT_EQ(line.client.servers, Arguments{"http://a:1"});
    EXPECT_EQ(line.upload_options.paths, path);
    EXPECT_EQ(line.upload_options.jobs, 16U);
  }
  CommandLine line("1.2.3");
  ASSERT_TRUE(line.parse({"serve", "--http", "127.0.0.1:1", "--http", "127.0.0.1:2"}));
  EXPECT_EQ(line.serve_options()->http.size(), 2U);
}

TEST(CommandLine, EveryCommandHelpsWithExamples) {
  Program program;
  EXPECT_NE(program({"--version"}).out.find("1.2.3"), std::string::npos);
  for (const char* command :
       {"serve", "upload", "search", "get", "network", "lookup", "login", "cluster", "rpc", "completion"}) {
    const Ended help = program({command, "--help"});
    EXPECT_EQ(help.code, 0);
    EXPECT_NE(help.out.find("Examples:"), std::string::npos) << command;
    EXPECT_NE(program({"--help"}).out.find(command), std::string::npos) << command;
  }
}

TEST(CommandLine, TheCommandsForANodeThatLeavesHelpWithExamples) {
  Program program;
  EXPECT_NE(program({"node", "--help"}).out.find("drain"), std::string::npos);
  const Ended help = program({"node", "drain", "--help"});
  EXPECT_EQ(help.code, 0);
  for (const char* part : {"Examples:", "kadenza node drain --data", "--json", "cluster remove"}) {
    EXPECT_NE(help.out.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(program({"node"}).code, 2);
}

TEST(Completion, NamesEveryCommandAndOption) {
  Program program;
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = program({"completion", shell}).out;
    for (const char* word :
         {"serve", "upload", "search", "login", "insecure-http", "password-stdin", "server", "jobs"}) {
      EXPECT_NE(script.find(word), std::string::npos) << shell << " lacks " << word;
    }
  }
}

}  // namespace
}  // namespace kadenza::interface
