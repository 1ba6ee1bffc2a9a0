// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "interface/serve_options.hpp"
#include "middleware/node_book.hpp"

namespace kadenza::interface {

/// What `kadenza proxy` was asked for, checked: it listens on this machine only.
struct ProxyOptions {
  ListenAddress listen;
  std::vector<middleware::Server> servers;  ///< with the person's log-ins, for learning of further nodes
  std::optional<std::filesystem::path> authorities;  ///< PEM; none: the system's
  std::uint64_t upload_limit = 0;                    ///< bytes
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
};

}  // namespace kadenza::interface
