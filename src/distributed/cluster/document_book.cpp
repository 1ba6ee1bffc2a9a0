// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/cluster/document_book.hpp"

#include <utility>

#include <fmt/format.h>

namespace kadenza::distributed::cluster {

using core::Errc;
using core::Result;
using services::accounts::AccountsData;
using services::accounts::Sessions;
using services::accounts::StoredSession;
using services::accounts::StoredUser;

namespace {

std::unexpected<core::Error> unknown(std::string_view name) {
  return core::fail(Errc::kNotFound, fmt::format("There is no user called {}.", name));
}

StoredUser stored(const User& user) {
  return {user.name, user.password_hash, user.role};
}

}  // namespace

std::vector<StoredUser> DocumentBook::users() const {
  const auto view = document_.view();
  std::vector<StoredUser> users;
  for (const auto& [name, user] : view->users) users.push_back(stored(user));
  return users;
}

std::optional<StoredUser> DocumentBook::user(std::string_view name) const {
  const auto view = document_.view();
  const auto found = view->users.find(std::string(name));
  return found == view->users.end() ? std::nullopt : std::optional(stored(found->second));
}

std::optional<Sessions::Check> DocumentBook::check(const core::Digest& token, core::WallTime now) const {
  const auto view = document_.view();
  const auto found = view->sessions.find(token);
  if (found == view->sessions.end() || found->second.expires <= now) return std::nullopt;
  const bool worth_saving = now + Sessions::kLifetime - found->second.expires >= Sessions::kWorthSaving;
  return Sessions::Check{found->second.principal, worth_saving};
}

Result<void> DocumentBook::add_user(StoredUser user) {
  const ClusterDocument::Write write = [&](const ClusterState& now, crdt::Stamp stamp,
                                           ClusterState& delta) -> Result<void> {
    if (now.users.find(user.name)) {
      return core::fail(Errc::kConflict, fmt::format("There is already a user called {}.", user.name));
    }
    if (now.users.was_removed(user.name)) {
      return core::fail(Errc::kConflict, fmt::format("A user called {} was removed, which is final. Choose "
                                                     "another name.",
                                                     user.name));
    }
    if (now.users.entries().size() + now.users.removals().size() >= kUsersMax) {
      return core::fail(Errc::kNoSpace,
                        fmt::format("A cluster has at most {} users, removed ones included.", kUsersMax));
    }
    delta.users.put(user.name, user.password_hash, stamp);
    delta.roles.put(user.name, encode_role(user.role), stamp);
    return {};
  };
  return document_.write(write);
}

Result<void> DocumentBook::set_password(std::string_view name, std::string hash) {
  const ClusterDocument::Write write = [&](const ClusterState& now, crdt::Stamp stamp,
                                           ClusterState& delta) -> Result<void> {
    if (!now.users.find(name)) return unknown(name);
    delta.users.put(name, hash, stamp);
    return {};
  };
  return document_.write(write);
}

Result<void> DocumentBook::remove_user(std::string_view name) {
  const ClusterDocument::Write write = [&](const ClusterState& now, crdt::Stamp stamp,
                                           ClusterState& delta) -> Result<void> {
    if (!now.users.find(name)) return unknown(name);
    delta.users.remove(name, stamp);
    delta.roles.remove(name, stamp);
    return {};
  };
  return document_.write(write);
}

Result<void> DocumentBook::add_session(StoredSession session) {
  const ClusterDocument::Write write = [&](const ClusterState& now, crdt::Stamp stamp,
                                           ClusterState& delta) -> Result<void> {
    const auto user = now.users.entries().find(session.principal.user);
    if (user == now.users.entries().end()) return unknown(session.principal.user);
    const SessionRecord record{session.principal.user, session.expires, user->second.stamp};
    delta.sessions.put(key_of(session.token), record.encode(), stamp);
    return {};
  };
  return document_.write(write);
}

Result<bool> DocumentBook::remove_session(const core::Digest& token) {
  bool found = false;
  const ClusterDocument::Write write = [&](const ClusterState& now, crdt::Stamp stamp,
                                           ClusterState& delta) -> Result<void> {
    found = now.sessions.find(key_of(token)) != nullptr;
    if (found) delta.sessions.remove(key_of(token), stamp);
    return {};
  };
  KADENZA_TRY_VOID(document_.write(write));
  return found;
}

Result<void> DocumentBook::renew_session(const core::Digest& token) {
  const ClusterDocument::Write write = [&](const ClusterState& now, crdt::Stamp stamp,
                                           ClusterState& delta) -> Result<void> {
    const std::string* known = now.sessions.find(key_of(token));
    if (!known) return {};
    KADENZA_TRY(SessionRecord record, SessionRecord::decode(*known));
    const core::WallTime later = stamp.wall() + Sessions::kLifetime;
    if (later - record.expires < Sessions::kWorthSaving) return {};  // another request was first
    record.expires = later;
    delta.sessions.put(key_of(token), record.encode(), stamp);
    return {};
  };
  return document_.write(write);
}

core::Task<void> DocumentBook::spread() {
  return exchange_.spread();
}

Result<void> DocumentBook::take_along(const AccountsData& alone) {
  const ClusterDocument::Write write = [&](const ClusterState&, crdt::Stamp stamp,
                                           ClusterState& delta) -> Result<void> {
    for (const StoredUser& user : alone.users) {
      delta.users.put(user.name, user.password_hash, stamp);
      delta.roles.put(user.name, encode_role(user.role), stamp);
    }
    for (const StoredSession& session : alone.sessions) {
      const SessionRecord record{session.principal.user, session.expires, stamp};
      delta.sessions.put(key_of(session.token), record.encode(), stamp);
    }
    return {};
  };
  return document_.write(write);
}

}  // namespace kadenza::distributed::cluster
