// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <atomic>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include <fcntl.h>

#include "core/accounts.hpp"
#include "core/identity.hpp"
#include "core/music_library.hpp"
#include "core/sha256.hpp"
#include "core/unique_fd.hpp"
#include "support/temporary_folder.hpp"

namespace kadenza::testing {

/// A song whose audio is `bytes`.
inline core::Song make_song(std::string title, std::string artist, std::string album,
                            std::string_view bytes) {
  core::Song song;
  song.id = core::song_id(title, artist, album);
  song.tags.title = std::move(title);
  song.tags.artist = std::move(artist);
  song.tags.album = std::move(album);
  song.size = bytes.size();
  song.audio = core::sha256(bytes);
  song.first_stored = core::WallTime(std::chrono::milliseconds(1'000'000'000'123));
  return song;
}

/// A MusicLibrary in memory. Audio is served from files (`use_files`) or piece by piece. An upload is
/// understood when it reads "SONG\ntitle\nartist\nalbum\n" and anything. Thread-safe.
class FakeLibrary final : public core::MusicLibrary {
 public:
  template <class T>
  using Answer = core::Task<core::Result<T>>;

  explicit FakeLibrary(bool use_files = true) : use_files_(use_files) {}

  core::SongId add(const core::Song& song, std::string bytes) {
    const std::lock_guard lock(mutex_);
    std::ofstream(path_of(song.id), std::ios::binary) << bytes;
    songs_[song.id] = {song, std::move(bytes)};
    return song.id;
  }
  core::SongId add(std::string title, std::string bytes) {
    auto song = make_song(std::move(title), "Artist", "Album", bytes);
    return add(song, std::move(bytes));
  }

  /// Asked before every call, by the call's name; an error is the answer.
  std::function<std::optional<core::Error>(std::string_view)> refuse = [](auto) { return std::nullopt; };
  /// Awaited in every call after `refuse`; lets a test hold calls.
  std::function<core::Task<void>()> delay;
  std::atomic<std::size_t> uploads_alive{0};
  std::atomic<std::size_t> largest_piece{0};
  std::atomic<std::uint64_t> bytes_written{0};
  core::SearchResults search_results;
  core::SearchRequest last_search;
  core::SongListRequest last_song_list;
  core::DerivedFacts facts;
  core::Image image{"image/png", {1, 2, 3}};

  Answer<std::unique_ptr<core::Upload>> start_upload(std::optional<std::uint64_t> size,
                                                     core::Deadline) override {
    if (auto error = refuse("start_upload")) co_return std::unexpected(*error);
    if (delay) co_await delay();
    {
      const std::lock_guard lock(mutex_);
      expected_size = size;
    }
    co_return std::make_unique<FakeUpload>(*this);
  }
  std::optional<std::uint64_t> expected_size;

  Answer<core::Song> song(core::SongId id, core::Deadline) override {
    if (auto error = refuse("song")) co_return std::unexpected(*error);
    if (delay) co_await delay();
    const std::lock_guard lock(mutex_);
    const auto found = songs_.find(id);
    if (found == songs_.end()) co_return core::fail(core::Errc::kNotFound, "There is no song with this id.");
    co_return found->second.song;
  }

  Answer<std::unique_ptr<core::AudioStream>> open(core::SongId id, core::ByteRange range,
                                                  core::Deadline) override {
    if (auto error = refuse("open")) co_return std::unexpected(*error);
    const std::lock_guard lock(mutex_);
    if (use_files_) co_return std::make_unique<FileStream>(path_of(id), range);
    co_return std::make_unique<MemoryStream>(*this, songs_.at(id).bytes.substr(range.offset, range.length));
  }

  Answer<core::Image> cover(core::SongId, std::uint32_t, core::Deadline) override {
    return say("cover", image);
  }
  Answer<core::DerivedFacts> derived_facts(core::SongId, core::Deadline) override {
    return say("derived_facts", facts);
  }
  Answer<core::SearchResults> search(core::SearchRequest request, core::Deadline) override {
    const std::lock_guard lock(mutex_);
    last_search = request;
    return say("search", search_results);
  }
  Answer<core::Page<core::Song>> songs(core::SongListRequest request, core::Deadline) override {
    core::Page<core::Song> page;
    const std::lock_guard lock(mutex_);
    last_song_list = request;
    for (const auto& [id, stored] : songs_)
      if (page.items.size() < request.page.limit) page.items.push_back(stored.song);
    return say("songs", page);
  }
  Answer<core::Page<core::Album>> albums(core::AlbumListRequest, core::Deadline) override {
    core::Page<core::Album> page{{an_album()}, "more", true};
    return say("albums", page);
  }
  Answer<core::AlbumDetail> album(core::AlbumId, core::Deadline) override {
    core::AlbumDetail detail;
    detail.album = an_album();
    return say("album", detail);
  }
  Answer<core::Page<core::Artist>> artists(core::PageRequest, core::Deadline) override {
    core::Page<core::Artist> page;
    page.items.push_back({core::artist_id("Artist"), "Artist", 1, 2, std::nullopt});
    return say("artists", page);
  }
  Answer<core::ArtistDetail> artist(core::ArtistId, core::Deadline) override {
    core::ArtistDetail detail;
    detail.artist.name = "Artist";
    return say("artist", detail);
  }
  Answer<core::Page<core::Genre>> genres(core::PageRequest, core::Deadline) override {
    core::Page<core::Genre> page;
    page.items.push_back({"Rock/Pop", 3, 1});
    return say("genres", page);
  }
  Answer<core::LibraryTotals> totals(core::Deadline) override {
    core::LibraryTotals totals;
    totals.songs = 7;
    return say("totals", totals);
  }

