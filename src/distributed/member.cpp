// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/member.hpp"

#include <chrono>
#include <utility>
#include <vector>

#include <boost/asio/strand.hpp>

#include "distributed/replication/lost_winners.hpp"

namespace kadenza::distributed {
namespace {

using core::Task;

/// How often the members are looked for while nobody asks: so soon a new one is used and a dead one passed
/// by.
constexpr auto kAcquaintance = std::chrono::seconds(1);
constexpr auto kLookupTimeout = std::chrono::seconds(2);

placement::Directory::Options places(const Member::Parts& parts) {
  placement::Directory::Options options;
  options.self = parts.self;
  options.candidates = parts.settings.candidates;
  options.grace = parts.grace;
  options.is_member = parts.is_member;
  return options;
}

}  // namespace

Member::Member(Parts parts)
    : parts_(std::move(parts)),
      directory_(placement::Directory::create(places(parts_), parts_.executor, parts_.clock, parts_.routing)),
      peers_(parts_.peers, *directory_),
      replicas_(peers_),
      demand_(parts_.clock, parts_.settings),
      holder_({parts_.songs, offers_, replicas_, parts_.clock, parts_.timers, parts_.blocking, parts_.cache,
               directory_.get(), &demand_}),
      catalogue_(catalogue::SharedCatalogue::create(
          {.executor = parts_.executor,
           .rows = parts_.rows,
           .peers = peers_,
           .directory = *directory_,
           .clock = parts_.clock,
           .timers = parts_.timers,
           .random = parts_.random,
           .settings = parts_.settings,
           .on_superseded = [this](const core::Song&,
                                   const core::Song& winner) { replicator_->take_winner(winner); },
           .options = {}})),
      replicator_(std::make_shared<replication::Replicator>(
          replication::Replicator::Parts{.directory = *directory_,
                                         .peers = peers_,
                                         .replicas = replicas_,
                                         .holder = holder_,
                                         .songs = parts_.songs,
                                         .offers = offers_,
                                         .clock = parts_.clock,
                                         .timers = parts_.timers,
                                         .executor = parts_.executor,
                                         .settings = parts_.settings,
                                         .enrolled = parts_.enrolled,
                                         .announce =
                                             [this](core::Song song, core::Deadline deadline) {
                                               return catalogue_->announce(std::move(song), deadline);
                                             }})),
      remote_songs_(std::make_shared<streaming::RemoteSongs>(
          streaming::RemoteSongs::Parts{*directory_, replicas_, parts_.clock, parts_.timers, parts_.cache,
                                        parts_.blocking, parts_.settings})),
      further_copies_({.directory = *directory_,
                       .peers = peers_,
                       .songs = parts_.songs,
                       .demand = demand_,
                       .cache = parts_.cache,
                       .clock = parts_.clock,
                       .timers = parts_.timers,
                       .strand = boost::asio::make_strand(parts_.executor),
                       .settings = parts_.settings},
                      remote_songs_),
      repair_random_(parts_.random.next()),
      repair_({.directory = *directory_,
               .peers = peers_,
               .holder = holder_,
               .songs = parts_.songs,
               .clock = parts_.clock,
               .timers = parts_.timers,
               .random = repair_random_,
               .executor = parts_.executor,
               .settings = parts_.settings,
               .options = parts_.repair}),
      copies_({parts_.documents, parts_.clock, parts_.settings.partition_bits}),
      document_random_(parts_.random.next()),
      document_repair_({.directory = *directory_,
                        .peers = peers_,
                        .copies = copies_,
                        .store = parts_.documents,
                        .clock = parts_.clock,
                        .timers = parts_.timers,
                        .random = document_random_,
                        .executor = parts_.executor,
                        .settings = parts_.settings,
                        .schedule = parts_.repair.schedule,
                        .enrolled = parts_.enrolled}),
      documents_(documents::Documents::create({.directory = *directory_,
                                               .peers = peers_,
                                               .copies = copies_,
                                               .clock = parts_.clock,
                                               .seed = parts_.random.next(),
                                               .executor = parts_.executor,
                                               .settings = parts_.settings,
                                               .enrolled = parts_.enrolled})),
      acquaintance_(boost::asio::make_strand(parts_.executor)) {}

core::RepairState Member::repair_state() const {
  auto state = repair_.state();
  state.documents = document_repair_.state();
  if (state.departure) {
    state.departure->documents_left = state.documents.unsafe;
    state.departure->done &= state.documents.unsafe == 0;
  }
  return state;
}

void Member::serve(peers::Handlers& handlers) {
  holder_.add_methods(handlers);
  further_copies_.add_methods(handlers);
  repair_.add_methods(handlers);
  document_repair_.add_methods(handlers);
  documents_->add_methods(handlers);
  catalogue_->serve(handlers);
}

void Member::start() {
  catalogue_->start();
  repair_.start();
  document_repair_.start();
  further_copies_.start();
  acquaintance_.spawn([this] { return keep_acquainted(); });
  acquaintance_.spawn([this] {
    return replication::find_lost_winners(parts_.songs, parts_.rows, [this](core::Song winner) {
      replicator_->take_winner(std::move(winner));
    });
  });
}

Task<void> Member::stop() {
  co_await repair_.stop();
  co_await document_repair_.stop();
  co_await further_copies_.stop();
  co_await catalogue_->stop();
  co_await acquaintance_.stop();
}

Task<void> Member::keep_acquainted() {
  for (unsigned round = 0;; ++round) {
    (void)co_await directory_->order(placement::Partition{}, parts_.clock.now() + kLookupTimeout);
    if (parts_.on_round) co_await parts_.on_round(round);
    co_await parts_.timers.sleep_until(parts_.clock.now() + kAcquaintance);
  }
}

}  // namespace kadenza::distributed
