// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/documents/document_repair.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include <boost/asio/strand.hpp>
#include <spdlog/spdlog.h>

#include "core/planted_bugs.hpp"
#include "distributed/documents/codec.hpp"
#include "distributed/documents/methods.hpp"
#include "distributed/messages/song_message.hpp"
#include "distributed/repair/repair_messages.hpp"

namespace kadenza::distributed::documents {
namespace {

namespace asio = boost::asio;
using core::Errc;
using core::Result;

constexpr auto kCallTime = std::chrono::seconds(5);
constexpr auto kOrderTime = std::chrono::seconds(5);
constexpr auto kTryAgain = std::chrono::seconds(30);
constexpr auto kLook = std::chrono::seconds(1);
/// Merged from one node before the others are compared with.
constexpr std::size_t kDocumentsPerRound = 500;
/// How often it is written down that this node takes part.
constexpr auto kPresenceEvery = std::chrono::hours(1);

Result<core::DocumentId> id_from(const std::string& bytes) {
  return messages::id_from<core::DocumentId>(bytes);
}

std::unexpected<core::Error> was_away() {
  return core::fail(Errc::kUnavailable,
                    "this node was away for long, and does not know yet what was removed meanwhile");
}

}  // namespace

DocumentRepair::DocumentRepair(Parts parts)
    : parts_(std::move(parts)),
      duties_(parts_.directory, parts_.settings),
      promises_(parts_.clock, parts_.schedule.promise),
      occasions_({parts_.directory, parts_.clock, parts_.timers, parts_.random, parts_.schedule}),
      background_(asio::make_strand(parts_.executor)) {}

// ------------------------------------------------------------------------------------------------ the
// others' calls

void DocumentRepair::add_methods(peers::Handlers& handlers) {
  handlers.add<v1::ReadDocumentRequest>(
      [this](peers::Caller, v1::ReadDocumentRequest request) { return serve_read(std::move(request)); });
  handlers.add<v1::MergeDocumentRequest>([this](peers::Caller caller, v1::MergeDocumentRequest request) {
    return serve_merge(std::move(request), caller.deadline);
  });
  handlers.add<v1::CompareDocumentsRequest>(
      [this](peers::Caller caller, v1::CompareDocumentsRequest request) {
        return serve_compare(caller, std::move(request));
      });
}

core::Task<Result<v1::ReadDocumentReply>> DocumentRepair::serve_read(v1::ReadDocumentRequest request) {
  KADENZA_CO_TRY(const auto id, id_from(request.id()));
  KADENZA_CO_TRY(auto state, co_await parts_.copies.state(id));
  v1::ReadDocumentReply reply;
  if (state) reply.set_state(std::move(*state));
  co_return reply;
}

core::Task<Result<v1::MergeDocumentReply>> DocumentRepair::serve_merge(v1::MergeDocumentRequest request,
                                                                       core::Deadline deadline) {
  KADENZA_CO_TRY(const auto id, id_from(request.id()));
  if (parts_.directory.self().capacity_class == 0) {
    co_return core::fail(Errc::kUnavailable, "this node stores nothing");
  }
  auto theirs = decode(request.state());
  if (!theirs) co_return core::fail(Errc::kInvalidArgument, theirs.error().detail);
  KADENZA_CO_TRY(const auto version, co_await parts_.copies.merge(id, std::move(*theirs)));
  v1::MergeDocumentReply reply;
  if (!request.keep() || version.version == 0) co_return reply;
  const auto duty = co_await duty_for(id, deadline);
  if (duty.keeps(parts_.directory.self().id) && promises_.promise(version)) {
    reply.set_promise_ms(static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(promises_.time()).count()));
  }
  co_return reply;
}

core::Task<Result<v1::CompareDocumentsReply>> DocumentRepair::serve_compare(
    peers::Caller caller, v1::CompareDocumentsRequest request) {
  v1::CompareDocumentsReply reply;
  reply.set_was_away(!parts_.copies.is_current());
  reply.set_present_since_ms(present_since_);
  if (reply.was_away()) co_return reply;
  KADENZA_CO_TRY(
      *reply.mutable_comparison(),
      repair::answer_comparison(request.comparison(), parts_.copies.held(), *duties_.shared_with(caller.id)));
  co_return reply;
}

core::Task<repair::Duty> DocumentRepair::duty_for(core::DocumentId id, core::Deadline deadline) {
  const auto partition = partition_of(id, parts_.settings.partition_bits);
  co_return repair::duty_of(co_await parts_.directory.order(partition, deadline), parts_.settings);
}

// ------------------------------------------------------------------------------------------------ in the
// background

