// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>
#include <string>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "middleware/failover.hpp"
#include "middleware/proxy/app_body.hpp"
#include "middleware/proxy/forwarding.hpp"
#include "middleware/stream.hpp"

namespace spdlog {
class logger;
}

namespace kadenza::middleware {

/// What the connections of one proxy share. One thread.
struct ProxyShared {
  Failover& nodes;
  spdlog::logger& log;
  std::string name;  ///< of this proxy, in Via
  std::uint64_t upload_limit;
  SpoolBudget spools;
  std::string authorization;  ///< the last that a node accepted from an app; empty: none
  bool stopping = false;
};

/// One app's connection: its requests, one after the other, are asked of the nodes and answered. One thread.
class AppConnection {
 public:
  AppConnection(boost::asio::ip::tcp::socket socket, ProxyShared& shared);

  core::Task<void> run();
  boost::asio::cancellation_slot cancellation() { return cancel_.slot(); }
  /// Closes when no request is under way, else after its answer.
  void stop_soon();
  /// Cuts off whatever is under way.
  void abort();

 private:
  /// An answer whose head is not passed on yet; a small body was read already.
  struct Answer {
    Response response;
    std::optional<std::string> text;
  };

  /// A request's head, or why there is none: `refusal`, or the app has gone.
  core::Task<bool> read_head(std::optional<Refusal>& refusal);
  core::Task<bool> answer_one();
  core::Task<bool> refuse(Refusal refusal);
  Request forwarded() const;
  core::Task<core::Result<Answer>> ask(Request& request);
  std::string head_of(const Answer& answer, bool keep_alive, bool chunked) const;
  core::Task<bool> pass_on(Request request, Answer answer);
  core::Task<bool> stream(Request request, std::string head, Answer answer, Extent extent);
  core::Task<bool> copy(std::string head, Response& response, bool chunked);
  core::Task<bool> send(std::string_view head, std::span<const std::uint8_t> body,
                        std::string_view tail = {});
  core::Task<void> linger();
  void remember_log_in(unsigned status);
  std::string what() const;

  ProxyShared& shared_;
  AppStream app_;
  boost::asio::cancellation_signal cancel_;
  bool idle_ = true;
};

}  // namespace kadenza::middleware
