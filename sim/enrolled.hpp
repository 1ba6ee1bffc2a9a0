// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "core/background.hpp"
#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/random.hpp"
#include "core/task.hpp"
#include "core/timers.hpp"
#include "distributed/cluster/document.hpp"
#include "distributed/cluster/exchange.hpp"
#include "distributed/enrolment/document_membership.hpp"
#include "distributed/kademlia/contact.hpp"
#include "distributed/peers/handlers.hpp"
#include "distributed/peers/peers.hpp"

namespace kadenza::sim {

/// The cluster document with which a simulated cluster of these members begins.
std::string found_cluster(std::span<const core::NodeId> members,
                          const distributed::cluster::Settings& settings, const core::Clock& clock);

/// Who belongs to the cluster, as one simulated process knows it: production's cluster document and its
/// exchange with the other members'. Certificates are what is left out: nobody here claims to be somebody
/// else. Single-threaded; ends with stop(), before the parts do.
class Enrolled {
 public:
  struct Parts {
    core::NodeId self;
    std::string& saved;  ///< the document as it is on the machine's disk
    const bool& alive;   ///< afterwards nothing is saved
    distributed::peers::Peers& peers;
    const core::Clock& clock;
    core::Timers& timers;
    core::Random& random;
    boost::asio::any_io_executor executor;
    std::function<std::vector<distributed::kademlia::Contact>()> contacts;
  };
  explicit Enrolled(Parts parts);

  void serve(distributed::peers::Handlers& handlers) { exchange_.serve(handlers); }
  void start();
  core::Task<void> stop() { return loop_.stop(); }

  bool is_member(const core::NodeId& id) const { return document_->is_member(id); }
  std::vector<core::NodeId> members() const;
  std::size_t count() const { return document_->view()->members.size(); }
  /// What an issuer does, here without the papers.
  distributed::enrolment::Membership& membership() { return membership_; }
  /// Whether this process knows all that is in another's document.
  bool knows(const Enrolled& other) const;

 private:
  core::Result<void> save(std::string_view bytes);

  const Parts parts_;
  const std::unique_ptr<distributed::cluster::ClusterDocument> document_;
  distributed::cluster::ClusterExchange exchange_;
  distributed::enrolment::DocumentMembership membership_;
  core::Background loop_;
};

}  // namespace kadenza::sim
