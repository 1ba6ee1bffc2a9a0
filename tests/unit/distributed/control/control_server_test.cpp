// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/control/control_server.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/temporary_folder.hpp"

namespace kadenza::distributed::control {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

class ControlServerTest : public ::testing::Test {
 protected:
  ControlServerTest() : work_(io_.get_executor()), thread_([this] { io_.run(); }) {
    server_.add("echo", [](json::object params) -> core::Task<core::Result<json::value>> {
      co_return json::value(std::move(params));
    });
    server_.add("refuse", [](json::object) -> core::Task<core::Result<json::value>> {
      co_return core::fail(core::Errc::kConflict, "because");
    });
    server_.add("throw", [](json::object params) -> core::Task<core::Result<json::value>> {
      co_return params.at("missing");
    });
  }
  ~ControlServerTest() override {
    asio::co_spawn(io_, server_.stop(), asio::use_future).get();
    work_.reset();
  }

  /// Through the current folder: the whole path may be longer than a socket's can be.
  std::string ask(const std::string& sent) {
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(data_);
    asio::local::stream_protocol::socket socket(client_);
    socket.connect(asio::local::stream_protocol::endpoint("control.sock"));
    std::filesystem::current_path(before);
    asio::write(socket, asio::buffer(sent));
    std::string answer;
    boost::system::error_code end;
    asio::read(socket, asio::dynamic_buffer(answer), end);
    return answer;
  }

  kadenza::testing::TemporaryFolder folder_;
  std::filesystem::path data_ = folder_.path();
  asio::io_context client_;
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::jthread thread_;
  ControlServer server_{io_.get_executor()};
};

TEST_F(ControlServerTest, AnswersALineWithALine) {
  ASSERT_TRUE(server_.start(data_));
  EXPECT_EQ(ask("{\"version\":1,\"method\":\"echo\",\"params\":{\"a\":[1]}}\n"),
            "{\"result\":{\"a\":[1]}}\n");
  EXPECT_EQ(ask("{\"version\":1,\"method\":\"refuse\"}\n"),
            "{\"error\":{\"code\":\"conflict\",\"detail\":\"because\"}}\n");
  EXPECT_NE(ask("{\"version\":1,\"method\":\"throw\"}\n").find("\"internal\""), std::string::npos);
}

TEST_F(ControlServerTest, OnlyItsOwnerMayOpenIt) {
  ASSERT_TRUE(server_.start(data_));
  struct stat status {};
  ASSERT_EQ(::stat((data_ / "control.sock").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(ControlServerTest, WrongRequestsGetAReason) {
  ASSERT_TRUE(server_.start(data_));
  for (const std::string& request :
       {std::string("\n"), std::string("nonsense\n"), std::string("{}\n"), std::string("[]\n"),
        std::string("{\"version\":2,\"method\":\"echo\"}\n"),
        std::string("{\"version\":1,\"method\":\"echo\",\"params\":3}\n")}) {
    EXPECT_NE(ask(request).find("invalid_argument"), std::string::npos) << request;
  }
  EXPECT_NE(ask("{\"version\":1,\"method\":\"unknown\"}\n").find("not_found"), std::string::npos);
  EXPECT_NE(ask(std::string(300 * 1024, 'x')).find("too_large"), std::string::npos);
}

TEST_F(ControlServerTest, AFolderHasOneServerAndAStaleSocketIsReplaced) {
  ASSERT_TRUE(server_.start(data_));
  ControlServer second(io_.get_executor());
  EXPECT_EQ(second.start(data_).error().code, core::Errc::kConflict);

  kadenza::testing::TemporaryFolder other;
  {
    asio::local::stream_protocol::acceptor dead(
        client_, asio::local::stream_protocol::endpoint((other.path() / "control.sock").string()));
  }
  ASSERT_TRUE(std::filesystem::exists(other.path() / "control.sock"));
  EXPECT_TRUE(second.start(other.path()));
  asio::co_spawn(io_, second.stop(), asio::use_future).get();
  EXPECT_FALSE(std::filesystem::exists(other.path() / "control.sock"));
}

TEST_F(ControlServerTest, AFolderMayHaveAVeryLongPath) {
  data_ = folder_.path() / std::string(100, 'a') / std::string(100, 'b');
  std::filesystem::create_directories(data_);
  ASSERT_TRUE(server_.start(data_));
  EXPECT_EQ(ask("{\"version\":1,\"method\":\"echo\"}\n"), "{\"result\":{}}\n");
}

}  // namespace
}  // namespace kadenza::distributed::control
