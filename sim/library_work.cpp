// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/library_work.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "core/identity.hpp"
#include "core/sha256.hpp"

namespace kadenza::sim {
namespace {

using core::Task;
using namespace std::chrono_literals;

constexpr auto kUploadTime = 60s;
constexpr auto kReadTime = 30s;
/// What an answer may be late by: a coroutine that waits in steps sees its deadline at the next one.
constexpr auto kSlack = 2s;
constexpr std::size_t kReadBytes = 50'000;
constexpr int kListenersPerSong = 2;

core::Duration minutes_between(Random& random, double per_minute) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(random.exponential(60'000 / per_minute)));
}

}  // namespace

class LibraryWork::UnderWay {
 public:
  UnderWay(LibraryWork& work, std::string what, core::Deadline deadline)
      : work_(work), number_(work.errands_++) {
    work_.under_way_[number_] = {std::move(what), deadline};
  }
  UnderWay(const UnderWay&) = delete;
  ~UnderWay() { work_.under_way_.erase(number_); }
  void goes_on_until(core::Deadline deadline) { work_.under_way_[number_].deadline = deadline; }

 private:
  LibraryWork& work_;
  const std::uint64_t number_;
};

LibraryWork::LibraryWork(LibraryWorld& world) : world_(world), random_(world.engine().random().fork()) {}

void LibraryWork::begin(core::Instant until) {
  world_.spawn([this, until] { return upload_now_and_then(until); });
  world_.spawn([this, until] { return play_now_and_then(until); });
}

Task<void> LibraryWork::upload_now_and_then(core::Instant until) {
  while (true) {
    co_await world_.timers().sleep_until(world_.now() + minutes_between(random_, world_.options().uploads));
    if (world_.now() >= until) co_return;
    const auto running = world_.running();
    if (running.empty()) continue;
    auto* process = running[random_.below(running.size())]->running();
    world_.spawn([this, process, audio = some_audio()] { return upload(*process, audio); });
  }
}

Task<void> LibraryWork::play_now_and_then(core::Instant until) {
  while (true) {
    co_await world_.timers().sleep_until(world_.now() + minutes_between(random_, world_.options().plays));
    if (world_.now() >= until) co_return;
    const auto running = world_.running();
    if (running.empty()) continue;
    auto* host = running[random_.below(running.size())];
    const auto rows = host->rows.all();
    if (rows.empty()) continue;
    const auto song =
        std::next(rows.begin(), static_cast<std::ptrdiff_t>(random_.below(rows.size())))->second;
    world_.spawn(
        [this, process = host->running(), song]() -> Task<void> { (void)co_await play(*process, song); });
  }
}

LibraryWork::Bytes LibraryWork::some_audio() {
  const bool known = songs_ > 0 && random_.chance(world_.options().conflicts);
  const auto number = known ? random_.between(0, songs_ - 1) : songs_++;
  const auto title = fmt::format("Song {}", number);
  const auto version = known ? random_.below(3) : 0;
  const auto bytes = static_cast<std::size_t>(40'000 + 97 * (number % 1'200));  // one to three chunks
  auto audio =
      pretended_audio(title, "Somebody", "", static_cast<std::uint64_t>(number) * 8 + version, bytes);
  auto& versions = uploaded_[core::song_id(title, "Somebody", "")];
  if (std::ranges::find(versions, audio) == versions.end()) versions.push_back(audio);
  return audio;
}

Task<void> LibraryWork::upload(MemberProcess& process, Bytes audio) {
  const auto digest = core::sha256(audio);
  const auto deadline = world_.now() + kUploadTime;
  const UnderWay under_way(*this, "an upload", deadline);
  const auto outcome = co_await process.upload(std::move(audio), deadline);
  if (!process.alive()) {
    world_.happened("uploads cut off");
  } else if (!outcome) {
    world_.happened("uploads refused");
  } else if (outcome->song.audio != digest) {
    world_.happened("uploads of known songs");
  } else {
    world_.happened("uploads acknowledged");
    world_.acknowledged(outcome->song);
  }
}

Task<bool> LibraryWork::play(MemberProcess& process, core::Song song) {
  UnderWay under_way(*this, "a stream", world_.now() + kReadTime);
  auto stream = co_await process.open(song.id, {0, song.size}, world_.now() + kReadTime);
  if (!stream) {
    world_.happened("plays refused");
    co_return false;
  }
  Bytes heard;
  Bytes buffer(kReadBytes);
  while (true) {
    const auto deadline = world_.now() + kReadTime;
    under_way.goes_on_until(deadline);
    const auto got = co_await (*stream)->read(buffer, deadline);
    if (!process.alive()) {
      world_.happened("plays cut off");
      co_return false;
    }
    if (got && *got == 0) break;
    if (got) heard.insert(heard.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*got));
    if (!begins_an_upload(song.id, heard)) {
      world_.violation("a listener of song {} got bytes that nobody uploaded", song.id.text());
      co_return false;
    }
    if (!got) {
      world_.happened("plays that broke off");
      co_return false;
    }
  }
  world_.happened("plays to the end");
  co_return heard.size() == song.size;
}

bool LibraryWork::begins_an_upload(const core::SongId& id, const Bytes& heard) const {
  const auto versions = uploaded_.find(id);
  return versions != uploaded_.end() && std::ranges::any_of(versions->second, [&](const Bytes& audio) {
           return heard.size() <= audio.size() && std::equal(heard.begin(), heard.end(), audio.begin());
         });
}

void LibraryWork::begin_to_play_everything() {
  world_.spawn([this] { return play_everything(); });
}

Task<void> LibraryWork::play_everything() {
  const auto hosts = world_.running();
  const auto rows = hosts.front()->rows.all();
  for (const auto& [id, song] : rows) {
    if (world_.intact_copies(song) == 0) continue;
    for (int listener = 0; listener < kListenersPerSong; ++listener) {
      auto* host = hosts[random_.below(hosts.size())];
      const bool whole = co_await play(*host->running(), song);
      if (!whole) world_.violation("song {} cannot be played through {}", id.text(), host->id.text());
    }
  }
  everything_played_ = true;
}

void LibraryWork::check_all_end() {
  for (const auto& [number, errand] : under_way_) {
    if (world_.now() > errand.deadline + kSlack) {
      world_.violation("{} has not ended by its deadline", errand.what);
    }
  }
}

}  // namespace kadenza::sim
