// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "distributed/identity/web_authority.hpp"
#include "distributed/peers/handlers.hpp"

namespace kadenza::distributed::enrolment {

/// A node's certificate for browsers, and that of the web authority which made it.
struct WebCertificate {
  identity::Certificate certificate;
  identity::Certificate authority;
};

/// An issuer's web authority at work: made when the first certificate is asked for, then kept. On other nodes
/// it refuses. Thread-safe; owned by the composition root, which lets running calls end before it destroys
/// this.
class WebIssuer {
 public:
  struct Options {
    core::NodeId self;
    std::filesystem::path file;
    std::vector<std::string> domains;  ///< for a new authority; as WebAuthority::create()
    /// An error: this node may not issue.
    std::function<core::Task<core::Result<void>>()> check_issuer;
    boost::asio::any_io_executor blocking;
    const core::Clock* clock = nullptr;
  };

  explicit WebIssuer(Options options);
  WebIssuer(const WebIssuer&) = delete;
  WebIssuer& operator=(const WebIssuer&) = delete;

  /// Reads the authority, if there is one already. Blocking; before the others. kCorrupted; kConflict: it may
  /// not certify one of the domains; as read_secret_file().
  core::Result<void> load();

  /// As Options::check_issuer and WebAuthority::certify(); errors of the file.
  core::Task<core::Result<WebCertificate>> certify(std::string request, std::vector<std::string> names);

  /// Offers CertifyWeb to members; who is one, whoever serves the handlers has checked.
  void serve(peers::Handlers& handlers);

 private:
  core::Result<void> make_if_missing();

  Options options_;
  boost::asio::any_io_executor owner_;  ///< a strand of `blocking`; what follows changes on it
  std::optional<identity::WebAuthority> authority_;
};

}  // namespace kadenza::distributed::enrolment
