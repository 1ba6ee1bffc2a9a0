// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "core/error.hpp"

namespace kadenza::distributed::identity {

/// Shortest passphrase that is taken, in bytes.
inline constexpr std::size_t kPassphraseMin = 8;

/// Encrypts with a key made from a passphrase by Argon2id (RFC 9106), sealed with XChaCha20-Poly1305;
/// docs/formats/cluster-export.md. Blocking: half a second and 256 MiB by design. kInvalidArgument: the
/// passphrase is too short; kUnavailable: too little memory.
core::Result<std::string> seal_backup(std::string_view plain, std::string_view passphrase);

/// The inverse. kInvalidArgument: no such file, or one of a newer version; kForbidden: another passphrase, or
/// the file was changed. Blocking.
core::Result<std::string> open_backup(std::string_view sealed, std::string_view passphrase);

}  // namespace kadenza::distributed::identity
