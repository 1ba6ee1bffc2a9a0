// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "interface/serve_options.hpp"

namespace kadenza::app {

/// A running node: every layer put together, and the threads that run it. Owned by serve(); start() and
/// stop() are called on the main thread.
class Node {
 public:
  /// `on_drained` is called, on any thread, when the node was asked to empty itself and has done so.
  static core::Result<std::unique_ptr<Node>> start(const interface::ServeOptions& options,
                                                   std::function<void()> on_drained);
  /// Calls stop().
  ~Node();

  std::vector<std::string> urls() const;
  /// Where listeners reach it: --public-url, otherwise the same.
  std::vector<std::string> public_urls() const;
  /// Where other nodes reach this one by UDP; none when it is alone.
  std::optional<std::string> network_endpoint() const;
  /// This start made it the first node of a new cluster.
  bool began_cluster() const;
  /// The first user's generated password, on the very first start only.
  std::optional<std::string> take_generated_password();

  /// Reads the TLS certificate again. On an error the old one stays in use.
  core::Result<void> reload_certificate();

  /// Stops accepting, lets requests under way finish, flushes and ends the threads. Once.
  void stop();

 private:
  struct Parts;
  explicit Node(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace kadenza::app
