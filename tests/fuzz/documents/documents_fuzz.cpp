// SPDX-License-Identifier: AGPL-3.0-or-later
// Two states that another node could send: whatever is understood can be merged, and has one form.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/check.hpp"
#include "distributed/documents/codec.hpp"

using namespace kadenza::distributed::documents;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto half = size == 0 ? 0 : data[0] % size;
  const auto one = decode(bytes.substr(half)), other = decode(bytes.substr(0, half));
  if (!one) return 0;
  const auto encoded = encode(*one);
  const auto again = decode(encoded);
  KADENZA_CHECK(again && *again == *one && encode(*again) == encoded);
  if (!other) return 0;
  auto ab = *one, ba = *other;
  ab.merge(*other);
  ba.merge(*one);
  KADENZA_CHECK(ab == ba);
  ab.forget_removals(kadenza::core::WallTime(std::chrono::days(20'000)));
  return 0;
}
