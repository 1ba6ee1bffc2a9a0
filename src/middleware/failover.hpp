// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "core/task.hpp"
#include "middleware/http_client.hpp"
#include "middleware/node_book.hpp"

namespace kadenza::middleware {

/// Several nodes as one: a request goes to the node that answered last, and when that one cannot answer, to
/// the next. What only reads does not even wait for a node that takes its time: a second one is asked beside
/// it. One executor, one thread; knows HTTP and nothing of music.
class Failover {
 public:
  /// Whether an answer is the right one; none: any.
  using Wanted = std::function<bool(const Response&)>;

  Failover(std::vector<Server> servers, HttpClient::Config config);
  Failover(const Failover&) = delete;
  Failover& operator=(const Failover&) = delete;

  /// The first answer that a node can serve, whatever its status. When none can, and there is hope, all are
  /// asked again after a pause; then the best of the poor answers (502, 503, 504, not `wanted`, or 401 to a
  /// log-in that other nodes may know), or the error. What is not repeatable goes on to the next node only
  /// while no node can have seen it.
  core::Task<core::Result<Response>> send(Request& request, Wanted wanted = {});

  NodeBook& book() noexcept { return book_; }
  const NodeBook& book() const noexcept { return book_; }
  const std::shared_ptr<HttpClient>& http() const noexcept { return http_; }
  core::Random& random() noexcept { return random_; }
  core::Instant now() const noexcept { return clock_.now(); }
  /// A node turned out to be bad after its answer had begun: the next request goes elsewhere.
  void avoid(const Endpoint& endpoint);
  void set_token(const Endpoint& endpoint, std::string token);
  /// Whether a node other than this one is thought to be well.
  bool has_another(const Endpoint& than) const;

 private:
  struct Outcome;
  std::vector<std::size_t> order() const { return book_.order(clock_.now()); }
  Request prepared(const Request& request, std::size_t node) const;
  bool take(core::Result<Response> answer, std::size_t node, const Request& request, const Wanted& wanted,
            Outcome& outcome);
  core::Task<core::Result<Response>> ask_one(std::size_t node, Request& request);
  core::Task<Outcome> ask_each(Request& request, const Wanted& wanted);
  core::Task<Outcome> ask_hedged(const Request& request, const Wanted& wanted);

  core::SystemClock clock_;
  core::SeededRandom random_;
  std::shared_ptr<HttpClient> http_;
  NodeBook book_;
};

/// The error that an answer of 400 or more stands for (RFC 9457), reading its body.
core::Task<core::Result<core::Error>> read_problem(Response& response);

}  // namespace kadenza::middleware
