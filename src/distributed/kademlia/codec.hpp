// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "distributed/kademlia/message.hpp"

namespace kadenza::distributed::kademlia {

/// The version of the datagrams that this program speaks.
inline constexpr std::uint32_t kWireVersion = 1;

/// The longest encoded message: a full answer. With the seal (docs/wire.md) it stays under 1,200 bytes.
inline constexpr std::size_t kMessageBytesMax = 1140;

/// Message ↔ protobuf (proto/kademlia.proto). Reuses its buffers, so that nothing is allocated per message.
/// One owner, one thread at a time.
class Codec {
 public:
  Codec();
  ~Codec();
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;

  /// Writes at most kMessageBytesMax bytes to `out` and returns how many.
  std::size_t encode(const Message& message, std::span<std::uint8_t, kMessageBytesMax> out);

  /// Nothing when the bytes are not exactly one valid message of a known version.
  std::optional<Message> decode(std::span<const std::uint8_t> bytes);

 private:
  struct Buffers;
  std::unique_ptr<Buffers> buffers_;
};

/// The saved table, at most `kSavedTableBytesMax` long.
inline constexpr std::size_t kSavedTableBytesMax = 64 * 1024;
std::vector<std::uint8_t> encode_saved_table(std::span<const Contact> contacts);
/// Nothing when it is not a saved table, or of a version that this program does not know.
std::optional<std::vector<Contact>> decode_saved_table(std::span<const std::uint8_t> bytes);

}  // namespace kadenza::distributed::kademlia
