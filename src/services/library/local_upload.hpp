// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "services/library/parts.hpp"
#include "services/media/early_probe.hpp"

namespace kadenza::services::library {

/// An upload into a LocalLibrary, which must outlive it.
class LocalUpload final : public core::Upload {
 public:
  LocalUpload(LocalLibrary::Parts& library, blobs::Staging staging,
              std::optional<std::uint64_t> expected_size)
      : library_(library),
        staging_(std::move(staging)),
        expected_size_(expected_size.value_or(0)),
        began_(library.options.clock->now()) {}

  core::Task<core::Result<void>> write(std::span<const std::uint8_t> bytes, core::Deadline deadline) override;
  core::Task<core::Result<core::UploadOutcome>> finish(core::TagOverrides overrides,
                                                       core::Deadline deadline) override;

 private:
  /// Whether so little is left to arrive, at the speed so far, that an early probe is worth its place.
  bool is_nearly_whole() const;
  void probe_early();
  core::Task<core::Result<media::Probe>> probe(core::Deadline deadline);
  core::Result<core::UploadOutcome> store(core::Song song, const std::optional<core::Image>& cover);
  core::Result<core::UploadOutcome> store_blobs_and_record(core::Song song,
                                                           const std::optional<core::Image>& cover);
  core::Result<core::UploadOutcome> already_there(const core::Song& stored);

  LocalLibrary::Parts& library_;
  blobs::Staging staging_;
  const std::uint64_t expected_size_;  ///< 0 when it is not known
  const core::Instant began_;
  std::unique_ptr<media::EarlyProbe> early_probe_;
};

}  // namespace kadenza::services::library
