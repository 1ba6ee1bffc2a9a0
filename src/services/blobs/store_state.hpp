// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include <boost/asio/thread_pool.hpp>

#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/unique_fd.hpp"
#include "services/blobs/blob_store.hpp"
#include "services/blobs/usage.hpp"

namespace kadenza::services::blobs {

/// The folder of a store and what is shared by its uploads:
///   lock            held with flock() while a store is open
///   staging/N       blobs being received
///   objects/ab/ab…  blobs, by the base32 of their digest; 1,024 folders by its first two characters
/// Thread-safe. Files enter, leave and are counted under the lock of their folder, so that each is counted
/// exactly once while the first count runs.
class StoreState {
 public:
  static core::Result<std::unique_ptr<StoreState>> open(const BlobStore::Options& options);
  ~StoreState();

  struct NewFile {
    core::UniqueFd fd;
    std::string name;
  };
  core::Result<NewFile> create_staging_file();
  void discard_staging_file(const std::string& name) noexcept;
  core::Result<core::UniqueFd> open_staging_file(const std::string& name) const;

  /// Gives a finished, synced staging file its place and syncs the folder. Takes the staging file away when
  /// a whole blob is there already.
  core::Result<void> publish(const std::string& staging_name, const core::Digest& digest, std::uint64_t size);

  bool contains(const core::Digest& digest) const;
  core::Result<core::UniqueFd> open_blob(const core::Digest& digest) const;
  core::Result<void> remove(const core::Digest& digest);

  core::Result<void> for_each(const std::function<bool(const core::Digest&)>& visit) const;

  /// kNoSpace when the disk itself has less than `bytes` left.
  core::Result<void> check_disk_space(std::uint64_t bytes) const;

  Usage& usage() noexcept { return usage_; }
  const Usage& usage() const noexcept { return usage_; }
  boost::asio::thread_pool& hashers() noexcept { return hashers_; }

 private:
  static constexpr unsigned kFolders = 1024;
  static constexpr unsigned kFolderLocks = 64;

  explicit StoreState(std::uint64_t capacity_bytes) : usage_(capacity_bytes) {}

  core::Result<void> open_folders(const std::filesystem::path& root);
  core::Result<void> clear_staging();
  void count_stored(const std::stop_token& stop);
  void count_folder(unsigned folder);
  std::mutex& folder_lock(unsigned folder) { return folder_locks_[folder % kFolderLocks]; }
  void add_stored(unsigned folder, std::int64_t bytes);
  core::Result<core::UniqueFd> open_folder(const std::string& name);
  core::Result<void> place(const std::string& staging_name, const core::Digest& digest, std::uint64_t size);

  core::UniqueFd root_, lock_, staging_, objects_;
  std::atomic<std::uint64_t> next_staging_name_{0};
  std::array<std::mutex, kFolderLocks> folder_locks_;
  std::array<bool, kFolders> folder_counted_{};  ///< each under its folder's lock
  Usage usage_;
  /// Large uploads hash their chunks here while their own thread hashes the whole.
  boost::asio::thread_pool hashers_{2};
  std::jthread counter_;
};

}  // namespace kadenza::services::blobs
