// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "interface/console.hpp"
#include "middleware/client.hpp"

namespace kadenza::interface {

/// A file to be uploaded.
struct UploadFile {
  std::filesystem::path path;
  std::uint64_t size = 0;
};

/// What became of one file.
struct UploadResult {
  enum class Kind : std::uint8_t { kAdded, kAlreadyThere, kOtherAudio, kRefused };
  std::filesystem::path path;
  Kind kind = Kind::kRefused;
  middleware::SongInfo song;  ///< unless refused
  bool searchable = true;
  core::Error error;  ///< when refused
};

/// What an upload did as a whole, and how it is told.
struct UploadReport {
  std::vector<UploadResult> results;
  std::size_t files = 0;  ///< that were to be uploaded; more than `results` when it stopped early
  std::uint64_t bytes = 0;
  std::chrono::duration<double> time{0};
  std::optional<core::Error> stopped;  ///< why it did not go through all files

  std::size_t count(UploadResult::Kind kind) const;
  ExitCode exit_code() const;
  void print(Console& console) const;
  void print_json(Console& console) const;
};

/// Audio files by their extension, in folders and in the folders in them; what is named itself counts
/// whatever it is called. Sorted within each folder. What does not exist becomes a refusal in `report`.
std::vector<UploadFile> files_to_upload(const std::vector<std::string>& paths, UploadReport& report);

}  // namespace kadenza::interface
