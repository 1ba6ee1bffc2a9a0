// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/blobs/staging_file.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <boost/asio/packaged_task.hpp>
#include <boost/asio/post.hpp>

#include "core/check.hpp"
#include "services/blobs/posix_error.hpp"

namespace kadenza::services::blobs {
namespace {

/// Space for uploads of unknown size is set aside in steps of this.
constexpr std::uint64_t kReserveStep = 1 << 20;

/// A smaller file costs the disk less than handing it over costs the processor.
constexpr std::uint64_t kWriteBackBytesMin = 1 << 20;

}  // namespace

core::Result<std::unique_ptr<StagingFile>> StagingFile::create(StoreState& store,
                                                               std::optional<std::uint64_t> expected_size) {
  const auto reserved = expected_size.value_or(0);
  if (expected_size) KADENZA_TRY_VOID(store.check_disk_space(reserved));
  KADENZA_TRY_VOID(store.usage().reserve(reserved));
  auto file = store.create_staging_file();
  if (!file) {
    store.usage().release(reserved);
    return std::unexpected(std::move(file).error());
  }
  return std::unique_ptr<StagingFile>(new StagingFile(store, std::move(*file), reserved));
}

StagingFile::StagingFile(StoreState& store, StoreState::NewFile file, std::uint64_t reserved)
    : store_(store),
      name_(std::move(file.name)),
      fd_(std::make_shared<core::UniqueFd>(std::move(file.fd))),
      reserved_(reserved),
      chunks_(store.hashers(), fd_) {}

StagingFile::~StagingFile() {
  discard();
}

void StagingFile::discard() noexcept {
  if (!name_.empty()) {
    store_.discard_staging_file(name_);
    // Frees the space now, although hashers may have the file open for a moment yet.
    static_cast<void>(::ftruncate(fd_->get(), 0));
  }
  name_.clear();
  store_.usage().release(std::exchange(reserved_, 0));
}

core::Result<void> StagingFile::append(std::span<const std::uint8_t> bytes,
                                       std::span<const core::Digest> chunks) {
  if (failure_) return std::unexpected(*failure_);
  KADENZA_CHECK(!digest_);
  auto written = write(bytes, chunks);
  if (!written) {
    failure_ = written.error();
    discard();
    return written;
  }
  whole_.update(bytes);
  return {};
}

core::Result<void> StagingFile::reserve_for(std::uint64_t size) {
  if (size <= reserved_) return {};
  const auto needed = size - reserved_;
  auto step = std::max(needed, kReserveStep);
  if (!store_.usage().reserve(step)) {
    step = needed;  // the last of the capacity may be less than a step
    KADENZA_TRY_VOID(store_.usage().reserve(step));
  }
  reserved_ += step;
  return {};
}

core::Result<void> StagingFile::write(std::span<const std::uint8_t> bytes,
                                      std::span<const core::Digest> chunks) {
  KADENZA_TRY_VOID(reserve_for(size_ + bytes.size()));
  while (!bytes.empty()) {
    const auto put = ::pwrite(fd_->get(), bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return posix_failure(errno, "write a received file");
    size_ += static_cast<std::uint64_t>(put);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  if (chunks.empty()) {
    chunks_.grown(size_);
  } else {
    chunks_.grown(size_, chunks);
  }
  return {};
}

core::Result<core::UniqueFd> StagingFile::reader() const {
  if (failure_) return std::unexpected(*failure_);
  return store_.open_staging_file(name_);
}

void StagingFile::write_back() {
  if (failure_ || size_ < kWriteBackBytesMin) return;
  auto sync = [fd = fd_] { return ::fsync(fd->get()) == 0 ? 0 : errno; };
  written_back_ = boost::asio::post(store_.hashers(), std::packaged_task<int()>(std::move(sync)));
}

core::Result<core::Digest> StagingFile::digest() {
  if (failure_) return std::unexpected(*failure_);
  if (!digest_) digest_ = whole_.finish();
  return *digest_;
}

core::Result<BlobInfo> StagingFile::describe() {
  if (info_) return *info_;
  KADENZA_TRY(const auto whole, digest());
  BlobInfo info{.digest = whole, .size = size_, .chunks = {}};
  KADENZA_TRY(info.chunks, chunks_.finish(size_, info.digest));
  info_ = info;
  return info;
}

core::Result<BlobInfo> StagingFile::commit() {
  if (failure_) return std::unexpected(*failure_);
  auto info = store_durably();
  if (info) name_.clear();
  discard();
  failure_ = core::Error{core::Errc::kInternal, "this upload was finished before"};
  return info;
}

core::Result<BlobInfo> StagingFile::store_durably() {
  // What write_back() may have failed to write, this fsync would not report again.
  if (const int error = written_back_.valid() ? written_back_.get() : 0; error != 0)
    return posix_failure(error, "sync a received file");
  // First, so that the disk works while the last chunks are hashed.
  if (::fsync(fd_->get()) != 0) return posix_failure(errno, "sync a received file");
  KADENZA_TRY(auto info, describe());
  KADENZA_TRY_VOID(store_.publish(name_, info.digest, info.size));
  return info;
}

}  // namespace kadenza::services::blobs
