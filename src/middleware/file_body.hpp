// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "middleware/http_client.hpp"

namespace kadenza::middleware {

/// A file as the body of a request, read in large pieces. Reads block the executor's thread: local disks
/// answer from the page cache or by read-ahead.
class FileBody final : public RequestBody {
 public:
  /// Told how many bytes went out, and by a negative number that sending starts over.
  using Progress = std::function<void(std::int64_t)>;

  static core::Result<std::unique_ptr<FileBody>> open(const std::filesystem::path& file, Progress progress);
  FileBody(const FileBody&) = delete;
  FileBody& operator=(const FileBody&) = delete;
  ~FileBody() override;

  std::uint64_t size() const override { return size_; }
  core::Task<core::Result<std::size_t>> read(std::span<std::uint8_t> into) override;
  core::Result<void> rewind() override;

 private:
  FileBody(std::filesystem::path file, int descriptor, std::uint64_t size, Progress progress);

  std::filesystem::path file_;
  int descriptor_;
  std::uint64_t size_;
  std::uint64_t offset_ = 0;
  Progress progress_;
};

}  // namespace kadenza::middleware
