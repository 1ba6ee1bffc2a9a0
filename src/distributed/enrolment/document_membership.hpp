// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>

#include <boost/asio/any_io_executor.hpp>

#include "distributed/cluster/document.hpp"
#include "distributed/enrolment/membership.hpp"

namespace kadenza::distributed::enrolment {

/// The membership that the cluster document holds. Thread-safe; the document outlives it.
class DocumentMembership final : public Membership {
 public:
  /// `spread` sends to the others what was written here (ClusterExchange::spread).
  DocumentMembership(cluster::ClusterDocument& document, boost::asio::any_io_executor blocking,
                     std::function<core::Task<void>()> spread)
      : document_(document), blocking_(std::move(blocking)), spread_(std::move(spread)) {}

  std::vector<Member> members() const override;
  bool is_removed(const core::NodeId& id) const override { return document_.is_removed(id); }
  core::Task<core::Result<void>> add(Member member) override;
  core::Task<core::Result<void>> set_authority(core::NodeId id, identity::Certificate authority) override;
  core::Task<core::Result<void>> remove(core::NodeId id) override;
  std::string document() const override { return document_.view()->bytes; }

 private:
  core::Task<core::Result<void>> write(cluster::ClusterDocument::Write write);

  cluster::ClusterDocument& document_;
  boost::asio::any_io_executor blocking_;
  std::function<core::Task<void>()> spread_;
};

}  // namespace kadenza::distributed::enrolment