 private:
  struct Stored {
    core::Song song;
    std::string bytes;
  };

  class FileStream final : public core::AudioStream {
   public:
    FileStream(const std::filesystem::path& path, core::ByteRange range)
        : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), range_(range) {}
    core::Task<core::Result<std::size_t>> read(std::span<std::uint8_t>, core::Deadline) override {
      co_return core::fail(core::Errc::kInternal, "file() was there to be used");
    }
    std::optional<core::FileSlice> file() const override { return core::FileSlice{file_.get(), range_}; }

   private:
    core::UniqueFd file_;
    core::ByteRange range_;
  };

  class MemoryStream final : public core::AudioStream {
   public:
    MemoryStream(FakeLibrary& library, std::string bytes) : library_(library), bytes_(std::move(bytes)) {}
    core::Task<core::Result<std::size_t>> read(std::span<std::uint8_t> out, core::Deadline) override {
      if (auto error = library_.refuse("read")) co_return std::unexpected(*error);
      const auto count = std::min(out.size(), bytes_.size() - at_);
      std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), count, out.begin());
      at_ += count;
      co_return count;
    }

   private:
    FakeLibrary& library_;
    std::string bytes_;
    std::size_t at_ = 0;
  };

  class FakeUpload final : public core::Upload {
   public:
    explicit FakeUpload(FakeLibrary& library) : library_(library) { ++library_.uploads_alive; }
    ~FakeUpload() override { --library_.uploads_alive; }
    core::Task<core::Result<void>> write(std::span<const std::uint8_t> bytes, core::Deadline) override {
      if (auto error = library_.refuse("write")) co_return std::unexpected(*error);
      bytes_.append(bytes.begin(), bytes.end());
      library_.bytes_written += bytes.size();
      library_.largest_piece = std::max<std::size_t>(library_.largest_piece, bytes.size());
      co_return core::Result<void>{};
    }
    core::Task<core::Result<core::UploadOutcome>> finish(core::TagOverrides overrides,
                                                         core::Deadline) override {
      if (auto error = library_.refuse("finish")) co_return std::unexpected(*error);
      if (!bytes_.starts_with("SONG\n"))
        co_return core::fail(core::Errc::kUnsupportedMedia, "This is not audio.");
      core::Tags tags;
      std::size_t at = 5;
      for (auto* text : {&tags.title, &tags.artist, &tags.album}) {
        const auto end = bytes_.find('\n', at);
        if (end == std::string::npos) co_return core::fail(core::Errc::kDamagedMedia, "The file is cut.");
        *text = bytes_.substr(at, end - at);
        at = end + 1;
      }
      auto checked = core::checked_tags(overrides.apply_to(tags));
      if (!checked) co_return std::unexpected(checked.error());
      co_return library_.store(std::move(*checked), std::move(bytes_));
    }

   private:
    FakeLibrary& library_;
    std::string bytes_;
  };

  static core::Album an_album() {
    core::Album album;
    album.id = core::album_id("Artist", "Album");
    album.title = "Album";
    album.artist = "Artist";
    return album;
  }

  template <class T>
  Answer<T> say(std::string call, T content) {
    if (auto error = refuse(call)) co_return std::unexpected(*error);
    if (delay) co_await delay();
    co_return content;
  }

  core::UploadOutcome store(core::Tags tags, std::string bytes) {
    core::UploadOutcome outcome;
    outcome.song = make_song(tags.title, tags.artist, tags.album, bytes);
    outcome.song.tags = std::move(tags);
    {
      const std::lock_guard lock(mutex_);
      const auto found = songs_.find(outcome.song.id);
      if (found != songs_.end()) {
        outcome.same_audio = found->second.song.audio == outcome.song.audio;
        outcome.song = found->second.song;
        return outcome;
      }
    }
    outcome.added = true;
    add(outcome.song, std::move(bytes));
    return outcome;
  }

  std::filesystem::path path_of(const core::SongId& id) const { return folder_.path() / id.text(); }

  bool use_files_;
  TemporaryFolder folder_;
  std::mutex mutex_;  ///< guards songs_ and what was asked last
  std::map<core::SongId, Stored> songs_;
};

/// Tokens "listener", "uploader", "admin" are valid and name their role; the password of each is "secret".
class FakeAccounts final : public core::Accounts {
 public:
  core::Task<core::Result<core::Session>> log_in(std::string user, std::string password,
                                                 core::Deadline) override {
    if (password == "again") co_return core::fail(core::Errc::kTooManyRequests, "Too many failed log-ins.");
    auto principal = authenticate(user);
    if (!principal || password != "secret")
      co_return core::fail(core::Errc::kUnauthenticated, "The name or the password is wrong.");
    co_return core::Session{user, *principal, core::WallTime(std::chrono::seconds(2'000'000'000))};
  }
  core::Task<core::Result<core::Session>> redeem(std::string code, core::Deadline deadline) override {
    if (code != "code") return log_in("", "", deadline);
    return log_in("listener", "secret", deadline);
  }
  core::Task<core::Result<std::string>> one_time_code(core::Principal, core::Deadline) override {
    co_return "code";
  }
  core::Task<core::Result<void>> log_out(std::string token, core::Deadline) override {
    logged_out = token;
    co_return core::Result<void>{};
  }
  core::Result<core::Principal> authenticate(std::string_view token) const override {
    if (token == "listener") return core::Principal{"listener", core::Role::kListener};
    if (token == "uploader") return core::Principal{"uploader", core::Role::kUploader};
    if (token == "admin") return core::Principal{"admin", core::Role::kAdmin};
    return core::fail(core::Errc::kUnauthenticated, "The log-in is not valid any more; log in again.");
  }
  std::string logged_out;
};

}  // namespace kadenza::testing