void DocumentRepair::start() {
  parts_.copies.on_merged([this](const repair::RowVersion& version) {
    promises_.verified(version);
    occasions_.note_write();
  });
  background_.spawn([this] { return run(); });
}

core::DocumentsState DocumentRepair::state() const {
  core::DocumentsState state;
  state.held = parts_.copies.held().total().songs.count;
  state.merged = merged_;
  state.surplus = surplus_;
  state.handed_over = handed_over_;
  if (parts_.directory.is_leaving()) state.unsafe = state.held - std::min<std::uint64_t>(state.held, safe_);
  return state;
}

core::Task<void> DocumentRepair::run() {
  while (true) {
    auto loaded = co_await parts_.copies.load();
    if (loaded) loaded = co_await look_at_absence();
    if (loaded) break;
    spdlog::error("the documents held here cannot be listed: {}", loaded.error().detail);
    co_await parts_.timers.sleep_until(parts_.clock.now() + kTryAgain);
  }
  background_.spawn([this] { return note_presence(); });
  while (true) {
    const bool merged = co_await compare_with(occasions_.begin());
    co_await hand_over();
    co_await occasions_.wait(merged);
  }
}

/// Removals are remembered for so long; what a node that was away for longer still holds may have been
/// removed.
core::Task<Result<void>> DocumentRepair::look_at_absence() {
  KADENZA_CO_TRY(const auto presence, co_await parts_.store.presence());
  const auto now = parts_.clock.wall_now();
  present_since_ = (presence ? presence->first : now).time_since_epoch().count();
  const bool has_some = parts_.copies.held().total().songs.count > 0;
  if (presence && has_some && presence->last < now - kRemovalsKept) co_await settle_absence(presence->last);
  parts_.copies.set_current(true);
  co_return Result<void>();
}

/// Who was here when this node went knows better: then its documents are discarded. When nobody was, as when
/// the whole cluster was switched off, nothing was forgotten meanwhile, and they stay.
core::Task<void> DocumentRepair::settle_absence(core::WallTime since) {
  spdlog::warn("this node was away for more than {} days: its documents may be out of date",
               std::chrono::duration_cast<std::chrono::days>(kRemovalsKept).count());
  while (parts_.enrolled() > 1) {
    std::size_t absent = 0;
    if (co_await somebody_was_here(since, absent)) {
      if (co_await parts_.copies.discard_all()) {
        spdlog::warn("other nodes were here meanwhile: this node fetches its documents anew");
        co_return;
      }
    } else if (absent > 0 && absent == parts_.directory.members().size()) {
      spdlog::info("all nodes that can be reached were away, too: this node's documents stay");
      co_return;
    }
    co_await parts_.timers.sleep_until(parts_.clock.now() + kLook);
  }
}

/// `absent`: how many said that they were not.
core::Task<bool> DocumentRepair::somebody_was_here(core::WallTime since, std::size_t& absent) {
  v1::CompareDocumentsRequest everything;
  repair::to_message(repair::Branch{}, {}, *everything.mutable_comparison()->add_branches());
  for (const auto& other : parts_.directory.members()) {
    const auto by = parts_.clock.now() + kCallTime;
    const auto reply = co_await peers::call(parts_.peers, other.contact, everything, by);
    if (!reply) continue;
    const bool knew = reply->present_since_ms() <= since.time_since_epoch().count();
    if (!reply->was_away() && knew) co_return true;
    ++absent;
  }
  co_return false;
}

core::Task<void> DocumentRepair::note_presence() {
  while (true) {
    const auto noted = co_await parts_.store.note_presence(parts_.clock.wall_now());
    if (!noted) spdlog::warn("it cannot be noted that this node takes part: {}", noted.error().detail);
    co_await parts_.copies.forget_removed();
    co_await parts_.timers.sleep_until(parts_.clock.now() + kPresenceEvery);
  }
}

/// True when something was merged.
core::Task<bool> DocumentRepair::compare_with(std::vector<kademlia::Contact> others) {
  co_await duties_.renew(parts_.copies.held().partitions(), parts_.clock.now() + kOrderTime);
  if (parts_.directory.is_leaving() || core::planted(core::PlantedBug::kChangesNotCompared)) co_return false;
  bool merged = false;
  for (const auto& other : others) merged |= co_await compare_with(other);
  co_return merged;
}

