// SPDX-License-Identifier: AGPL-3.0-or-later
#include <fstream>

#include <gtest/gtest.h>

#include "environment.hpp"

namespace kadenza::interface {
namespace {

class SettingsTest : public ::testing::Test {
 protected:
  void config(const std::string& text) {
    std::filesystem::create_directories(program_.folder() / "kadenza");
    std::ofstream(program_.folder() / "kadenza" / "config.toml") << text;
  }
  std::uint16_t port(std::vector<std::string> arguments = {"serve"}) {
    program_.served.reset();
    const Ended run = program_(std::move(arguments));
    EXPECT_EQ(run.code, 0) << run.err;
    return program_.served ? program_.served->http.front().port : std::uint16_t{0};
  }
  Program program_;
};

TEST_F(SettingsTest, FlagsWinOverEnvironmentOverFileOverDefault) {
  EXPECT_EQ(port(), 4747);
  config("[serve]\nhttp = [\"127.0.0.1:1001\", \"127.0.0.1:1002\"]\n");
  EXPECT_EQ(port(), 1001);
  EXPECT_EQ(program_.served->http.size(), 2U);
  const Variable environment("KADENZA_HTTP", "127.0.0.1:1003");
  EXPECT_EQ(port(), 1003);
  EXPECT_EQ(port({"serve", "--http", "127.0.0.1:1004"}), 1004);
  EXPECT_EQ(program_.served->http.size(), 1U);
}

TEST_F(SettingsTest, FlagsAndNumbersCanComeFromTheFile) {
  config("[serve]\nstandalone = true\nthreads = 3\ncapacity = \"500GB\"\nlog-format = \"json\"\n");
  (void)port();
  ASSERT_TRUE(program_.served);
  EXPECT_FALSE(program_.served->network);
  EXPECT_EQ(program_.served->threads, 3U);
  EXPECT_EQ(program_.served->capacity, 500'000'000'000U);
  EXPECT_EQ(program_.served->log_format, LogFormat::kJson);
}

TEST_F(SettingsTest, AnUnknownKeyIsNamedWithTheNearestKnownOne) {
  config("[serve]\ncapacty = \"500GB\"\n");
  const Ended run = program_({"serve"});
  EXPECT_EQ(run.code, 2);
  EXPECT_NE(run.err.find("serve.capacty"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("“serve.capacity”"), std::string::npos) << run.err;
}

TEST_F(SettingsTest, WrongValuesNameTheirSource) {
  config("[serve]\nthreads = 0\n");
  Ended run = program_({"serve"});
  EXPECT_EQ(run.code, 2);
  EXPECT_NE(run.err.find("serve.threads"), std::string::npos) << run.err;
  config("");
  const Variable environment("KADENZA_THREADS", "many");
  run = program_({"serve"});
  EXPECT_EQ(run.code, 2);
  EXPECT_NE(run.err.find("KADENZA_THREADS"), std::string::npos) << run.err;
}

TEST_F(SettingsTest, ABrokenFileNamesItsLine) {
  config("server = \"http://a\"\n[serve\n");
  const Ended run = program_({"serve"});
  EXPECT_EQ(run.code, 2);
  EXPECT_NE(run.err.find("config.toml, line 2"), std::string::npos) << run.err;
}

TEST_F(SettingsTest, AFileNamedByTheFlagMustExist) {
  EXPECT_EQ(program_({"serve", "--config", "/nonexistent.toml"}).code, 2);
  std::ofstream(program_.folder() / "other.toml") << "[serve]\nhttp = \"127.0.0.1:1005\"\n";
  EXPECT_EQ(port({"serve", "--config", (program_.folder() / "other.toml").string()}), 1005);
}

TEST_F(SettingsTest, OtherCommandsSettingsDoNotMatter) {
  const Variable environment("KADENZA_HTTP", "nonsense");
  EXPECT_EQ(program_({"completion", "bash"}).code, 0);
}

}  // namespace
}  // namespace kadenza::interface
