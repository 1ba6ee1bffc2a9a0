// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "core/accounts.hpp"
#include "core/clock.hpp"
#include "core/music_library.hpp"
#include "core/network.hpp"
#include "views/http_options.hpp"
#include "views/metrics.hpp"
#include "views/site.hpp"

namespace spdlog {
class logger;
}

namespace kadenza::views {

/// What every handler may use; owned by the server, lives as long as its connections. Thread-safe.
struct Environment {
  core::MusicLibrary& library;
  core::Accounts& accounts;
  core::Network* network;  ///< null = this node is alone
  Site site;
  std::function<std::string()> web_authority;  ///< may be null
  const core::Clock& clock;
  std::shared_ptr<spdlog::logger> access_log;
  HttpOptions options;
  Metrics metrics;
  std::atomic<bool> ready{false};
  std::atomic<bool> stopping{false};
  std::atomic<std::size_t> uploads{0};  ///< under way
};

}  // namespace kadenza::views
