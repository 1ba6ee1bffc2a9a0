// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/json/value.hpp>

#include "core/background.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"
#include "distributed/enrolment/web_certificates.hpp"
#include "distributed/enrolment/web_issuer.hpp"
#include "interface/serve_options.hpp"
#include "views/http_options.hpp"

namespace kadenza::app {

/// What people gave with --https-domain, as certificates write it. kInvalidArgument.
core::Result<std::vector<std::string>> web_domains(const interface::ServeOptions& options);

/// The certificate of the node's listeners: the files that its owner named, or one of the cluster's web
/// authority (of the node's own, when it is alone). Renews the latter, and makes the server read either again
/// when the files change. Owned by Node, which stops it before the cluster.
class Https {
 public:
  struct Options {
    interface::ServeOptions serve;
    std::function<std::vector<distributed::enrolment::WebSource>()> sources;  ///< null: the node is alone
    boost::asio::any_io_executor io;
    boost::asio::any_io_executor blocking;
    const core::Clock* clock = nullptr;
  };

  /// kInvalidArgument: a name that is none.
  static core::Result<std::unique_ptr<Https>> open(Options options);

  /// Has a certificate, or says why there is none; waits a while for the issuer.
  core::Task<core::Result<void>> prepare();
  std::optional<views::TlsFiles> files() const;
  /// What listeners install, PEM; empty when the certificate is of somebody else's authority.
  std::string authority() const;
  /// The same for people, with when it and the certificate expire. kNotFound.
  core::Result<boost::json::value> describe() const;

  /// From now on calls `reload` when the files have changed.
  void keep(std::function<core::Result<void>()> reload);
  core::Task<void> stop();

 private:
  explicit Https(Options options);
  core::Result<void> set_up_own();
  core::Task<void> watch(std::function<core::Result<void>()> reload);
  core::Task<void> renew();
  std::string state_of_files() const;

  Options options_;
  std::unique_ptr<distributed::enrolment::WebIssuer> alone_;  ///< issues when there is no cluster
  std::unique_ptr<distributed::enrolment::WebCertificates> own_;
  core::Background loops_;
};

}  // namespace kadenza::app
