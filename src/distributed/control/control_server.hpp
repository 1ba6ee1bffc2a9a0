// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "core/error.hpp"
#include "core/task.hpp"

namespace kadenza::distributed::control {

/// A node runs with this data folder: its control socket answers. Blocking.
bool is_served(const std::filesystem::path& folder);

/// What the person who runs a node asks of it on its machine: a Unix socket in the data folder that only they
/// may open. One line of JSON in, one line out; docs/control-socket.md. Handlers run as coroutines, several
/// at once. Owned by the composition root, which awaits stop() before it destroys this.
class ControlServer {
 public:
  using Handler = std::function<core::Task<core::Result<boost::json::value>>(boost::json::object params)>;

  explicit ControlServer(boost::asio::any_io_executor executor);
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  ~ControlServer();

  /// Before start(). An exception of a handler becomes kInternal.
  void add(std::string method, Handler handler);

  /// Listens at `folder`/control.sock, however long that path is. Blocking. kConflict: another node runs with
  /// this folder; kInternal.
  core::Result<void> start(const std::filesystem::path& folder);

  /// Takes no further requests and waits for those under way.
  core::Task<void> stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace kadenza::distributed::control
