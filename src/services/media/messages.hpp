// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/music_library.hpp"
#include "core/song.hpp"
#include "services/media/media_service.hpp"

/// What the node and its media process say to each other. Both are of the same build on the same machine.
/// A job is one packet with two descriptors: the file, and the socket for the reply. The reply comes from a
/// worker that a file may have taken over: it is read as anything a stranger sends.
namespace kadenza::services::media {

enum class JobKind : std::uint8_t { kProbe = 1, kAnalyse = 2, kResize = 3 };

/// Sent by the trusted side only, as it lies in memory.
struct Job {
  JobKind kind = JobKind::kProbe;
  bool allow_unconfined = false;
  std::uint32_t pixels = 0;      ///< kResize
  std::uint32_t limit_ms = 0;    ///< wall-clock time; CPU time is limited to the same, rounded up
  std::uint32_t arrival_ms = 0;  ///< wall-clock time more, which the rest of the file may take to arrive
  /// The size that a file will have whose end has not arrived; 0 = it is whole. The node sends a byte, any
  /// byte, on the reply's socket when there is more of it.
  std::uint64_t arriving_bytes = 0;
  std::uint64_t memory_bytes = 0;
};

/// A reply is its length (4 bytes, little-endian) and as many bytes.
inline constexpr std::size_t kReplyHeaderBytes = 4;
inline constexpr std::uint32_t kReplyBytesMax = 24u << 20;
inline constexpr std::size_t kPictureBytesMax = 16u << 20;
inline constexpr std::size_t kTextBytesMax = 4096;
inline constexpr std::size_t kListMax = 64;

std::array<std::uint8_t, kReplyHeaderBytes> encode_header(std::size_t body_bytes);
/// kDamagedMedia when the length is over kReplyBytesMax.
core::Result<std::size_t> decode_header(std::span<const std::uint8_t, kReplyHeaderBytes> header);

/// Texts and lists over the limits are cut by the encoder and refused by the decoder.
std::vector<std::uint8_t> encode_failure(const core::Error& error);
std::vector<std::uint8_t> encode_reply(const Probe& probe);
std::vector<std::uint8_t> encode_reply(const core::DerivedFacts& facts);
std::vector<std::uint8_t> encode_reply(const core::Image& image);

/// The result that a body tells, or kDamagedMedia when it is malformed: a worker that writes nonsense has
/// been led astray by its file.
core::Result<Probe> decode_probe(std::span<const std::uint8_t> body);
core::Result<core::DerivedFacts> decode_facts(std::span<const std::uint8_t> body);
core::Result<core::Image> decode_image(std::span<const std::uint8_t> body);

}  // namespace kadenza::services::media
