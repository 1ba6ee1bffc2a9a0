// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "distributed/enrolment/membership.hpp"
#include "distributed/enrolment/web_issuer.hpp"
#include "distributed/peers/peers.hpp"

namespace kadenza::distributed::enrolment {

/// An issuer that can be asked for a certificate for browsers.
struct WebSource {
  core::NodeId issuer;
  std::function<core::Task<core::Result<WebCertificate>>(std::string request, std::vector<std::string> names)>
      certify;
};

/// This node's own issuer, and how the others are reached; all outlive what is made from them.
struct WebIssuers {
  const Membership& membership;
  core::NodeId self;
  WebIssuer& own;
  peers::Peers& peers;
  FindContact find_contact;
  const core::Clock& clock;
};

/// This node itself.
WebSource own_source(const core::NodeId& self, WebIssuer& own);

/// The issuers, the one that has been a member for longest first: all nodes ask the same one, so that
/// listeners need one authority only. This node alone as long as the document names no issuer.
std::vector<WebSource> web_sources(const WebIssuers& issuers);

}  // namespace kadenza::distributed::enrolment
