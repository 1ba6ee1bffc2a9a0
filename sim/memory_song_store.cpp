// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/memory_song_store.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>

#include "core/identity.hpp"
#include "core/planted_bugs.hpp"
#include "core/random.hpp"
#include "core/sha256.hpp"

namespace kadenza::sim {

using core::Errc;
using core::Result;
using services::library::ExaminedSong;
using services::library::HeldSong;
using services::library::IncomingSong;
using services::library::OnConflict;

namespace {

using Bytes = std::vector<std::uint8_t>;

bool inside(const core::ByteRange& range, std::uint64_t size) {
  return range.offset <= size && range.length <= size - range.offset;
}

Result<Bytes> cut(const Bytes& audio, const core::ByteRange& range) {
  if (!inside(range, audio.size())) {
    return core::fail(Errc::kInvalidArgument, "these bytes are not in the audio");
  }
  const auto part = std::span(audio).subspan(range.offset, range.length);
  return Bytes(part.begin(), part.end());
}

/// The texts that the audio begins with.
std::optional<std::array<std::string, 4>> header_of(const Bytes& audio) {
  std::array<std::string, 4> texts;
  auto at = audio.begin();
  for (auto& text : texts) {
    const auto end = std::find(at, audio.end(), 0);
    if (end == audio.end()) return std::nullopt;
    text.assign(at, end);
    at = end + 1;
  }
  return texts;
}

}  // namespace

std::vector<core::Digest> chunk_hashes(std::span<const std::uint8_t> audio) {
  std::vector<core::Digest> chunks;
  for (; !audio.empty(); audio = audio.subspan(std::min<std::size_t>(core::kChunkBytes, audio.size()))) {
    chunks.push_back(core::sha256(audio.first(std::min<std::size_t>(core::kChunkBytes, audio.size()))));
  }
  return chunks;
}

Bytes pretended_audio(std::string_view title, std::string_view artist, std::string_view album,
                      std::uint64_t version, std::size_t noise_bytes, std::string_view cover) {
  Bytes audio;
  for (const auto text : {title, artist, album, cover}) {
    audio.insert(audio.end(), text.begin(), text.end());
    audio.push_back(0);
  }
  core::SeededRandom noise(version);
  const auto begin = audio.size();
  audio.resize(begin + noise_bytes);
  for (std::size_t at = begin; at < audio.size(); at += sizeof(std::uint64_t)) {
    const std::uint64_t word = noise.next();
    std::memcpy(&audio[at], &word, std::min(sizeof word, audio.size() - at));
  }
  return audio;
}

void MemoryDisk::crash() {
  ++incarnation_;
  for (const auto& [ticket, land] : std::exchange(syncing_, {})) {
    if (landed && landed()) land();
  }
}

const core::SongRecord* MemoryDisk::record(const core::SongId& id) const {
  const auto found = held_.find(id);
  return found == held_.end() ? nullptr : found->second.record.get();
}

const Bytes* MemoryDisk::audio(const core::SongId& id) const {
  const auto found = held_.find(id);
  return found == held_.end() ? nullptr : found->second.audio.get();
}

bool MemoryDisk::fits(std::uint64_t more) const {
  const auto taken = used_bytes() + staged_;
  const bool room = taken <= capacity && more <= capacity - taken;
  return room || core::planted(core::PlantedBug::kCapacityIgnored);
}

std::uint64_t MemoryDisk::Held::bytes() const {
  return audio->size() + (cover ? cover->bytes.size() : 0);
}

void MemoryDisk::keep(Held held) {
  const auto id = held.record->song.id;
  drop(id);
  used_ += held.bytes();
  held_.emplace(id, std::move(held));
}

void MemoryDisk::drop(const core::SongId& id) {
  const auto found = held_.find(id);
  if (found == held_.end()) return;
  used_ -= found->second.bytes();
  held_.erase(found);
}

void MemoryDisk::rot(const core::SongId& id, std::uint64_t offset) {
  auto& held = held_.at(id);
  auto audio = *held.audio;
  audio.at(offset) ^= 1;
  held.audio = std::make_shared<const Bytes>(std::move(audio));
  held.rotten = true;
}

void MemoryDisk::place(std::shared_ptr<const core::SongRecord> record, std::shared_ptr<const Bytes> audio) {
  keep({std::move(record), std::move(audio), std::nullopt, false});
}

bool MemoryDisk::intact(const core::SongId& id) const {
  const auto found = held_.find(id);
  return found != held_.end() && !found->second.rotten;
}

std::vector<core::SongId> MemoryDisk::ids() const {
  std::vector<core::SongId> ids;
  for (const auto& [id, held] : held_) ids.push_back(id);
  return ids;
}

/// Audio on its way to a disk.
class MemoryIncomingSong final : public IncomingSong {
 public:
  MemoryIncomingSong(MemorySongStore& store, std::uint64_t expected_size) : store_(store) {
    ++store_.receiving;
    set_aside(expected_size);
  }
  ~MemoryIncomingSong() override {
    --store_.receiving;
    disk().staged_ -= set_aside_;
  }

