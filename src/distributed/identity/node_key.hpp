// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "core/error.hpp"
#include "core/ids.hpp"

struct evp_pkey_st;

namespace kadenza::distributed::identity {

/// The id of the node that has this Ed25519 public key: its SHA-256. kInvalidArgument: another kind of key.
core::Result<core::NodeId> id_of_key(evp_pkey_st* key);

/// A node's Ed25519 key pair (RFC 8032), by OpenSSL because certificates are made from it. The node's id is
/// the SHA-256 of the public key. Immutable; any thread.
class NodeKey {
 public:
  static core::Result<NodeKey> generate();

  /// The key in `file` (PKCS #8, PEM), which only its owner may read; makes both when there is none.
  /// Blocking. kCorrupted: the file holds something else. kForbidden: others may read it. kInternal.
  static core::Result<NodeKey> load_or_create(const std::filesystem::path& file);

  const core::NodeId& id() const noexcept { return id_; }
  evp_pkey_st* handle() const noexcept { return key_.get(); }
  core::Result<std::string> pem() const;

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const noexcept;
  };
  using Handle = std::unique_ptr<evp_pkey_st, Free>;
  NodeKey(Handle key, const core::NodeId& id) : key_(std::move(key)), id_(id) {}
  static core::Result<NodeKey> from(Handle key);

  Handle key_;
  core::NodeId id_;
};

}  // namespace kadenza::distributed::identity
