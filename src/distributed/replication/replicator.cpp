// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/replication/replicator.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "core/planted_bugs.hpp"
#include "distributed/messages/song_message.hpp"
#include "distributed/placement/partition.hpp"
#include "distributed/replication/methods.hpp"

namespace kadenza::distributed::replication {
namespace {

namespace asio = boost::asio;
using core::Errc;
using core::Result;
using placement::Candidate;
using services::library::HeldSong;
using services::library::OnConflict;

constexpr auto kClaimTimeout = std::chrono::seconds(2);
/// Between two questions whether another upload of the same song has ended.
constexpr auto kClaimPause = std::chrono::milliseconds(50);
/// Between two attempts to copy a record that won.
constexpr auto kTakePause = std::chrono::seconds(5);
constexpr auto kAnnounceTimeout = std::chrono::seconds(1);

/// How long a holder may be quiet: until it first reads from here, and later. A megabyte is on its way to
/// each of them at once, and a home's line is slow.
struct Patience {
  core::Duration first, later;
};
/// Then the other holders are asked, too, although the uploader does not wait for their copies.
constexpr Patience kHedge{std::chrono::milliseconds(500), std::chrono::milliseconds(2500)};
/// Then a stand-in is asked.
constexpr Patience kTooLong{std::chrono::milliseconds(1500), std::chrono::seconds(10)};

/// When a copy that nobody waits for any more is given up: at 100 kB/s.
core::Duration limit_for(std::uint64_t bytes) {
  return std::chrono::seconds(60) + std::chrono::microseconds(bytes * 10);
}

}  // namespace

/// Copies one song to its holders. Its own strand; lives until the last copy has ended, which may be after
/// the uploader has his answer.
class Replicator::Run : public std::enable_shared_from_this<Run> {
 public:
  struct Placed {
    core::Song song;
    bool added = false;
  };

  Run(std::shared_ptr<Replicator> replicator, std::shared_ptr<const Offer> offer, core::SongRecord record,
      placement::Order order)
      : replicator_(std::move(replicator)),
        parts_(replicator_->parts_),
        offer_(std::make_unique<Offers::Standing>(parts_.offers, std::move(offer))),
        record_(std::move(record)),
        candidates_(this_node_first(placement::for_writing(std::move(order)), parts_.settings.replicas)),
        limit_(parts_.clock.now() + limit_for(record_.song.size)),
        strand_(asio::make_strand(parts_.executor)),
        events_(strand_, 4 * candidates_.size() + 4),
        answer_(strand_, 1) {}

  core::Task<Result<Placed>> until_quorum(core::Deadline deadline) {
    deadline_ = deadline;
    auto drive = [self = shared_from_this()] { return self->drive(); };
    asio::co_spawn(strand_, std::move(drive), asio::detached);
    auto [cancelled, placed] = co_await answer_.async_receive(asio::as_tuple(asio::use_awaitable));
    if (cancelled) co_return core::fail(Errc::kCancelled, "the upload was cancelled");
    co_return std::move(placed);
  }

 private:
  struct Ended {
    std::size_t candidate;
    Result<HeldSong> result;
  };
  struct Quiet {
    std::size_t candidate;
    bool too_long;  ///< for kTooLong, not only kHedge
  };
  struct OutOfTime {};
  using Event = std::variant<OutOfTime, Quiet, Ended>;

  /// Of this node's own copy nothing has to be sent.
  static std::vector<Candidate> this_node_first(std::vector<Candidate> order, std::size_t holders) {
    const auto last = order.begin() + static_cast<std::ptrdiff_t>(std::min(holders, order.size()));
    std::stable_partition(order.begin(), last, [](const Candidate& candidate) { return candidate.self; });
    return order;
  }

  /// First as many copies as the uploader waits for: each further one would take from their bandwidth.
  core::Task<void> drive() {
    want(replicator_->quorum());
    spawn(reminders_, [self = shared_from_this()] { return self->end_in_time(); });
    answer_when_decided();
    while (running_ > 0 && copies_ < parts_.settings.replicas) {
      Event event = co_await events_.async_receive(asio::use_awaitable);
      if (on_event(event)) break;
      answer_when_decided();
    }
    answer(unavailable());
    stop(reminders_);
    // Otherwise they would store what was refused.
    if (copies_ < replicator_->quorum()) stop(copying_);
  }

  /// True when nothing more is to be waited for.
  bool on_event(Event& event) {
    if (std::holds_alternative<OutOfTime>(event)) return !answered_;
    if (auto* end = std::get_if<Ended>(&event)) return on_end(*end);
    const auto& quiet = std::get<Quiet>(event);
    if (ended_[quiet.candidate]) return false;
    if (quiet.too_long) late_.insert(quiet.candidate);
    want(parts_.settings.replicas);
    return false;
  }