  core::Task<Result<void>> write(std::span<const std::uint8_t> bytes, core::Deadline) override {
    const auto size = audio_.size() + bytes.size();
    if (size > disk().upload_limit) co_return core::fail(Errc::kTooLarge, "the file is too large");
    if (size > set_aside_) {
      if (!disk().fits(size - set_aside_)) co_return core::fail(Errc::kNoSpace, "the disk is full");
      set_aside(size - set_aside_);
    }
    audio_.insert(audio_.end(), bytes.begin(), bytes.end());
    co_return Result<void>{};
  }

  core::Task<Result<void>> write_verified(std::span<const std::uint8_t> bytes, std::span<const core::Digest>,
                                          core::Deadline deadline) override {
    return write(bytes, deadline);
  }

  core::Task<Result<ExaminedSong>> examine(core::TagOverrides overrides, core::Deadline) override {
    const auto header = header_of(audio_);
    if (!header) co_return core::fail(Errc::kUnsupportedMedia, "this is not audio");
    core::Tags said;
    said.title = (*header)[0];
    said.artist = (*header)[1];
    said.album = (*header)[2];
    auto tags = core::checked_tags(overrides.apply_to(std::move(said)));
    if (!tags) co_return std::unexpected(tags.error());
    ExaminedSong examined;
    auto& song = examined.record.song;
    song.id = core::song_id(tags->title, tags->artist, tags->album);
    song.tags = std::move(*tags);
    song.size = audio_.size();
    song.audio = core::sha256(audio_);
    const auto& picture = (*header)[3];
    if (!picture.empty()) {
      examined.cover = core::Image{"image/png", {picture.begin(), picture.end()}};
      song.cover = core::sha256(examined.cover->bytes);
    }
    examined.record.chunks = chunk_hashes(audio_);
    co_return examined;
  }

  core::Task<Result<Bytes>> read(core::ByteRange range) const override { co_return cut(audio_, range); }

  core::Task<Result<HeldSong>> commit(core::SongRecord record, std::optional<core::Image> cover,
                                      OnConflict on_conflict, core::Deadline deadline) override {
    const auto& song = record.song;
    if (core::sha256(audio_) != song.audio || audio_.size() != song.size ||
        chunk_hashes(audio_) != record.chunks) {
      co_return core::fail(Errc::kCorrupted, "the bytes received are not those of the song's record");
    }
    if (song.cover && (!cover || core::sha256(cover->bytes) != *song.cover)) {
      co_return core::fail(Errc::kCorrupted, "the cover received is not that of the song's record");
    }
    if (store_.clock_.now() > deadline) co_return core::fail(Errc::kDeadlineExceeded);
    if (core::planted(core::PlantedBug::kAnswersBeforeSync)) {
      const auto answer = HeldSong{song, true};
      auto held = MemoryDisk::Held{std::make_shared<core::SongRecord>(std::move(record)), shared_audio(),
                                   std::move(cover), false};
      boost::asio::co_spawn(co_await boost::asio::this_coro::executor, put_later(store_, std::move(held)),
                            boost::asio::detached);
      co_return answer;
    }
    const MemoryDisk::Syncing syncing(disk(), [&] { (void)put(record, cover, on_conflict); });
    co_await store_.timers_.sleep_until(store_.clock_.now() + disk().sync);
    KADENZA_CO_TRY_VOID(store_.alive());
    co_return put(std::move(record), std::move(cover), on_conflict);
  }

 private:
  Result<HeldSong> put(core::SongRecord record, std::optional<core::Image> cover, OnConflict on_conflict) {
    const core::Song song = record.song;
    if (disk().gave_way(song.id, song.audio)) {
      return core::fail(Errc::kConflict, "this record gave way to one that was stored first");
    }
    const auto there = disk().held_.find(song.id);
    if (there != disk().held_.end()) {
      const core::Song stored = there->second.record->song;
      if (services::library::stays(stored, song, on_conflict)) {
        if (stored.audio == song.audio) {  // heals what has rotted
          disk().keep({there->second.record, shared_audio(), there->second.cover, false});
        }
        return HeldSong{stored, false};
      }
    }
    const auto row = disk().row_of ? disk().row_of(song.id) : std::nullopt;
    if (row && services::library::wins_over(*row, song)) {
      if (row->audio != song.audio) return HeldSong{*row, false};
      record.song = *row;
    }
    if (there != disk().held_.end() && there->second.record->song.audio != song.audio) {
      disk().gave_way_[{song.id, there->second.record->song.audio}] = song.audio;
    }
    const core::Song stored = record.song;
    disk().keep(
        {std::make_shared<core::SongRecord>(std::move(record)), shared_audio(), std::move(cover), false});
    disk().staged_ -= std::exchange(set_aside_, 0);
    if (disk().on_stored) disk().on_stored(stored);
    if (store_.watcher_.stored && store_.alive()) store_.watcher_.stored(stored);
    return HeldSong{stored, true};
  }

