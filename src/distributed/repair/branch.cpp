// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/branch.hpp"

#include "core/check.hpp"

namespace kadenza::distributed::repair {

HeldCopy held_song(const core::Song& song) {
  HeldCopy held{{song.id, 0}, song.size};
  for (std::size_t i = 0; i < 8; ++i) held.version.version = held.version.version << 8 | song.audio.bytes[i];
  return held;
}

core::SongId Branch::last() const {
  auto id = first;
  for (unsigned digit = digits; digit < kDigitsMax; ++digit) {
    id.bytes[digit / 2] = static_cast<std::uint8_t>(id.bytes[digit / 2] | (digit % 2 == 0 ? 0xf0U : 0x0fU));
  }
  return id;
}

Branch Branch::child(unsigned digit) const {
  KADENZA_CHECK(digits < kDigitsMax && digit < kChildren);
  Branch child{first, digits + 1};
  auto& byte = child.first.bytes[digits / 2];
  byte = static_cast<std::uint8_t>(byte | (digits % 2 == 0 ? digit << 4 : digit));
  return child;
}

bool Branch::is_valid() const {
  if (digits > kDigitsMax) return false;
  for (unsigned digit = digits; digit < kDigitsMax; ++digit) {
    if ((first.bytes[digit / 2] & (digit % 2 == 0 ? 0xf0U : 0x0fU)) != 0) return false;
  }
  return true;
}

}  // namespace kadenza::distributed::repair