  /// True when the song turned out to be another one's.
  bool on_end(Ended& event) {
    --running_;
    ended_[event.candidate] = true;
    late_.erase(event.candidate);
    auto& result = event.result;
    if (!result) {
      last_error_ = std::move(result).error();
      spdlog::debug("node {} does not take song {}: {}", candidates_[event.candidate].contact.id.text(),
                    record_.song.id.text(), last_error_.detail);
      want(wanted_);
      return false;
    }
    if (result->song.audio == record_.song.audio) {
      ++copies_;
      added_ |= result->added;
      start_own_when_it_counts();
      return false;
    }
    if (services::library::wins_over(record_.song, result->song)) {
      want(wanted_);  // that node will learn of it by the catalogue
      return false;
    }
    answer(Placed{std::move(result->song), false});
    return true;
  }

  /// Asks so many nodes that these copies come, as far as there are candidates: without those that are late.
  void want(std::size_t copies) {
    wanted_ = std::max(wanted_, copies);
    while (copies_ + running_ + (own_ ? 1 : 0) < wanted_ + late_.size() && next_ < candidates_.size()) {
      start_next();
    }
  }

  void start_next() {
    const auto index = next_++;
    ended_.resize(next_);
    if (candidates_[index].self) {
      own_ = index;
      start_own_when_it_counts();
    } else {
      start(index);
    }
  }

  /// This node's copy is never the first of several: when the others are gone, nothing shall be left here of
  /// an upload that was refused.
  void start_own_when_it_counts() {
    if (own_ && copies_ + 1 >= replicator_->quorum()) start(*std::exchange(own_, std::nullopt));
  }

  void start(std::size_t index) {
    ++running_;
    auto copy = [self = shared_from_this(), index]() -> core::Task<void> {
      auto result = co_await self->copy_to(self->candidates_[index]);
      self->events_.try_send(boost::system::error_code(), Ended{index, std::move(result)});
    };
    spawn(copying_, std::move(copy));
    spawn(reminders_, [self = shared_from_this(), index] { return self->watch(index); });
  }

  /// Tells when the candidate has been quiet for a while, and when for too long.
  core::Task<void> watch(std::size_t index) {
    const auto& readers = *offer_->offer()->readers;
    const auto begun = parts_.clock.now();
    for (const bool too_long : {false, true}) {
      const auto& patience = too_long ? kTooLong : kHedge;
      while (true) {
        const auto read = readers.last(candidates_[index].contact.id);
        const auto quiet_at = read ? *read + patience.later : begun + patience.first;
        if (parts_.clock.now() >= quiet_at) break;
        co_await parts_.timers.sleep_until(quiet_at);
      }
      events_.try_send(boost::system::error_code(), Quiet{index, too_long});
    }
  }

  core::Task<void> end_in_time() {
    if (deadline_ == core::Deadline::max()) co_return;
    co_await parts_.timers.sleep_until(deadline_);
    events_.try_send(boost::system::error_code(), OutOfTime{});
  }

  using Signals = std::deque<asio::cancellation_signal>;

  template <class Body>
  void spawn(Signals& signals, Body body) {
    auto& signal = signals.emplace_back();
    asio::co_spawn(strand_, std::move(body), asio::bind_cancellation_slot(signal.slot(), asio::detached));
  }

  static void stop(Signals& signals) {
    for (auto& signal : signals) signal.emit(asio::cancellation_type::terminal);
  }

  core::Task<Result<HeldSong>> copy_to(Candidate candidate) {
    const auto& offer = *offer_->offer();
    if (candidate.self) {
      KADENZA_CO_TRY_VOID(parts_.holder.check_time(record_.song.first_stored));
      offer.readers->note(candidate.contact.id, parts_.clock.now());
      co_return co_await offer.bytes->commit(record_, offer.cover, OnConflict::kKeep, limit_);
    }
    v1::StoreRequest request;
    messages::to_message(record_, *request.mutable_record());
    std::array<std::uint8_t, kademlia::Contact::kWireBytes> self{};
    parts_.directory.self().encode(self);
    request.add_sources(self.data(), self.size());
    auto reply = co_await peers::call(parts_.peers, candidate.contact, std::move(request), limit_);
    if (!reply) co_return std::unexpected(std::move(reply).error());
    KADENZA_CO_TRY(auto held, messages::song_from(reply->held()));
    co_return HeldSong{std::move(held), reply->added()};
  }

