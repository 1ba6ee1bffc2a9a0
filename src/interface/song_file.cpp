// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/song_file.hpp"

#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "core/song.hpp"
#include "interface/console.hpp"

namespace kadenza::interface {
namespace {

constexpr std::size_t kFileNameMax = 255;
constexpr std::string_view kPartial = ".part";
constexpr std::size_t kReadBytes = 256u << 10;

std::unexpected<core::Error> io_error(const std::filesystem::path& file) {
  const int number = errno;
  const core::Errc code =
      number == ENOSPC || number == EDQUOT ? core::Errc::kNoSpace : core::Errc::kInvalidArgument;
  return core::fail(
      code, fmt::format("Cannot write {}: {}.", file.string(), std::generic_category().message(number)));
}

std::string cut_to_bytes(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string(text);
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) >> 6U) == 2) --limit;
  return std::string(text.substr(0, limit));
}

}  // namespace

std::string file_name_for(const middleware::SongInfo& song) {
  std::string name = printable(fmt::format("{} - {}", song.artist, song.title));
  for (char& c : name) {
    if (c == '/') c = '_';
  }
  if (name.starts_with('.') || name.starts_with('-')) name.front() = '_';
  const auto format = core::parse_audio_format(song.format);
  const std::string extension = format ? fmt::format(".{}", core::file_extension(*format)) : "";
  return cut_to_bytes(name, kFileNameMax - extension.size() - kPartial.size()) + extension;
}

SongFile::SongFile(std::filesystem::path target, std::filesystem::path partial, int descriptor)
    : target_(std::move(target)), partial_(std::move(partial)), descriptor_(descriptor) {}

SongFile::SongFile(SongFile&& other) noexcept
    : target_(std::move(other.target_)),
      partial_(std::move(other.partial_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      hash_(std::move(other.hash_)) {}

SongFile::~SongFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  if (size_ == 0) ::unlink(partial_.c_str());
}

core::Result<SongFile> SongFile::open(std::filesystem::path target) {
  std::filesystem::path partial = target;
  partial += kPartial;
  const int descriptor = ::open(partial.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) return io_error(partial);
  SongFile file(std::move(target), std::move(partial), descriptor);
  KADENZA_TRY_VOID(file.hash_existing());
  return file;
}

core::Result<void> SongFile::hash_existing() {
  std::vector<std::uint8_t> piece(kReadBytes);
  while (true) {
    const ssize_t count = ::read(descriptor_, piece.data(), piece.size());
    if (count < 0) return io_error(partial_);
    if (count == 0) return {};
    hash_.update(std::span(piece).first(static_cast<std::size_t>(count)));
    size_ += static_cast<std::uint64_t>(count);
  }
}

core::Result<void> SongFile::append(std::span<const std::uint8_t> bytes) {
  hash_.update(bytes);
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return io_error(partial_);
    size_ += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

core::Result<void> SongFile::clear() {
  if (::ftruncate(descriptor_, 0) != 0 || ::lseek(descriptor_, 0, SEEK_SET) != 0) return io_error(partial_);
  hash_.finish();
  size_ = 0;
  return {};
}

core::Result<void> SongFile::finish(std::string_view audio_hash) {
  if (hash_.finish().text() != audio_hash) {
    KADENZA_TRY_VOID(clear());
    return core::fail(core::Errc::kCorrupted, "The bytes that arrived are not the song's; nothing was kept.");
  }
  if (::fsync(descriptor_) != 0) return io_error(partial_);
  if (::rename(partial_.c_str(), target_.c_str()) != 0) return io_error(target_);
  ::close(std::exchange(descriptor_, -1));
  return {};
}

}  // namespace kadenza::interface