core::Task<bool> DocumentRepair::compare_with(kademlia::Contact other) {
  const repair::TreeComparison::Ask ask = [this](kademlia::Contact to, v1::CompareRequest comparison,
                                                 core::Deadline by) -> core::Task<Result<v1::CompareReply>> {
    v1::CompareDocumentsRequest request;
    *request.mutable_comparison() = std::move(comparison);
    KADENZA_CO_TRY(auto reply, co_await peers::call(parts_.peers, to, std::move(request), by));
    if (reply.was_away()) co_return was_away();
    co_return std::move(*reply.mutable_comparison());
  };
  const auto shared = duties_.shared_with(other.id);
  repair::TreeComparison comparison({.ask = ask,
                                     .held = parts_.copies.held(),
                                     .shared = *shared,
                                     .clock = parts_.clock,
                                     .limit = kDocumentsPerRound,
                                     .postponed = {}});
  auto found = co_await comparison.with(other);
  if (!found) {
    spdlog::debug("cannot compare documents with node {}: {}", other.id.text(), found.error().detail);
    co_return false;
  }
  bool merged = false;
  for (const auto& missing : found->missing) {
    const auto id = document_of(missing.version.id);
    const auto duty = co_await duty_for(id, parts_.clock.now() + kOrderTime);
    if (duty.keeps(parts_.directory.self().id)) merged |= co_await fetch(other, id);
  }
  co_return merged;
}

core::Task<bool> DocumentRepair::fetch(kademlia::Contact source, core::DocumentId id) {
  v1::ReadDocumentRequest request;
  request.set_id(messages::bytes_of(id));
  const auto reply =
      co_await peers::call(parts_.peers, source, std::move(request), parts_.clock.now() + kCallTime);
  if (!reply || reply->state().empty()) co_return false;
  auto document = decode(reply->state());
  if (!document) {
    spdlog::warn("node {} has a document that cannot be: {}", source.id.text(), document.error().detail);
    co_return false;
  }
  const auto before = parts_.copies.held().find(key_of(id));
  const auto version = co_await parts_.copies.merge(id, std::move(*document));
  if (!version) {
    spdlog::warn("document {} cannot be merged: {}", id.text(), version.error().detail);
    co_return false;
  }
  if (version->version == 0 || (before && before->version == *version)) co_return false;
  ++merged_;
  co_return true;
}

/// What this node holds and others shall hold goes to them.
core::Task<void> DocumentRepair::hand_over() {
  const bool leaving = parts_.directory.is_leaving();
  std::uint64_t surplus = 0, safe = 0;
  for (const auto& [key, duty] : *duties_.current()) {
    if (duty.keeps(parts_.directory.self().id)) continue;
    for (const auto& held : parts_.copies.held().songs(placement::Partition{key})) {
      ++surplus;
      if (co_await hand_over_one(held)) ++safe;
    }
  }
  surplus_ = surplus;
  safe_ = leaving ? safe : 0;
}

/// True when R others keep it. The copy here then goes, unless the whole node does: then it stays on its
/// disk.
core::Task<bool> DocumentRepair::hand_over_one(Held held) {
  const auto id = document_of(held.version.id);
  const auto state = co_await parts_.copies.state(id);
  if (!state) co_return false;
  if (!*state) co_return true;
  const auto order = co_await parts_.directory.order(partition_of(id, parts_.settings.partition_bits),
                                                     parts_.clock.now() + kOrderTime);
  const auto duty = repair::duty_of(order, parts_.settings);
  std::size_t kept = 0;
  auto promised_until = core::Instant::max();
  for (const auto& candidate : order) {
    if (candidate.self || candidate.silent || !duty.keeps(candidate.contact.id)) continue;
    v1::MergeDocumentRequest request;
    request.set_id(messages::bytes_of(id));
    request.set_state(**state);
    request.set_keep(true);
    const auto asked = parts_.clock.now();
    const auto reply =
        co_await peers::call(parts_.peers, candidate.contact, std::move(request), asked + kCallTime);
    if (!reply || reply->promise_ms() == 0) continue;
    ++kept;
    promised_until =
        std::min<core::Instant>(promised_until, asked + std::chrono::milliseconds(reply->promise_ms()));
  }
  if (kept < parts_.settings.replicas) co_return false;
  if (parts_.directory.is_leaving()) co_return true;
  const auto now = co_await duty_for(id, parts_.clock.now() + kOrderTime);
  const bool bound = parts_.clock.now() + promises_.time() / 60 < promised_until;
  if (!bound || now.keeps(parts_.directory.self().id) || !promises_.let_go(held.version.id)) co_return true;
  const auto dropped = co_await parts_.copies.drop(id, held.version.version);
  if (dropped && *dropped) ++handed_over_;
  promises_.settled(held.version.id);
  co_return true;
}

}  // namespace kadenza::distributed::documents
