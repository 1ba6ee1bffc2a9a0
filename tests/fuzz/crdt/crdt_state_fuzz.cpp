// SPDX-License-Identifier: AGPL-3.0-or-later
// Arbitrary bytes as two states of each kind: never a crash; what is accepted is repeated exactly by encoding
// it again, and merging the two is commutative and idempotent. The first byte says where the second begins.
#include <cstdint>

#include "core/check.hpp"
#include "distributed/crdt/codec.hpp"

namespace {

using namespace kadenza::distributed::crdt;

template <class State>
void play(std::string_view one, std::string_view other) {
  const auto a = decode<State>(one);
  if (!a) return;
  KADENZA_CHECK(decode<State>(encode(*a)) == a);
  const auto b = decode<State>(other);
  if (!b) return;
  State ab = *a;
  ab.merge(*b);
  State ba = *b;
  ba.merge(*a);
  KADENZA_CHECK(ab == ba);
  KADENZA_CHECK(!ab.merge(*a));
  KADENZA_CHECK(encode(ab) == encode(ba));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t split = bytes.size() * data[0] / 255;
  play<LwwMap>(bytes.substr(0, split), bytes.substr(split));
  play<FinalMap>(bytes.substr(0, split), bytes.substr(split));
  play<AddWinsSet>(bytes.substr(0, split), bytes.substr(split));
  play<Counter>(bytes.substr(0, split), bytes.substr(split));
  play<OrderedList>(bytes.substr(0, split), bytes.substr(split));
  return 0;
}
