// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/accounts.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "distributed/cluster/settings.hpp"
#include "distributed/cluster/state.hpp"
#include "distributed/crdt/stamp.hpp"

namespace kadenza::distributed::cluster {

/// An enrolled node, with what it needs to certify others, if it does.
struct Member {
  core::NodeId id;
  MemberRecord record;
  std::string authority;  ///< its authority's certificate; empty: it is no issuer
};

struct User {
  std::string name;
  std::string password_hash;
  core::Role role = core::Role::kListener;
  crdt::Stamp password;  ///< when the password was set
};

/// A log-in that is worth asking about: its user exists and has the same password still.
struct Session {
  core::Principal principal;
  core::WallTime expires{};
};

/// The document as it was at a moment, arranged for questions. Immutable.
struct View {
  core::Digest digest;  ///< SHA-256 of `bytes`
  std::string bytes;
  Settings settings;
  std::vector<Member> members;  ///< in the order of ids
  std::unordered_set<core::NodeId> member_ids;
  std::unordered_set<core::NodeId> removed;
  std::unordered_map<std::string, User> users;
  std::unordered_map<core::Digest, Session> sessions;
};

/// This node's copy of the cluster document (docs/formats/cluster-document.md). Thread-safe: writers come one
/// after the other, each makes a new View; readers take the one that is there. A write takes milliseconds in
/// a large cluster and waits for the disk: on a blocking pool only.
class ClusterDocument {
 public:
  struct Options {
    core::NodeId self;
    const core::Clock* clock = nullptr;  ///< must outlive this object
    /// Keeps the bytes durably; blocking, one call at a time.
    std::function<core::Result<void>(std::string_view)> save;
  };

  /// The document of a new cluster. kInvalidArgument for settings that do not fit together.
  static core::Result<std::unique_ptr<ClusterDocument>> create(Options options, core::Digest cluster,
                                                               const Settings& settings);
  /// One that was saved, or got from another node on joining (which is saved first). kCorrupted, kTooLarge.
  static core::Result<std::unique_ptr<ClusterDocument>> open(Options options, std::string_view bytes);

  std::shared_ptr<const View> view() const;
  bool is_member(const core::NodeId& id) const { return view()->member_ids.contains(id); }
  bool is_removed(const core::NodeId& id) const { return view()->removed.contains(id); }

  /// Writes into `delta`, looking at `now`; every entry with `stamp`. An error means that nothing is written.
  using Write =
      std::function<core::Result<void>(const ClusterState& now, crdt::Stamp stamp, ClusterState& delta)>;
  /// Blocking: durable here when it returns; take_delta() has it for the others. The write's own error;
  /// kNoSpace when the document would be too large; kInternal when the disk fails (nothing is written then).
  core::Result<void> write(const Write& write);

  /// What was written here since the last call, encoded; none when nothing was.
  std::optional<std::string> take_delta();

  /// Takes in another node's document or delta. True when it brought anything: save() is due then. Errors
  /// (nothing has happened): kCorrupted, kTooLarge, kConflict (another cluster), kInvalidArgument (written in
  /// the future: somebody's clock is wrong).
  core::Result<bool> merge(std::string_view bytes);
  /// Blocking. Saves what merge() brought, if anything.
  core::Result<void> save();

 private:
  ClusterDocument(Options options, ClusterState state);

  core::Result<void> save_locked(const View& view);
  std::shared_ptr<const View> arranged() const;
  void show(std::shared_ptr<const View> next);

  const Options options_;

  std::mutex writing_;  ///< guards what a writer needs; taken before `showing_`
  ClusterState state_;
  crdt::HybridClock stamps_;
  std::optional<ClusterState> delta_;

  std::mutex saving_;  ///< one at a time; never taken while holding another, except by write()
  core::Digest saved_;

  mutable std::shared_mutex showing_;  ///< guards the pointer
  std::shared_ptr<const View> view_;
};

/// Where a node keeps its document, "cluster-document" in its data folder, owner-only.
core::Result<std::optional<std::string>> load_document(const std::string& file);
std::function<core::Result<void>(std::string_view)> save_to(std::string file);

/// Writes for the composition root and enrolment; see ClusterDocument::write().
ClusterDocument::Write put_member(core::NodeId id, MemberRecord record);
ClusterDocument::Write put_authority(core::NodeId id, std::string certificate);
ClusterDocument::Write remove_member(core::NodeId id);

}  // namespace kadenza::distributed::cluster