  void answer_when_decided() {
    if (copies_ >= replicator_->quorum()) {
      answer(Placed{record_.song, added_});
      want(parts_.settings.replicas);
    } else if (copies_ + running_ + (own_ ? 1 : 0) < replicator_->quorum() && next_ == candidates_.size()) {
      answer(unavailable());
    }
  }

  std::unexpected<core::Error> unavailable() const {
    auto detail = fmt::format("an upload must be stored by {} nodes, and {} could store it now",
                              replicator_->quorum(), copies_);
    if (!last_error_.detail.empty()) detail += fmt::format(" (another one: {})", last_error_.detail);
    if (copies_ == 0) detail += "; nothing was added";
    return core::fail(Errc::kUnavailable, detail + "; try again when more nodes are up");
  }

  void answer(Result<Placed> result) {
    if (!std::exchange(answered_, true)) answer_.try_send(boost::system::error_code(), std::move(result));
  }

  const std::shared_ptr<Replicator> replicator_;
  const Parts& parts_;
  const std::unique_ptr<Offers::Standing> offer_;
  const core::SongRecord record_;
  const std::vector<Candidate> candidates_;
  const core::Deadline limit_;
  asio::strand<asio::any_io_executor> strand_;
  asio::experimental::channel<asio::strand<asio::any_io_executor>, void(boost::system::error_code, Event)>
      events_;
  asio::experimental::concurrent_channel<asio::strand<asio::any_io_executor>,
                                         void(boost::system::error_code, Result<Placed>)>
      answer_;

