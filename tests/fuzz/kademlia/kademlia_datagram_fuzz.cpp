// SPDX-License-Identifier: AGPL-3.0-or-later
// Arbitrary bytes as an opened datagram and as a saved table: never a crash, and what is accepted is repeated
// exactly by encoding and decoding it again.
#include <cstdint>

#include "core/check.hpp"
#include "distributed/kademlia/codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kadenza::distributed::kademlia;
  static Codec codec;
  const std::span bytes(data, size);
  if (const auto message = codec.decode(bytes)) {
    std::array<std::uint8_t, kMessageBytesMax> out;
    const std::size_t length = codec.encode(*message, out);
    KADENZA_CHECK(codec.decode(std::span(out).first(length)) == message);
  }
  if (const auto contacts = decode_saved_table(bytes)) {
    KADENZA_CHECK(decode_saved_table(encode_saved_table(*contacts)) == *contacts);
  }
  return 0;
}
