// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "services/blobs/blob_store.hpp"

namespace kadenza::services::blobs {

/// A folder of its own for each test.
class StoreFolder : public testing::Test {
 protected:
  StoreFolder() {
    auto name = (std::filesystem::temp_directory_path() / "kadenza-blobs-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
  }
  ~StoreFolder() override { std::filesystem::remove_all(root_); }

  BlobStore open_store(std::uint64_t capacity = BlobStore::kUnlimited) {
    auto store = BlobStore::open({.folder = root_, .capacity_bytes = capacity});
    EXPECT_TRUE(store.has_value()) << store.error().detail;
    return std::move(*store);
  }

  /// Files below a folder of the store.
  std::size_t files_in(const std::string& folder) const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_ / folder))
      count += entry.is_regular_file() ? 1 : 0;
    return count;
  }

  std::filesystem::path root_;
};

inline std::vector<std::uint8_t> random_bytes(std::size_t size, unsigned seed = 1) {
  std::mt19937_64 random(seed);
  std::vector<std::uint8_t> bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

}  // namespace kadenza::services::blobs
