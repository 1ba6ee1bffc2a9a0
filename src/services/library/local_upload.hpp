// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "services/library/parts.hpp"

namespace kadenza::services::library {

/// An upload into a LocalLibrary, which must outlive it.
class LocalUpload final : public core::Upload {
 public:
  LocalUpload(LocalLibrary::Parts& library, blobs::Staging staging)
      : library_(library), staging_(std::move(staging)) {}

  core::Task<core::Result<void>> write(std::span<const std::uint8_t> bytes, core::Deadline deadline) override;
  core::Task<core::Result<core::UploadOutcome>> finish(core::TagOverrides overrides,
                                                       core::Deadline deadline) override;

 private:
  core::Result<core::UploadOutcome> store(core::Song song, const std::optional<core::Image>& cover);
  core::Result<core::UploadOutcome> store_blobs_and_record(core::Song song,
                                                           const std::optional<core::Image>& cover);
  core::Result<core::UploadOutcome> already_there(const core::Song& stored);

  LocalLibrary::Parts& library_;
  blobs::Staging staging_;
};

}  // namespace kadenza::services::library
