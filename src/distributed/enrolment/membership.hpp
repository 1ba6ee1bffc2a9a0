// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "distributed/identity/certificate.hpp"
#include "distributed/kademlia/contact.hpp"

namespace kadenza::distributed::enrolment {

/// An enrolled node.
struct Member {
  core::NodeId id;
  std::string name;  ///< for people
  core::WallTime since;
  std::optional<identity::Certificate> authority;  ///< with which it certifies others: it is an issuer
};

/// Who belongs to the cluster, as the cluster document says. What is written is durable on this node when
/// the call returns and travels to the others by itself. Thread-safe.
class Membership {
 public:
  virtual ~Membership() = default;

  virtual std::vector<Member> members() const = 0;
  /// Removal is final: such an id never becomes a member again.
  virtual bool is_removed(const core::NodeId& id) const = 0;

  virtual core::Task<core::Result<void>> add(Member member) = 0;
  virtual core::Task<core::Result<void>> set_authority(core::NodeId id, identity::Certificate authority) = 0;
  virtual core::Task<core::Result<void>> remove(core::NodeId id) = 0;

  /// The whole document, encoded, for a node that joins.
  virtual std::string document() const = 0;
};

/// Where a member can be reached. kUnavailable: nowhere at present.
using FindContact = std::function<core::Task<core::Result<kademlia::Contact>>(core::NodeId, core::Deadline)>;

const Member* find(std::span<const Member> members, const core::NodeId& id);

/// The authorities of all issuers.
std::vector<identity::Certificate> authorities(std::span<const Member> members);

/// The member that a person means: by id, by name, or by the first letters of its id, at least four.
/// kNotFound; kConflict when several fit.
core::Result<Member> named_member(std::span<const Member> members, std::string_view text);

/// `wish`, or with a number behind it when another member has this name. At most 64 bytes of printable UTF-8;
/// kInvalidArgument otherwise.
core::Result<std::string> free_name(std::span<const Member> members, const core::NodeId& id,
                                    std::string_view wish);

}  // namespace kadenza::distributed::enrolment
