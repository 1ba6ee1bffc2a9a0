// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/cluster/document.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "core/replace_file.hpp"
#include "core/sha256.hpp"

namespace kadenza::distributed::cluster {

using core::Errc;
using core::Result;

namespace {

std::unexpected<core::Error> full() {
  return core::fail(Errc::kNoSpace,
                    fmt::format("The cluster document is full ({} bytes). Remove users or app passwords that "
                                "are not needed.",
                                kDocumentBytesMax));
}

}  // namespace

ClusterDocument::ClusterDocument(Options options, ClusterState state)
    : options_(std::move(options)), state_(std::move(state)), stamps_(crdt::writer_of(options_.self)) {
  // Its own past is trusted: a clock that was set back must not make this node repeat a stamp.
  const crdt::Stamp newest = state_.newest();
  (void)stamps_.observe(newest, newest.wall());
  state_.prune(options_.clock->wall_now());
  view_ = arranged();
}

Result<std::unique_ptr<ClusterDocument>> ClusterDocument::create(Options options, core::Digest cluster,
                                                                 const Settings& settings) {
  KADENZA_TRY_VOID(settings.check());
  ClusterState state;
  state.cluster = cluster;
  state.partition_bits = settings.partition_bits;
  std::unique_ptr<ClusterDocument> document(new ClusterDocument(std::move(options), std::move(state)));
  const Write write = [&](const ClusterState&, crdt::Stamp stamp, ClusterState& delta) -> Result<void> {
    delta.set_quorums(settings, stamp);
    return {};
  };
  KADENZA_TRY_VOID(document->write(write));
  return document;
}

Result<std::unique_ptr<ClusterDocument>> ClusterDocument::open(Options options, std::string_view bytes) {
  KADENZA_TRY(ClusterState state, ClusterState::decode(bytes));
  std::unique_ptr<ClusterDocument> document(new ClusterDocument(std::move(options), std::move(state)));
  KADENZA_TRY_VOID(document->save());
  return document;
}

std::shared_ptr<const View> ClusterDocument::view() const {
  const std::shared_lock lock(showing_);
  return view_;
}

void ClusterDocument::show(std::shared_ptr<const View> next) {
  const std::unique_lock lock(showing_);
  view_.swap(next);
}

std::shared_ptr<const View> ClusterDocument::arranged() const {
  auto view = std::make_shared<View>();
  view->bytes = state_.encode();
  view->digest = core::sha256(view->bytes);
  view->settings = state_.agreed_settings();
  for (const auto& [key, entry] : state_.members.entries()) {
    const auto id = *id_of<core::NodeId>(key);
    const std::string* authority = state_.authorities.find(key);
    view->members.push_back({id, *MemberRecord::decode(*entry.value), authority ? *authority : ""});
    view->member_ids.insert(id);
  }
  for (const auto& [key, stamp] : state_.members.removals()) view->removed.insert(*id_of<core::NodeId>(key));
  for (const auto& [name, entry] : state_.users.entries()) {
    view->users[name] = {name, *entry.value, state_.role_of(name), entry.stamp};
  }
  for (const auto& [key, entry] : state_.sessions.entries()) {
    const auto session = *SessionRecord::decode(*entry.value);
    const auto user = view->users.find(session.user);
    if (user == view->users.end() || user->second.password != session.password) continue;
    view->sessions[*id_of<core::Digest>(key)] = {{session.user, user->second.role}, session.expires};
  }
  return view;
}

Result<void> ClusterDocument::save_locked(const View& view) {
  if (saved_ == view.digest) return {};
  KADENZA_TRY_VOID(options_.save(view.bytes));
  saved_ = view.digest;
  return {};
}

Result<void> ClusterDocument::write(const Write& write) {
  const std::lock_guard lock(writing_);
  const core::WallTime now = options_.clock->wall_now();
  ClusterState delta = state_.nothing();
  KADENZA_TRY_VOID(write(state_, stamps_.tick(now), delta));
  if (delta == state_.nothing()) return {};
  ClusterState before = state_;
  KADENZA_TRY_VOID(state_.merge(delta));
  state_.prune(now);
  auto next = arranged();
  const std::lock_guard saving(saving_);  // until it is shown: save() must not put an older one in its place
  const bool fits = next->bytes.size() <= kDocumentBytesMax;
  auto kept = fits ? save_locked(*next) : core::Result<void>(full());
  if (!kept) {
    state_ = std::move(before);
    return kept;
  }
  if (delta_) {
    (void)delta_->merge(delta);
  } else {
    delta_ = std::move(delta);
  }
  show(std::move(next));
  return {};
}

std::optional<std::string> ClusterDocument::take_delta() {
  const std::lock_guard lock(writing_);
  const auto delta = std::exchange(delta_, std::nullopt);
  return delta ? std::optional(delta->encode()) : std::nullopt;
}

Result<bool> ClusterDocument::merge(std::string_view bytes) {
  KADENZA_TRY(const ClusterState other, ClusterState::decode(bytes));
  const std::lock_guard lock(writing_);
  const core::WallTime now = options_.clock->wall_now();
  ClusterState merged = state_;
  KADENZA_TRY(const bool brought, merged.merge(other));
  if (!brought) return false;
  KADENZA_TRY_VOID(stamps_.observe(other.newest(), now));
  merged.prune(now);
  if (merged == state_) return false;
  std::swap(state_, merged);
  show(arranged());
  return true;
}

Result<void> ClusterDocument::save() {
  const std::lock_guard saving(saving_);
  return save_locked(*view());
}

Result<std::optional<std::string>> load_document(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::nullopt;
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) return core::fail(Errc::kInternal, fmt::format("Cannot read {}.", file));
  return bytes;
}

