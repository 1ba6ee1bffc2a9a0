// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdlib>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "interface/run.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary_folder.hpp"

namespace kadenza::interface {

/// Sets a variable of the environment for as long as it lives.
class Variable {
 public:
  Variable(std::string name, const std::string& value) : name_(std::move(name)) {
    if (const char* before = std::getenv(name_.c_str())) before_ = before;
    ::setenv(name_.c_str(), value.c_str(), 1);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { before_ ? ::setenv(name_.c_str(), before_->c_str(), 1) : ::unsetenv(name_.c_str()); }

 private:
  std::string name_;
  std::optional<std::string> before_;
};

/// Answers as a node without a network to what commands ask beside the person's question.
inline testing::ScriptedServer::Script lone_node(
    std::function<std::string(const testing::SeenRequest&)> answer) {
  return testing::answering([answer = std::move(answer)](const testing::SeenRequest& request) {
    return request.has("/api/v1/network ") ? testing::http_answer("404 Not Found", "{}") : answer(request);
  });
}

/// What a run of the program wrote, and with what it ended.
struct Ended {
  int code = -1;
  std::string out, err;
};

/// Runs the command line in this process, with a configuration folder of its own.
class Program {
 public:
  Ended operator()(std::vector<std::string> arguments) {
    std::ostringstream out;
    std::ostringstream err;
    Console console{out, err};
    const Variable config("XDG_CONFIG_HOME", folder_.path().string());
    const Variable state("XDG_STATE_HOME", folder_.path().string());
    const auto serve = [this](const ServeOptions& options) {
      served = options;
      return 0;
    };
    const auto recover = [this](const RecoverRequest& request) -> core::Result<std::string> {
      recovered = request;
      return "an-id";
    };
    const int code = run(std::move(arguments), console,
                         {.version = "1.2.3", .serve = serve, .proxy = {}, .recover = recover});
    return {code, out.str(), err.str()};
  }
  const std::filesystem::path& folder() const { return folder_.path(); }

  std::optional<ServeOptions> served;
  std::optional<RecoverRequest> recovered;

 private:
  testing::TemporaryFolder folder_;
};

}  // namespace kadenza::interface
