// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/row_version.hpp"

#include <span>
#include <tuple>

#include "core/identity.hpp"
#include "core/planted_bugs.hpp"
#include "core/sha256.hpp"

namespace kadenza::services::catalogue {
namespace {

std::array<std::uint8_t, 8> big_endian(std::uint64_t value) {
  std::array<std::uint8_t, 8> bytes{};
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte, value >>= 8)
    *byte = static_cast<std::uint8_t>(value);
  return bytes;
}

}  // namespace

std::uint8_t shard_of(const core::Song& song) {
  if (const auto album = song.album_id()) return core::shard_of(*album);
  return core::shard_of(song.listed_artist_id());
}

bool wins_over(const core::Song& a, const core::Song& b) {
  if (core::planted(core::PlantedBug::kLastWriterWins)) return a.first_stored > b.first_stored;
  return std::tie(a.first_stored, a.audio) < std::tie(b.first_stored, b.audio);
}

RowVersion version_of(const core::Song& song) {
  const auto time = big_endian(static_cast<std::uint64_t>(song.first_stored.time_since_epoch().count()));
  const auto hash = core::Sha256().update(time).update(song.audio.bytes).finish();
  RowVersion row{song.id, 0};
  for (const auto byte : std::span(hash.bytes).first<8>()) row.version = row.version << 8 | byte;
  return row;
}

void RowsDigest::add(const RowVersion& row) {
  toggle(row);
  ++count;
}

void RowsDigest::remove(const RowVersion& row) {
  toggle(row);
  --count;
}

void RowsDigest::add(const RowsDigest& others) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] ^= others.sum[i];
  count += others.count;
}

void RowsDigest::toggle(const RowVersion& row) {
  const auto hash = core::Sha256().update(row.id.bytes).update(big_endian(row.version)).finish();
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] ^= hash.bytes[i];
}

}  // namespace kadenza::services::catalogue