std::function<Result<void>(std::string_view)> save_to(std::string file) {
  constexpr mode_t kOwnerOnly = 0600;
  return [file = std::move(file)](std::string_view bytes) {
    return core::replace_file(file, bytes, kOwnerOnly);
  };
}

ClusterDocument::Write put_member(core::NodeId id, MemberRecord record) {
  return [id, encoded = record.encode()](const ClusterState& now, crdt::Stamp stamp,
                                         ClusterState& delta) -> Result<void> {
    KADENZA_TRY_VOID(MemberRecord::decode(encoded));
    if (now.members.was_removed(key_of(id))) {
      return core::fail(Errc::kForbidden, "This node was removed from the cluster, which is final.");
    }
    const bool known = now.members.find(key_of(id)) != nullptr;
    if (!known && now.members.entries().size() + now.members.removals().size() >= kMembersMax) {
      return core::fail(Errc::kNoSpace,
                        fmt::format("A cluster has at most {} nodes, removed ones included.", kMembersMax));
    }
    delta.members.put(key_of(id), encoded, stamp);
    return {};
  };
}

ClusterDocument::Write put_authority(core::NodeId id, std::string certificate) {
  return [id, certificate = std::move(certificate)](const ClusterState& now, crdt::Stamp stamp,
                                                    ClusterState& delta) -> Result<void> {
    if (!now.members.find(key_of(id))) return core::fail(Errc::kNotFound, "This node is not a member.");
    delta.authorities.put(key_of(id), certificate, stamp);
    return {};
  };
}

ClusterDocument::Write remove_member(core::NodeId id) {
  return [id](const ClusterState& now, crdt::Stamp stamp, ClusterState& delta) -> Result<void> {
    if (now.members.was_removed(key_of(id))) return {};
    if (!now.members.find(key_of(id))) return core::fail(Errc::kNotFound, "This node is not a member.");
    delta.members.remove(key_of(id), stamp);
    delta.authorities.remove(key_of(id), stamp);
    return {};
  };
}

}  // namespace kadenza::distributed::cluster
