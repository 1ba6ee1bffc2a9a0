// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "middleware/client.hpp"

namespace kadenza::interface {

/// "Artist - Title.ext", fit to be a file's name whatever the tags say: no separators, no control characters,
/// not hidden, at most 255 bytes.
std::string file_name_for(const middleware::SongInfo& song);

/// A song's file under way: NAME.part, which a later run continues, and NAME only once every byte is there
/// and has the right hash. Blocking; one owner.
class SongFile {
 public:
  /// Takes up what an earlier run left. kInvalidArgument when the file cannot be written.
  static core::Result<SongFile> open(std::filesystem::path target);
  SongFile(SongFile&& other) noexcept;
  SongFile& operator=(SongFile&&) = delete;
  ~SongFile();

  std::uint64_t size() const noexcept { return size_; }
  core::Result<void> append(std::span<const std::uint8_t> bytes);
  /// Empties it, to start over.
  core::Result<void> clear();
  /// kCorrupted when the content's SHA-256 is not `audio_hash` (base32); the partial file is then removed.
  core::Result<void> finish(std::string_view audio_hash);

 private:
  SongFile(std::filesystem::path target, std::filesystem::path partial, int descriptor);
  core::Result<void> hash_existing();

  std::filesystem::path target_;
  std::filesystem::path partial_;
  int descriptor_;
  std::uint64_t size_ = 0;
  core::Sha256 hash_;
};

}  // namespace kadenza::interface
