// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>

#include "distributed/kademlia/contact.hpp"

namespace kadenza::distributed::kademlia::testing {

/// An id that begins with these 64 bits and is zero after them.
inline NodeId id_of(std::uint64_t head) {
  NodeId id;
  for (int i = 0; i < 8; ++i) id.bytes[i] = static_cast<std::uint8_t>(head >> (56 - 8 * i));
  return id;
}

inline Contact contact_of(const NodeId& id, std::uint16_t port, std::uint8_t capacity_class = 1) {
  return {id, Endpoint::v4(0x7f000001, port), capacity_class};
}

inline Contact contact_of(std::uint64_t head, std::uint16_t port) {
  return contact_of(id_of(head), port);
}

}  // namespace kadenza::distributed::kademlia::testing