  static core::Task<void> put_later(MemorySongStore& store, MemoryDisk::Held held) {
    co_await store.timers_.sleep_until(store.clock_.now() + store.disk_.sync);
    if (!store.alive()) co_return;
    const auto song = held.record->song;
    store.disk_.keep(std::move(held));
    if (store.disk_.on_stored) store.disk_.on_stored(song);
    if (store.watcher_.stored) store.watcher_.stored(song);
  }

  std::shared_ptr<const Bytes> shared_audio() const { return std::make_shared<const Bytes>(audio_); }
  MemoryDisk& disk() const { return store_.disk_; }
  void set_aside(std::uint64_t more) {
    set_aside_ += more;
    disk().staged_ += more;
  }

  MemorySongStore& store_;
  std::uint64_t set_aside_ = 0;
  Bytes audio_;
};

core::Task<Result<std::unique_ptr<IncomingSong>>> MemorySongStore::receive(
    std::optional<std::uint64_t> expected_size, Purpose, core::Deadline) {
  KADENZA_CO_TRY_VOID(alive());
  const auto size = expected_size.value_or(0);
  if (size > disk_.upload_limit) co_return core::fail(Errc::kTooLarge, "the file is too large");
  if (!disk_.fits(size)) co_return core::fail(Errc::kNoSpace, "the disk is full");
  co_return std::make_unique<MemoryIncomingSong>(*this, size);
}

Result<void> MemorySongStore::alive() const {
  if (disk_.incarnation_ != incarnation_) return core::fail(Errc::kUnavailable, "this process crashed");
  return {};
}

Result<const MemoryDisk::Held*> MemorySongStore::find(const core::SongId& id) const {
  KADENZA_TRY_VOID(alive());
  const auto found = disk_.held_.find(id);
  if (found == disk_.held_.end()) return core::fail(Errc::kNotFound, "this node does not hold the song");
  return &found->second;
}

core::Task<Result<std::shared_ptr<const core::SongRecord>>> MemorySongStore::record(core::SongId id) {
  const auto held = find(id);
  if (!held) co_return std::unexpected(held.error());
  co_return (*held)->record;
}

core::Task<Result<Bytes>> MemorySongStore::read(core::SongId id, core::ByteRange range) {
  const auto held = find(id);
  if (!held) co_return std::unexpected(held.error());
  const auto& audio = *(*held)->audio;
  if (inside(range, audio.size()) && range.length > 0) {
    const auto first = range.offset / core::kChunkBytes;
    const auto last = (range.offset + range.length - 1) / core::kChunkBytes;
    const auto checked = check(id, first, last - first + 1);
    if (!checked && !core::planted(core::PlantedBug::kChunksUnchecked))
      co_return std::unexpected(checked.error());
  }
  co_return cut(audio, range);
}

Result<void> MemorySongStore::check(const core::SongId& id, std::uint64_t first, std::uint64_t count) {
  KADENZA_TRY(const auto* held, find(id));
  const auto& chunks = held->record->chunks;
  for (auto chunk = first; chunk < std::min<std::uint64_t>(chunks.size(), first + count); ++chunk) {
    const auto rest = std::span(*held->audio).subspan(chunk * core::kChunkBytes);
    if (core::sha256(rest.first(std::min<std::size_t>(core::kChunkBytes, rest.size()))) != chunks[chunk]) {
      if (watcher_.rotten) watcher_.rotten(id);
      return core::fail(Errc::kCorrupted, "the disk gives something else than was stored");
    }
  }
  return {};
}

core::Task<Result<void>> MemorySongStore::verify(core::SongId id, std::uint64_t first, std::uint64_t count) {
  co_return check(id, first, count);
}

core::Task<Result<void>> MemorySongStore::remove(core::SongId id, core::Digest audio) {
  KADENZA_CO_TRY_VOID(alive());
  const auto found = disk_.held_.find(id);
  if (found == disk_.held_.end() || found->second.record->song.audio != audio) {
    co_return core::fail(Errc::kNotFound, "this node does not hold the song");
  }
  const core::Song song = found->second.record->song;
  disk_.drop(id);
  if (disk_.on_removed) disk_.on_removed(song);
  co_return Result<void>();
}

core::Task<Result<std::vector<core::Song>>> MemorySongStore::held(std::optional<core::SongId> after,
                                                                  std::size_t limit) {
  KADENZA_CO_TRY_VOID(alive());
  std::vector<core::Song> songs;
  auto next = after ? disk_.held_.upper_bound(*after) : disk_.held_.begin();
  for (; next != disk_.held_.end() && songs.size() < limit; ++next)
    songs.push_back(next->second.record->song);
  co_return songs;
}

core::Task<Result<core::Image>> MemorySongStore::cover_of(core::SongId id) {
  const auto held = find(id);
  if (!held) co_return std::unexpected(held.error());
  if (!(*held)->cover) co_return core::fail(Errc::kNotFound, "this song has no cover");
  co_return *(*held)->cover;
}

core::Task<Result<core::DerivedFacts>> MemorySongStore::facts_of(core::SongId id) {
  const auto held = find(id);
  if (!held) co_return std::unexpected(held.error());
  co_return core::DerivedFacts{};
}

}  // namespace kadenza::sim
