// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/music_library.hpp"
#include "core/song.hpp"
#include "core/task.hpp"

namespace kadenza::services::media {

/// What an audio file is and says of itself.
struct Probe {
  core::Tags tags;  ///< as the file has them; core::checked_tags() bounds them and says what is missing
  core::AudioProperties properties;
  std::optional<core::Image> cover;  ///< the front cover, or else its first picture, as embedded
};

struct MediaOptions {
  /// The executable kadenza-media. It is started with the first job and ends itself when it had none for
  /// `idle_exit`, so an idle node does not pay for its memory.
  std::filesystem::path program;
  std::chrono::seconds idle_exit{60};
  std::uint32_t foreground_jobs = 4;        ///< probes and resizes that run at once
  std::uint32_t early_jobs = 2;             ///< early probes that run at once, beside the others
  std::uint32_t background_jobs = 1;        ///< analyses that run at once, at the lowest priority
  std::uint32_t waiting_jobs = 4096;        ///< of each kind; further ones are refused with kTooManyRequests
  std::uint64_t memory_bytes = 512u << 20;  ///< what one job may allocate
  std::chrono::milliseconds foreground_limit{30'000};  ///< wall-clock and CPU time of one probe or resize
  std::chrono::milliseconds background_limit{600'000};
  std::chrono::milliseconds arrival_limit{4'000};  ///< how long an early probe waits for the rest of its file
  /// Runs jobs although this machine cannot confine them (no seccomp). Never the default.
  bool allow_unconfined = false;
};

class EarlyProbe;

/// The node's side of parsing untrusted media. Every file is parsed by a process of its own that can do
/// nothing but read that file and answer; a file that crashes, hangs or takes over its process harms
/// nothing else. Thread-safe. Calls run on their caller's executor and may be cancelled; those under way
/// must have ended before the service is destroyed.
///
/// Errors of all calls: kUnsupportedMedia (not one of the formats of core::AudioFormat), kDamagedMedia (cut
/// or broken, or its process crashed or went over a limit), kDeadlineExceeded, kTooManyRequests (queue
/// full), kUnavailable (the media process cannot be started, or the machine cannot confine it), kCancelled.
class MediaService {
 public:
  MediaService(const core::Clock& clock, MediaOptions options);
  ~MediaService();
  MediaService(const MediaService&) = delete;
  MediaService& operator=(const MediaService&) = delete;

  /// Checks a file before it is acknowledged: what it is (by content), its tags and cover, every packet
  /// demuxed, the first and last 5 s decoded. `file` is borrowed until the call ends, is read from offset 0
  /// whatever its position, and should be open for reading only.
  core::Task<core::Result<Probe>> probe(int file, core::Deadline deadline);

  /// Begins to probe a file that will have `size` bytes and whose end is about to arrive. Has places of its
  /// own, so that whoever is slow to send keeps nobody else's file waiting. None when they are taken or the
  /// media process does not take the file: then probe() it when it is whole. Blocks for milliseconds at most.
  std::unique_ptr<EarlyProbe> probe_early(int file, std::uint64_t size);

  /// Decodes a stored file whole, at the lowest priority: loudness, waveform, and whether it is damaged
  /// (which is a fact, not an error).
  core::Task<core::Result<core::DerivedFacts>> analyse(int file, core::Deadline deadline);

  /// Scales a cover down to at most `pixels` wide and high (0, or more than it has: its own size), as JPEG,
  /// or as PNG when it has transparent pixels.
  core::Task<core::Result<core::Image>> resize(std::vector<std::uint8_t> image, std::uint32_t pixels,
                                               core::Deadline deadline);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kadenza::services::media