  core::Deadline deadline_ = core::Deadline::max();
  Signals copying_, reminders_;
  std::size_t next_ = 0;
  std::optional<std::size_t> own_;  ///< this node as a candidate whose turn has come, until it counts
  std::size_t wanted_ = 0;          ///< copies
  std::size_t running_ = 0;
  std::size_t copies_ = 0;
  std::vector<bool> ended_;
  std::set<std::size_t> late_;  ///< of those that run
  bool added_ = false;
  bool answered_ = false;
  core::Error last_error_;
};

std::size_t Replicator::quorum() const {
  const auto quorum = parts_.settings.write_quorum_of(parts_.enrolled());
  return core::planted(core::PlantedBug::kQuorumTooSmall) && quorum > 1 ? quorum - 1 : quorum;
}

std::size_t Replicator::live_nodes() const {
  const auto members = parts_.directory.members();
  const auto others = std::ranges::count_if(
      members, [](const Candidate& c) { return !c.silent && !c.leaving && c.contact.capacity_class != 0; });
  const bool self = parts_.directory.self().capacity_class != 0 && !parts_.directory.is_leaving();
  return static_cast<std::size_t>(others) + (self ? 1 : 0);
}

core::Task<Result<void>> Replicator::check_quorum(core::Deadline deadline) {
  if (live_nodes() >= quorum()) co_return Result<void>();
  co_await parts_.directory.renew(placement::Partition{}, deadline);  // somebody may have come meanwhile
  const auto live = live_nodes();
  if (live >= quorum()) co_return Result<void>();
  co_return core::fail(
      Errc::kUnavailable,
      fmt::format("an upload must be stored by {} nodes, and {} can be reached now; try again "
                  "when more nodes are up",
                  quorum(), live));
}

core::Task<Result<core::UploadOutcome>> Replicator::place(std::shared_ptr<const Offer> offer,
                                                          core::Deadline deadline) {
  auto record = offer->record;
  const auto partition = placement::partition_of(record.song.id, parts_.settings.partition_bits);
  const auto order = co_await parts_.directory.order(partition, deadline);
  auto claimed = co_await claim(order, record.song, deadline);
  if (!claimed) co_return std::unexpected(std::move(claimed).error());
  if (auto* held = std::get_if<core::Song>(&*claimed)) {
    if (held->audio != record.song.audio) {
      co_return core::UploadOutcome{std::move(*held), false, false, true};
    }
    record.song = std::move(*held);  // what is there is completed to its number of copies
  } else {
    record.song.first_stored = std::get<core::WallTime>(*claimed);
  }

  const auto audio = record.song.audio;
  const auto run = std::make_shared<Run>(shared_from_this(), std::move(offer), std::move(record), order);
  auto placed = co_await run->until_quorum(deadline);
  if (!placed) co_return std::unexpected(std::move(placed).error());
  core::UploadOutcome outcome{std::move(placed->song), placed->added, placed->song.audio == audio, true};
  outcome.same_audio = outcome.song.audio == audio;
  if (outcome.same_audio) outcome.searchable = co_await announced(outcome.song);
  co_return outcome;
}

void Replicator::take_winner(core::Song winner) {
  auto take = [self = shared_from_this(), winner = std::move(winner)]() -> core::Task<void> {
    while (!co_await self->try_to_take(winner)) {
      co_await self->parts_.timers.sleep_until(self->parts_.clock.now() + kTakePause);
    }
  };
  asio::co_spawn(asio::make_strand(parts_.executor), std::move(take), asio::detached);
}

core::Task<bool> Replicator::try_to_take(core::Song winner) {
  const auto held = co_await parts_.songs.record(winner.id);
  if (!held || !services::library::wins_over(winner, (*held)->song)) co_return true;
  const auto deadline = parts_.clock.now() + limit_for(winner.size);
  const auto partition = placement::partition_of(winner.id, parts_.settings.partition_bits);
  for (const auto& candidate : co_await parts_.directory.order(partition, deadline)) {
    if (candidate.self || candidate.silent) continue;
    const auto by = std::min<core::Deadline>(deadline, parts_.clock.now() + kClaimTimeout);
    auto found = co_await parts_.replicas.read(candidate.contact, winner.id, {0, 1}, true, by);
    if (!found || !found->record || found->record->song.audio != winner.audio) continue;
    auto record = *found->record;
    record.song = winner;  // the other one may have these bytes as of a later time
    std::vector<kademlia::Contact> sources{candidate.contact};
    const auto stored =
        co_await parts_.holder.store(std::move(record), std::move(sources), OnConflict::kMerge, deadline);
    if (stored) co_return true;
    spdlog::debug("the record of song {} that won cannot be copied yet: {}", winner.id.text(),
                  stored.error().detail);
  }
  co_return false;
}

core::Task<bool> Replicator::announced(core::Song song) {
  co_return co_await parts_.announce(std::move(song), parts_.clock.now() + kAnnounceTimeout);
}

core::Task<Result<ClaimOutcome>> Replicator::claim(const placement::Order& order, core::Song song,
                                                   core::Deadline deadline) {
  core::Error last{Errc::kUnavailable, "no node of this network stores songs"};
  for (const auto& candidate : placement::for_writing(order)) {
    auto outcome = co_await claim_at(candidate, song, deadline);
    while (outcome && std::holds_alternative<core::Digest>(*outcome)) {
      if (parts_.clock.now() + kClaimPause >= deadline) {
        co_return core::fail(Errc::kConflict, "another upload of this song is under way; try again soon");
      }
      co_await parts_.timers.sleep_until(parts_.clock.now() + kClaimPause);
      outcome = co_await claim_at(candidate, song, deadline);
    }
    if (outcome) co_return outcome;
    last = std::move(outcome).error();
  }
  co_return core::fail(Errc::kUnavailable,
                       fmt::format("no node that shall hold this song answers ({})", last.detail));
}

core::Task<Result<ClaimOutcome>> Replicator::claim_at(Candidate candidate, core::Song song,
                                                      core::Deadline deadline) {
  if (candidate.self) co_return co_await parts_.holder.claim(song.id, song.audio);
  v1::ClaimRequest request;
  request.set_song(messages::bytes_of(song.id));
  request.set_audio(messages::bytes_of(song.audio));
  const auto by = std::min<core::Deadline>(deadline, parts_.clock.now() + kClaimTimeout);
  auto reply = co_await peers::call(parts_.peers, candidate.contact, std::move(request), by);
  if (!reply) co_return std::unexpected(std::move(reply).error());
  switch (reply->outcome_case()) {
    case v1::ClaimReply::kFirstStoredMs: {
      const core::WallTime time(
          std::chrono::milliseconds(static_cast<std::int64_t>(reply->first_stored_ms())));
      KADENZA_CO_TRY_VOID(parts_.holder.check_time(time));  // the next of the order has a better clock
      co_return ClaimOutcome(time);
    }
    case v1::ClaimReply::kHeld: {
      KADENZA_CO_TRY(auto held, messages::song_from(reply->held()));
      co_return ClaimOutcome(std::move(held));
    }
    case v1::ClaimReply::kClaimedBy: {
      KADENZA_CO_TRY(const auto audio, messages::id_from<core::Digest>(reply->claimed_by()));
      co_return ClaimOutcome(audio);
    }
    case v1::ClaimReply::OUTCOME_NOT_SET:
      break;
  }
  co_return core::fail(Errc::kUnavailable, "the other node answered a claim with nothing");
}

}  // namespace kadenza::distributed::replication
