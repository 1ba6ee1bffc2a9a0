// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/distance.hpp"

namespace kadenza::distributed::kademlia {

Key random_key(core::Random& random) {
  Key key;
  for (std::size_t i = 0; i < key.bytes.size(); i += 8) {
    const std::uint64_t word = random.next();
    std::memcpy(key.bytes.data() + i, &word, sizeof word);
  }
  return key;
}

Key random_key_at(const NodeId& base, int shared_bits, core::Random& random) {
  Key key = random_key(random);
  const int byte = shared_bits / 8;
  const int bit = shared_bits % 8;
  for (int i = 0; i < byte; ++i) key.bytes[i] = base.bytes[i];
  const unsigned keep = 0xff00u >> bit & 0xffu;  // the leading bits of this byte that stay the base's
  const unsigned flip = 0x80u >> bit;            // the first bit that must differ
  const unsigned own = base.bytes[byte];
  key.bytes[byte] =
      static_cast<std::uint8_t>((own & keep) | (~own & flip) | (key.bytes[byte] & ~(keep | flip) & 0xffu));
  return key;
}

}  // namespace kadenza::distributed::kademlia
