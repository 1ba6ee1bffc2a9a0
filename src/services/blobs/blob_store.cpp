// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/blobs/blob_store.hpp"

#include <cerrno>

#include <fmt/format.h>
#include <sys/stat.h>

#include "core/check.hpp"
#include "core/sha256.hpp"
#include "services/blobs/posix_error.hpp"
#include "services/blobs/staging_file.hpp"
#include "services/blobs/store_state.hpp"

namespace kadenza::services::blobs {
namespace {

/// Reads up to out.size() bytes, fewer only at the end of the file.
core::Result<std::size_t> read_at(int file, std::uint64_t offset, std::span<std::uint8_t> out) {
  std::size_t filled = 0;
  while (filled < out.size()) {
    const auto got =
        ::pread(file, out.data() + filled, out.size() - filled, static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return posix_failure(errno, "read a stored file");
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

}  // namespace

Staging::Staging(std::unique_ptr<StagingFile> file) noexcept : file_(std::move(file)) {}
Staging::Staging(Staging&&) noexcept = default;
Staging& Staging::operator=(Staging&&) noexcept = default;
Staging::~Staging() = default;

core::Result<void> Staging::append(std::span<const std::uint8_t> bytes) {
  return file_->append(bytes, {});
}
core::Result<void> Staging::append_hashed(std::span<const std::uint8_t> bytes,
                                          std::span<const core::Digest> chunks) {
  return file_->append(bytes, chunks);
}
std::uint64_t Staging::size() const noexcept {
  return file_->size();
}
core::Result<core::UniqueFd> Staging::reader() const {
  return file_->reader();
}
void Staging::write_back() {
  file_->write_back();
}
core::Result<core::Digest> Staging::digest() {
  return file_->digest();
}
core::Result<BlobInfo> Staging::describe() {
  return file_->describe();
}
core::Result<BlobInfo> Staging::commit() {
  return file_->commit();
}

BlobStore::BlobStore(std::unique_ptr<StoreState> state) noexcept : state_(std::move(state)) {}
BlobStore::BlobStore(BlobStore&&) noexcept = default;
BlobStore& BlobStore::operator=(BlobStore&&) noexcept = default;
BlobStore::~BlobStore() = default;

core::Result<BlobStore> BlobStore::open(Options options) {
  KADENZA_TRY(auto state, StoreState::open(options));
  return BlobStore(std::move(state));
}

core::Result<Staging> BlobStore::stage(std::optional<std::uint64_t> expected_size) {
  KADENZA_TRY(auto file, StagingFile::create(*state_, expected_size));
  return Staging(std::move(file));
}

core::Result<BlobInfo> BlobStore::put(std::span<const std::uint8_t> bytes) {
  KADENZA_TRY(auto staging, stage(bytes.size()));
  KADENZA_TRY_VOID(staging.append(bytes));
  return staging.commit();
}

bool BlobStore::contains(const core::Digest& digest) const {
  return state_->contains(digest);
}

core::Result<core::UniqueFd> BlobStore::open_blob(const core::Digest& digest) const {
  return state_->open_blob(digest);
}

core::Result<std::vector<std::uint8_t>> BlobStore::read_all(const core::Digest& digest,
                                                            std::uint64_t bytes_max) const {
  KADENZA_TRY(const auto file, open_blob(digest));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return posix_failure(errno, "read the size of a stored file");
  if (static_cast<std::uint64_t>(status.st_size) > bytes_max) {
    return core::fail(core::Errc::kTooLarge,
                      fmt::format("the stored file has {} bytes, more than the {} that "
                                  "are read at once",
                                  status.st_size, bytes_max));
  }
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(status.st_size));
  KADENZA_TRY(const auto got, read_at(file.get(), 0, bytes));
  if (got != bytes.size() || core::sha256(bytes) != digest)
    return core::fail(core::Errc::kCorrupted, "a stored file differs from its hash; its disk may be failing");
  return bytes;
}

core::Result<void> BlobStore::remove(const core::Digest& digest) {
  return state_->remove(digest);
}

core::Result<void> BlobStore::for_each(const std::function<bool(const core::Digest&)>& visit) const {
  return state_->for_each(visit);
}

std::uint64_t BlobStore::used_bytes() const {
  return state_->usage().stored();
}
std::uint64_t BlobStore::capacity_bytes() const noexcept {
  return state_->usage().capacity();
}

core::Result<std::size_t> read_verified_chunk(int blob, std::uint64_t index, const core::Digest& expected,
                                              std::span<std::uint8_t> out) {
  KADENZA_CHECK(out.size() >= core::kChunkBytes);
  const auto chunk = out.first(core::kChunkBytes);
  KADENZA_TRY(const auto length, read_at(blob, index * core::kChunkBytes, chunk));
  if (length == 0 || core::sha256(chunk.first(length)) != expected) {
    return core::fail(
        core::Errc::kCorrupted,
        fmt::format("chunk {} of a stored file differs from its hash; its disk may be failing", index));
  }
  return length;
}

core::Result<std::vector<std::uint8_t>> read_range(int file, core::ByteRange range) {
  struct stat status {};
  if (::fstat(file, &status) != 0) return posix_failure(errno, "read the size of a file");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (range.offset > size || range.length > size - range.offset) {
    return core::fail(core::Errc::kInvalidArgument,
                      fmt::format("the file has {} bytes; bytes {} to {} are not in it", size, range.offset,
                                  range.offset + range.length));
  }
  std::vector<std::uint8_t> bytes(range.length);
  KADENZA_TRY(const auto got, read_at(file, range.offset, bytes));
  if (got != bytes.size()) return core::fail(core::Errc::kCorrupted, "the file became shorter meanwhile");
  return bytes;
}

}  // namespace kadenza::services::blobs
