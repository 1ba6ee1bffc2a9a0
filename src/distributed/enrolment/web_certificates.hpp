// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "distributed/enrolment/enrolment.hpp"
#include "distributed/enrolment/web_issuer.hpp"
#include "distributed/enrolment/web_sources.hpp"
#include "distributed/identity/web_key.hpp"

namespace kadenza::distributed::enrolment {

/// This node's certificate for browsers: kept in two files (key; certificate with its authority's behind it),
/// asked of the issuers when there is none, when it ends soon, when names are missing or when its issuer is
/// one no more. Thread-safe.
class WebCertificates {
 public:
  struct Options {
    IdentityFiles files;
    std::vector<std::string> required;  ///< names in web_name()'s form, without which it is of no use
    std::vector<std::string> welcome;   ///< names that are left out when the authority may not certify them
    /// The same order on every node, so that listeners need one authority only while its issuer is there.
    std::function<std::vector<WebSource>()> sources;
    boost::asio::any_io_executor blocking;
    const core::Clock* clock = nullptr;
  };

  explicit WebCertificates(Options options);

  /// Gets a certificate if one is needed; the files are as good as they can be then. An error: a needed one
  /// was not to be had; what is there may serve on, if current() has any.
  core::Task<core::Result<void>> refresh();

  std::optional<WebCertificate> current() const;

 private:
  core::Result<void> load();
  bool good_until(const WebCertificate& held, double part_of_time) const;
  std::vector<std::string> missing(const identity::Certificate& certificate) const;
  core::Task<core::Result<void>> ask(const WebSource& source);
  core::Result<void> take(WebCertificate fresh, const identity::WebKey& key);

  Options options_;
  mutable std::mutex mutex_;  ///< guards the one below
  std::optional<WebCertificate> held_;
};

}  // namespace kadenza::distributed::enrolment
