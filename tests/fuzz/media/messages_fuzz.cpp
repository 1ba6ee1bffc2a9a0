// SPDX-License-Identifier: AGPL-3.0-or-later
// What a worker that a file has taken over may write to the node.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "services/media/messages.hpp"

namespace media = kadenza::services::media;

namespace {

/// What was accepted survives another trip unchanged.
void check_round_trip(const media::Probe& probe) {
  const auto again = media::decode_probe(media::encode_reply(probe));
  if (!again || again->tags != probe.tags || again->properties != probe.properties) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(data, size);
  if (size >= media::kReplyHeaderBytes) {
    const auto length = media::decode_header(bytes.first<media::kReplyHeaderBytes>());
    if (length && *length > media::kReplyBytesMax) std::abort();
  }
  if (const auto probe = media::decode_probe(bytes)) check_round_trip(*probe);
  if (const auto facts = media::decode_facts(bytes);
      facts && media::decode_facts(media::encode_reply(*facts)) != facts)
    std::abort();
  static_cast<void>(media::decode_image(bytes));
  return 0;
}
