// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/contact.hpp"

#include <algorithm>
#include <bit>

namespace kadenza::distributed::kademlia {

void Contact::encode(std::span<std::uint8_t, kWireBytes> out) const noexcept {
  std::copy(id.bytes.begin(), id.bytes.end(), out.begin());
  std::copy(endpoint.address.begin(), endpoint.address.end(), out.begin() + 32);
  out[48] = static_cast<std::uint8_t>(endpoint.port >> 8);
  out[49] = static_cast<std::uint8_t>(endpoint.port & 0xff);
  out[50] = capacity_class;
  out[51] = 0;
}

std::optional<Contact> Contact::decode(std::span<const std::uint8_t, kWireBytes> in) noexcept {
  if (in[50] > kClassMax || in[51] != 0) return std::nullopt;
  Contact contact;
  std::copy_n(in.begin(), 32, contact.id.bytes.begin());
  std::copy_n(in.begin() + 32, 16, contact.endpoint.address.begin());
  contact.endpoint.port = static_cast<std::uint16_t>(in[48] << 8 | in[49]);
  contact.capacity_class = in[50];
  return contact;
}

std::uint8_t capacity_class(std::uint64_t bytes) noexcept {
  const std::uint64_t gibibytes = bytes >> 30;
  return static_cast<std::uint8_t>(std::clamp<std::uint64_t>(
      static_cast<std::uint64_t>(std::bit_width(gibibytes)), 1, Contact::kClassMax));
}

}  // namespace kadenza::distributed::kademlia
