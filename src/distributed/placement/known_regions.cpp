// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/placement/known_regions.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace kadenza::distributed::placement {
namespace {

constexpr int kBitsPerByte = 8;

std::uint8_t mask_of_bit(int bit) {
  return static_cast<std::uint8_t>(0x80 >> (bit % kBitsPerByte));
}

}  // namespace

Region Region::around(const kademlia::Key& key, int bits) noexcept {
  Region region{key, bits};
  auto& bytes = region.prefix.bytes;
  const auto whole = static_cast<std::size_t>(bits / kBitsPerByte);
  if (whole < bytes.size()) {
    bytes[whole] = static_cast<std::uint8_t>(bytes[whole] & ~(0xff >> (bits % kBitsPerByte)));
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(whole) + 1, bytes.end(), 0);
  }
  return region;
}

bool Region::contains(const Region& other) const noexcept {
  return bits <= other.bits && kademlia::distance(prefix, other.prefix).leading_zeros() >= bits;
}

Region Region::half(bool second) const noexcept {
  Region result{prefix, bits + 1};
  if (second) result.prefix.bytes[static_cast<std::size_t>(bits / kBitsPerByte)] |= mask_of_bit(bits);
  return result;
}

auto KnownRegions::around(const Region& region) const -> Map::const_iterator {
  auto next = regions_.upper_bound(region.prefix);
  if (next == regions_.begin()) return regions_.end();
  const auto before = std::prev(next);
  return region_of(*before).contains(region) ? before : regions_.end();
}

void KnownRegions::seen(const Region& region, core::Instant now) {
  std::optional<core::Instant> used;
  // What one lookup showed before, when there were fewer nodes, no longer shows: it goes with the new look.
  if (const auto outer = around(region); outer != regions_.end()) {
    used = outer->second.used;
    regions_.erase(outer);
  }
  auto inner = regions_.lower_bound(region.prefix);
  while (inner != regions_.end() && region.contains(region_of(*inner))) {
    used = std::max(used, inner->second.used);
    inner = regions_.erase(inner);
  }
  if (regions_.size() >= kRegionsMax) regions_.clear();
  regions_[region.prefix] = {region.bits, now, used};
}

auto KnownRegions::stalest_in(const Region& region) const -> Part {
  if (const auto outer = around(region); outer != regions_.end()) {
    return {region_of(*outer), outer->second.seen};
  }
  const auto inner = regions_.lower_bound(region.prefix);
  if (inner == regions_.end() || !region.contains(region_of(*inner))) return {region, std::nullopt};
  const auto first = stalest_in(region.half(false));
  const auto second = stalest_in(region.half(true));
  return second.seen < first.seen ? second : first;
}

void KnownRegions::note_use(const Region& region, core::Instant now) {
  if (const auto outer = around(region); outer != regions_.end()) {
    regions_[outer->first].used = now;
    return;
  }
  auto inner = regions_.lower_bound(region.prefix);
  for (; inner != regions_.end() && region.contains(region_of(*inner)); ++inner) inner->second.used = now;
}

auto KnownRegions::stalest_used(core::Instant since) const -> std::optional<Part> {
  std::optional<Part> stalest;
  for (const auto& entry : regions_) {
    if (entry.second.used < since) continue;
    if (!stalest || entry.second.seen < stalest->seen) stalest = Part{region_of(entry), entry.second.seen};
  }
  return stalest;
}

}  // namespace kadenza::distributed::placement
