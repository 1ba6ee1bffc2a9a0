// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/hand_over.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <tuple>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include "core/planted_bugs.hpp"
#include "distributed/messages/song_message.hpp"
#include "distributed/placement/partition.hpp"
#include "distributed/repair/duties.hpp"
#include "distributed/repair/methods.hpp"
#include "distributed/repair/repair_messages.hpp"

namespace kadenza::distributed::repair {
namespace {

constexpr auto kCallTime = std::chrono::seconds(5);
constexpr auto kOrderTime = std::chrono::seconds(5);
/// Others get the thread after so many songs.
constexpr std::size_t kSongsAtOnce = 200;

}  // namespace

core::Task<placement::Order> HandOver::order_of(const core::SongId& id) {
  return parts_.directory.order(placement::partition_of(id, parts_.settings.partition_bits),
                                parts_.clock.now() + kOrderTime);
}

std::size_t HandOver::promises_for(const core::SongId& id) const {
  const auto found = answers_.find(id);
  if (found == answers_.end()) return 0;
  const auto until = parts_.clock.now() + margin();
  return static_cast<std::size_t>(std::ranges::count_if(
      found->second.promised_until, [until](const auto& promise) { return promise.second > until; }));
}

bool HandOver::is_safe(const core::SongId& id) const {
  const auto wanted = core::planted(core::PlantedBug::kDropsBeforePromises) ? 1 : parts_.settings.replicas;
  return promises_for(id) >= wanted;
}

bool HandOver::is_homeless(const core::SongId& id) const {
  const auto found = answers_.find(id);
  return found != answers_.end() && found->second.homeless;
}

core::Task<bool> HandOver::offer(const std::vector<Offer>& offers) {
  forget_others(offers);
  bool worth_asking_again = false;
  const auto all = co_await batches(offers);
  for (const auto& batch : all) {
    const bool moves = co_await ask(batch);
    worth_asking_again |= moves;
  }
  co_return worth_asking_again;
}

void HandOver::forget_others(const std::vector<Offer>& offers) {
  std::set<core::SongId> offered;
  for (const auto& offer : offers) offered.insert(offer.song.version.id);
  std::erase_if(answers_, [&](const auto& named) { return !offered.contains(named.first); });
  for (const auto& offer : offers) {
    auto& answers = answers_[offer.song.version.id];
    if (answers.version != offer.song.version) answers = {.version = offer.song.version};
  }
}

std::vector<core::NodeId> HandOver::without_room(const Offer& offer) const {
  const auto now = parts_.clock.now();
  std::vector<core::NodeId> nodes;
  for (const auto& [node, until] : answers_.at(offer.song.version.id).no_room_until) {
    if (until > now) nodes.push_back(node);
  }
  if (offer.no_room_here) nodes.push_back(parts_.directory.self().id);
  return nodes;
}

/// The holders that have not promised yet, or long ago; behind them, as many of the next ones as have no
/// room.
std::vector<HandOver::Recipient> HandOver::recipients(const Offer& offer, const placement::Order& order) {
  auto& answers = answers_.at(offer.song.version.id);
  const auto now = parts_.clock.now();
  const auto without = without_room(offer);
  const auto duty = duty_of(order, parts_.settings, without);
  const auto others = duty.keepers.size() - (duty.keeps(parts_.directory.self().id) ? 1 : 0);
  answers.homeless = others < parts_.settings.replicas;
  std::vector<Recipient> found;
  for (const auto& candidate : order) {
    const auto& id = candidate.contact.id;
    const auto promise = answers.promised_until.find(id);
    const bool promised = promise != answers.promised_until.end() && promise->second > now + renewal_time();
    // A holder without room may be the one that all others compare with: then nothing is known of them.
    const bool has = without.empty() && std::ranges::find(offer.have, id) != offer.have.end();
    if (candidate.self || candidate.silent || promised || has || !duty.keeps(id)) continue;
    found.push_back({candidate.contact, without});
  }
  return found;
}

/// What each node is asked at once.
core::Task<std::vector<HandOver::Batch>> HandOver::batches(const std::vector<Offer>& offers) {
  const auto executor = co_await boost::asio::this_coro::executor;
  std::map<std::tuple<core::NodeId, std::vector<core::NodeId>>, Batch> open;
  std::vector<Batch> full;
  for (std::size_t i = 0; i < offers.size(); ++i) {
    const auto order = co_await order_of(offers[i].song.version.id);
    for (auto& recipient : recipients(offers[i], order)) {
      auto& batch = open[{recipient.contact.id, recipient.instead_of}];
      if (batch.songs.size() == kSongsPerLeaf) full.push_back(std::exchange(batch, {}));
      batch.to = std::move(recipient);
      batch.songs.push_back(offers[i].song);
    }
    if (i % kSongsAtOnce == kSongsAtOnce - 1) {
      co_await boost::asio::post(executor, boost::asio::use_awaitable);
    }
  }
  for (auto& [key, batch] : open) full.push_back(std::move(batch));
  co_return full;
}

core::Task<bool> HandOver::ask(const Batch& batch) {
  v1::KeepRequest request;
  request.set_songs(pack(batch.songs));
  for (const auto& node : batch.to.instead_of) request.add_instead_of(messages::bytes_of(node));
  request.set_leaving(parts_.directory.is_leaving());
  const auto asked = parts_.clock.now();
  auto reply = co_await peers::call(parts_.peers, batch.to.contact, std::move(request), asked + kCallTime);
  if (!reply || reply->songs_size() != static_cast<int>(batch.songs.size())) {
    spdlog::debug("node {} takes no songs over: {}", batch.to.contact.id.text(),
                  reply ? "it answered what was not asked" : reply.error().detail);
    co_return false;
  }
  bool moves = false;
  for (int i = 0; i < reply->songs_size(); ++i) {
    moves |= note(batch.songs[static_cast<std::size_t>(i)], batch.to.contact.id, reply->songs(i),
                  asked + std::chrono::milliseconds(reply->promise_ms()));
  }
  co_return moves;
}

/// True when it is worth asking again soon.
bool HandOver::note(const HeldCopy& song, const core::NodeId& node, v1::Keeping answer,
                    core::Instant promised_until) {
  const auto found = answers_.find(song.version.id);
  if (found == answers_.end()) return false;
  auto& answers = found->second;
  if (answer == v1::PROMISED) answers.promised_until[node] = promised_until;
  if (answer == v1::NO_ROOM) answers.no_room_until[node] = parts_.clock.now() + no_room_time();
  return answer == v1::COMING || answer == v1::NO_ROOM || answer == v1::PROMISED;
}

core::Task<void> HandOver::let_go(const std::vector<Offer>& offers) {
  for (const auto& offer : offers) {
    if (is_safe(offer.song.version.id)) co_await drop(offer);
  }
}

core::Task<void> HandOver::drop(Offer offer) {
  const auto& id = offer.song.version.id;
  const auto record = co_await parts_.songs.record(id);
  if (!record || held_song((*record)->song).version != offer.song.version) co_return;
  const auto order = co_await order_of(id);
  // All that the removal rests on is looked at now, with nothing awaited until it is begun.
  const bool holder = duty_of(order, parts_.settings, without_room(offer)).keeps(parts_.directory.self().id);
  if (holder || !is_safe(id) || !parts_.promises.let_go(id)) co_return;
  parts_.held.erase(offer.song.version);  // before: what is stored again meanwhile is noted after it
  const auto removed = co_await parts_.songs.remove(id, (*record)->song.audio);
  if (removed) {
    parts_.book.write([](auto& state) { ++state.handed_over; });
    spdlog::debug("song {} is with its holders; the copy here is dropped", id.text());
  } else if (removed.error().code != core::Errc::kNotFound) {
    parts_.held.put_if_absent((*record)->song);
    spdlog::warn("the copy of song {} cannot be dropped: {}", id.text(), removed.error().detail);
  }
  parts_.promises.settled(id);
}

core::Task<void> HandOver::announce_leaving() {
  for (const auto& other : parts_.directory.members()) {
    if (other.silent || other.contact.capacity_class == 0) continue;
    v1::KeepRequest request;
    request.set_leaving(true);
    (void)co_await peers::call(parts_.peers, other.contact, std::move(request),
                               parts_.clock.now() + kCallTime);  // whoever is missed is told again
  }
}

}  // namespace kadenza::distributed::repair
