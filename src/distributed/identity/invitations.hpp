// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "distributed/identity/join_token.hpp"

namespace kadenza::distributed::identity {

/// The invitations that an issuer has given out, kept in a file (mode 0600, docs/formats/invitations.md) so
/// that a token is accepted once also across restarts. The file knows hashes of the secrets only. One owner,
/// one thread at a time; all calls may block on the disk.
class Invitations {
 public:
  static constexpr std::size_t kOutstandingMax = 1000;
  static constexpr std::chrono::hours kLifetimeMax{24 * 30};
  static constexpr std::chrono::hours kRemembered{24 * 30};  ///< after they expired, for clear answers

  /// kCorrupted, kForbidden as read_secret_file(). A file that is not there holds none.
  static core::Result<Invitations> open(std::filesystem::path file);

  /// Makes an invitation. `name`: what the node will be called; empty: it says so itself. kInvalidArgument:
  /// the lifetime; kTooManyRequests: too many outstanding; the disk's errors.
  core::Result<JoinToken::Secret> invite(std::string name, std::chrono::seconds lifetime, core::WallTime now);

  /// Takes an invitation for `node`, durably, and returns the name that it gives. Again for the same node
  /// until it expires, so that a joiner may repeat. kNotFound: not an invitation of this issuer; kForbidden:
  /// expired; kConflict: another node took it.
  core::Result<std::string> redeem(const JoinToken::Secret& secret, const core::NodeId& node,
                                   core::WallTime now);

 private:
  struct Invitation {
    core::Digest secret_hash;
    std::string name;
    core::WallTime expires;
    std::optional<core::NodeId> taken_by;
  };
  explicit Invitations(std::filesystem::path file) : file_(std::move(file)) {}
  core::Result<void> parse(std::string_view text);
  core::Result<void> save() const;
  void forget_old(core::WallTime now);

  std::filesystem::path file_;
  std::vector<Invitation> all_;
};

}  // namespace kadenza::distributed::identity
