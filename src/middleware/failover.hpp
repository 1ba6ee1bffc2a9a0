// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/task.hpp"
#include "middleware/http_client.hpp"

namespace kadenza::middleware {

/// One node as a person knows it.
struct Server {
  Endpoint endpoint;
  std::string token;  ///< bearer token; empty: none
};

/// Several nodes as one: a request goes to the node that answered last, and when that one cannot answer, to
/// the next. A node that failed is asked last for a while. One executor, one thread; knows HTTP and nothing
/// of music.
class Failover {
 public:
  static constexpr std::chrono::seconds kAvoidFor{5};
  static constexpr std::chrono::seconds kLongestWait{5};  ///< for a node that says when to come again

  Failover(std::vector<Server> servers, HttpClient::Config config);

  /// The first answer that is not 502, 503 or 504, whatever else its status. When all nodes are overloaded it
  /// comes again once, when they say (Retry-After). What is not repeatable goes on to the next node only
  /// while no node can have seen it.
  core::Task<core::Result<Response>> send(Request& request);

  const std::vector<Server>& servers() const noexcept { return servers_; }
  /// A node turned out to be bad after its answer had begun: the next request goes elsewhere.
  void avoid(const Endpoint& endpoint);
  void set_token(const Endpoint& endpoint, std::string token);

 private:
  struct Outcome {
    std::optional<Response> answer;
    core::Error error;
    std::optional<std::chrono::seconds> retry_after;
  };
  std::vector<std::size_t> order() const;
  core::Task<Outcome> try_each(Request& request);

  HttpClient http_;
  std::vector<Server> servers_;
  std::vector<std::chrono::steady_clock::time_point> avoid_until_;
  std::size_t preferred_ = 0;
};

/// The error that an answer of 400 or more stands for (RFC 9457), reading its body.
core::Task<core::Result<core::Error>> read_problem(Response& response);

}  // namespace kadenza::middleware
