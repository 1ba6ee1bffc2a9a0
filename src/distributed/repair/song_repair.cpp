// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/song_repair.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/strand.hpp>
#include <spdlog/spdlog.h>

#include "core/planted_bugs.hpp"
#include "distributed/repair/lanes.hpp"
#include "distributed/repair/methods.hpp"

namespace kadenza::distributed::repair {

using core::Result;

namespace {

namespace asio = boost::asio;

constexpr std::size_t kSongsPerPage = 1000;
/// Copied from one node before the others are compared with, so that what is known stays fresh.
constexpr std::size_t kSongsPerRound = 500;
constexpr auto kOrderTime = std::chrono::seconds(5);
/// Until a song that could not be copied is tried again.
constexpr auto kPostponed = std::chrono::seconds(30);
constexpr std::size_t kPostponedMax = 10'000;

std::function<core::Duration()> served_by(const replication::Holder& holder) {
  return [&holder] { return holder.served(); };
}

}  // namespace

SongRepair::SongRepair(Parts parts)
    : parts_(std::move(parts)),
      held_(parts_.settings.partition_bits),
      duties_(parts_.directory, parts_.settings),
      copying_(parts_.clock, parts_.timers, parts_.options.bytes_per_second, served_by(parts_.holder)),
      reading_(parts_.clock, parts_.timers, parts_.options.bytes_per_second, served_by(parts_.holder)),
      scrubbing_(parts_.clock, parts_.timers, parts_.options.scrubbed_per_second, served_by(parts_.holder)),
      paced_(parts_.peers, copying_, parts_.clock),
      records_(parts_.peers, true),
      replicas_(paced_, true),
      fetcher_({parts_.holder, parts_.songs, parts_.directory, records_, replicas_, parts_.clock,
                parts_.settings, parts_.options.bytes_per_second}),
      mender_(fetcher_, book_, parts_.clock, parts_.timers),
      scrubber_({parts_.songs, held_, scrubbing_, book_, parts_.clock, parts_.timers, parts_.random,
                 parts_.options.scrub_every}),
      promises_(parts_.clock, parts_.options.schedule.promise),
      custody_({parts_.directory, held_, promises_, parts_.songs, reading_, parts_.clock, parts_.timers,
                parts_.settings,
                [this](kademlia::Contact source, HeldCopy song) -> core::Task<void> {
                  (void)co_await copy(source, song);
                }}),
      hand_over_({parts_.directory, parts_.peers, parts_.songs, held_, promises_, book_, parts_.clock,
                  parts_.settings}),
      occasions_({parts_.directory, parts_.clock, parts_.timers, parts_.random, parts_.options.schedule}),
      background_(asio::make_strand(parts_.executor)) {}

void SongRepair::add_methods(peers::Handlers& handlers) {
  handlers.add<v1::CompareRequest>(
      [this](peers::Caller caller, v1::CompareRequest request) -> core::Task<Result<v1::CompareReply>> {
        parts_.directory.note_leaving(caller.id, false);
        co_return answer_comparison(request, held_, *duties_.shared_with(caller.id));
      });
  handlers.add<v1::KeepRequest>([this](peers::Caller caller, v1::KeepRequest request) {
    return custody_.serve(caller, std::move(request));
  });
}

void SongRepair::start() {
  parts_.songs.watch({.stored =
                          [this](const core::Song& song) {
                            held_.put(song);
                            promises_.verified(held_song(song).version);
                            occasions_.note_write();
                          },
                      .rotten =
                          [this](core::SongId id) {
                            promises_.doubted(id);
                            mender_.note(id);
                          }});
  background_.spawn([this] { return run(); });
  background_.spawn([this] { return mender_.run(); });
  background_.spawn([this] { return custody_.run(); });
}

core::Task<void> SongRepair::stop() {
  parts_.songs.watch({});
  co_await background_.stop();
}

core::RepairState SongRepair::state() const {
  auto state = book_.read();
  state.songs = held_.total().songs.count;
  const std::chrono::duration<double> left(static_cast<double>(state.bytes_to_move) /
                                           static_cast<double>(copying_.bytes_per_second()));
  if (state.bytes_to_move > 0) state.time_left = std::chrono::duration_cast<core::Duration>(left);
  return state;
}

void SongRepair::leave() {
  parts_.directory.set_leaving(true);
  book_.write([](auto& state) {
    if (!state.departure) state.departure.emplace();
  });
}

void SongRepair::stay() {
  parts_.directory.set_leaving(false);
  book_.write([](auto& state) { state.departure.reset(); });
}

core::Task<void> SongRepair::load() {
  std::optional<core::SongId> after;
  while (true) {
    const auto page = co_await parts_.songs.held(after, kSongsPerPage);
    if (!page) {
      spdlog::error("the songs held here cannot be listed for repair: {}", page.error().detail);
      co_await parts_.timers.sleep_until(parts_.clock.now() + kPostponed);
      continue;
    }
    for (const auto& song : *page) held_.put_if_absent(song);
    if (page->size() < kSongsPerPage) co_return;
    after = page->back().id;
  }
}

core::Task<void> SongRepair::run() {
  co_await load();
  background_.spawn([this] { return scrubber_.run(); });
  while (true) {
    auto round = co_await compare_with(occasions_.begin());
    const bool moves = co_await hand_over(round);
    const bool at_once = round.more;
    note(std::move(round));
    if (at_once) {
      occasions_.go_on();
    } else {
      co_await occasions_.wait(moves);
    }
  }
}

core::Task<SongRepair::Round> SongRepair::compare_with(std::vector<kademlia::Contact> others) {
  co_await duties_.renew(held_.partitions(), parts_.clock.now() + kOrderTime);
  Round round;
  if (parts_.directory.is_leaving()) co_return round;
  for (const auto& other : others) co_await compare_with(other, round);
  co_return round;
}

core::Task<void> SongRepair::compare_with(kademlia::Contact other, Round& round) {
  const auto shared = duties_.shared_with(other.id);
  TreeComparison comparison(
      {.ask = [this](kademlia::Contact to, v1::CompareRequest request,
                     core::Deadline by) { return peers::call(parts_.peers, to, std::move(request), by); },
       .held = held_,
       .shared = *shared,
       .clock = parts_.clock,
       .limit = kSongsPerRound,
       .postponed = [this](const core::SongId& id) { return is_postponed(id); }});
  auto found = co_await comparison.with(other);
  if (!found) {
    spdlog::debug("cannot compare songs with node {}: {}", other.id.text(), found.error().detail);
    co_return;
  }
  for (const auto& id : found->lacking) round.lacking[id].insert(other.id);
  round.bytes += found->bytes;
  auto wanted = co_await own(std::move(found->missing));
  book_.write([&](auto& state) { state.bytes_to_move = std::max(state.bytes_to_move, round.bytes); });
  co_await fetch_all(other, wanted, round);
}

/// Those that this node shall hold, as it sees it itself: the other one may know less of the members.
core::Task<SongRepair::Wanted> SongRepair::own(std::vector<HeldCopy> missing) {
  Wanted wanted;
  std::map<placement::Partition, bool> mine;
  for (const auto& song : missing) {
    const auto partition = placement::partition_of(song.version.id, parts_.settings.partition_bits);
    const auto [known, is_new] = mine.try_emplace(partition, false);
    if (is_new) {
      const auto order = co_await parts_.directory.order(partition, parts_.clock.now() + kOrderTime);
      known->second = duty_of(order, parts_.settings).keeps(parts_.directory.self().id);
    }
    if (known->second) wanted.push_back(song);
  }
  co_return wanted;
}

core::Task<void> SongRepair::fetch_all(kademlia::Contact source, Wanted& wanted, Round& round) {
  const std::function<core::Task<bool>()> step = [this, source, &wanted, &round]() -> core::Task<bool> {
    if (wanted.empty()) co_return false;
    const auto song = wanted.front();
    wanted.pop_front();
    co_await fetch_one(source, song, round);
    co_return true;
  };
  co_await in_lanes(step);  // a small song's time is mostly the disk's
}

core::Task<void> SongRepair::fetch_one(kademlia::Contact source, HeldCopy wanted, Round& round) {
  const auto copied = co_await copy(source, wanted);
  if (copied == 0) co_return;
  round.more = true;
  round.bytes -= std::min(round.bytes, wanted.bytes);
}

/// How many bytes were copied.
core::Task<std::uint64_t> SongRepair::copy(kademlia::Contact source, HeldCopy wanted) {
  if (core::planted(core::PlantedBug::kNoRepair)) co_return 0;
  const auto copied = co_await fetcher_.fetch(wanted, source);
  if (!copied || *copied == 0) {
    if (postponed_.size() >= kPostponedMax) postponed_.clear();
    postponed_[wanted.version.id] = parts_.clock.now() + kPostponed;
  }
  if (!copied) {
    spdlog::debug("song {} cannot be copied yet: {}", wanted.version.id.text(), copied.error().detail);
    if (copied.error().code == core::Errc::kNoSpace) custody_.note_no_room();
    book_.write([](auto& state) { ++state.copies_failed; });
    co_return 0;
  }
  if (*copied == 0) co_return 0;
  book_.write([&](auto& state) {
    ++state.songs_copied;
    state.bytes_copied += *copied;
    state.bytes_to_move -= std::min(state.bytes_to_move, wanted.bytes);
  });
  co_return *copied;
}

/// True when it goes on soon.
core::Task<bool> SongRepair::hand_over(const Round& round) {
  const bool leaving = parts_.directory.is_leaving();
  if (leaving) co_await hand_over_.announce_leaving();
  const auto here_too_many = surplus();
  auto offers = lacking(round);
  offers.insert(offers.end(), here_too_many.begin(), here_too_many.end());
  std::ranges::sort(offers, {}, [](const Offer& offer) { return offer.song.version.id; });
  const bool moves = co_await hand_over_.offer(offers);
  if (!leaving) co_await hand_over_.let_go(here_too_many);
  note_handed_over(here_too_many);
  co_return moves;
}

/// Held here, though this node is no holder, or has less room than it holds.
std::vector<Offer> SongRepair::surplus() const {
  if (core::planted(core::PlantedBug::kStandInForgotten)) return {};
  const auto used = parts_.songs.used_bytes();
  const auto capacity = parts_.songs.capacity_bytes();
  auto too_many = used - std::min(used, capacity);
  std::vector<Offer> found;
  for (const auto& [key, duty] : *duties_.current()) {
    const bool holder = duty.keeps(parts_.directory.self().id);
    if (holder && too_many == 0) continue;
    for (const auto& song : held_.songs(placement::Partition{key})) {
      if (holder && too_many == 0) break;
      found.push_back({song, {}, holder});
      too_many -= std::min(too_many, song.bytes);
    }
  }
  return found;
}

/// What holders lack, as comparing showed: one of them may have no room.
std::vector<Offer> SongRepair::lacking(const Round& round) const {
  const auto duties = duties_.current();
  std::vector<Offer> found;
  for (const auto& [id, nodes] : round.lacking) {
    const auto duty = duties->find(placement::partition_of(id, parts_.settings.partition_bits).key);
    const auto song = held_.find(id);
    if (!song || duty == duties->end() || !duty->second.keeps(parts_.directory.self().id)) continue;
    Offer offer{*song, duty->second.keepers, false};
    std::erase_if(offer.have, [&nodes](const auto& node) { return nodes.contains(node); });
    found.push_back(std::move(offer));
  }
  return found;
}

void SongRepair::note_handed_over(const std::vector<Offer>& surplus) {
  core::Departure departure;
  for (const auto& offer : surplus) {
    const auto& song = offer.song;
    ++departure.songs;
    departure.bytes += song.bytes;
    if (hand_over_.is_safe(song.version.id)) {
      ++departure.safe_songs;
      departure.safe_bytes += song.bytes;
    } else if (hand_over_.is_homeless(song.version.id)) {
      ++departure.homeless_songs;
    }
  }
  // What was stored meanwhile is looked at in the next round.
  departure.done = departure.songs == held_.total().songs.count && departure.safe_songs == departure.songs &&
                   parts_.holder.stores_under_way() == 0;
  book_.write([&](auto& state) {
    state.surplus = departure.songs;
    if (state.departure) state.departure = departure;
  });
}

void SongRepair::note(Round round) {
  const auto duties = duties_.current();
  const auto& self = parts_.directory.self().id;
  std::uint64_t under_replicated = 0;
  for (const auto& [key, duty] : *duties) {
    if (duty.driver != self) continue;
    const bool all = duty.keepers.size() - duty.silent < parts_.settings.replicas;
    for (const auto& song : held_.songs(placement::Partition{key})) {
      const bool lacking = round.lacking.contains(song.version.id) &&
                           hand_over_.promises_for(song.version.id) + 1 < parts_.settings.replicas;
      if (all || lacking) ++under_replicated;
    }
  }
  book_.write([&](auto& state) {
    state.under_replicated = under_replicated;
    state.bytes_to_move = round.bytes;
  });
}

bool SongRepair::is_postponed(const core::SongId& id) {
  const auto found = postponed_.find(id);
  if (found == postponed_.end()) return false;
  if (found->second > parts_.clock.now()) return true;
  postponed_.erase(found);
  return false;
}

}  // namespace kadenza::distributed::repair
