// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/documents/copies.hpp"

#include <utility>

#include <fmt/format.h>

#include "core/planted_bugs.hpp"
#include "core/sha256.hpp"
#include "distributed/documents/codec.hpp"
#include "distributed/messages/packed.hpp"

namespace kadenza::distributed::documents {
namespace {

using core::Errc;
using core::Result;

constexpr std::size_t kPage = 100;

Result<void> check_time(const Document& document, core::WallTime now) {
  return crdt::HybridClock(0).observe(document.newest(), now);
}

std::unexpected<core::Error> out_of_date() {
  return core::fail(Errc::kUnavailable,
                    "this node does not know yet whether its documents are up to date; ask another one");
}

}  // namespace

core::SongId key_of(const core::DocumentId& id) {
  return {id.bytes};
}

core::DocumentId document_of(const core::SongId& key) {
  return {key.bytes};
}

placement::Partition partition_of(const core::DocumentId& id, unsigned partition_bits) {
  return placement::partition_of(key_of(id), partition_bits);
}

repair::HeldCopy held_document(const core::DocumentId& id, std::string_view state) {
  return {{key_of(id), messages::word_at(core::sha256(state).bytes, 0)}, state.size()};
}

core::Task<Result<void>> Copies::load() {
  std::optional<core::DocumentId> after;
  while (true) {
    KADENZA_CO_TRY(const auto page, co_await parts_.store.page(after, kPage));
    for (const auto& stored : page) {
      if (stored.state) held_.put_if_absent(held_document(stored.id, *stored.state));
    }
    if (page.size() < kPage) co_return Result<void>();
    after = page.back().id;
  }
}

core::Task<Result<Copies::State>> Copies::state(core::DocumentId id) {
  if (!current_) co_return out_of_date();
  co_return co_await parts_.store.find(id);
}

core::Task<Result<std::optional<Document>>> Copies::read(core::DocumentId id) {
  KADENZA_CO_TRY(const auto state, co_await this->state(id));
  if (!state) co_return std::optional<Document>();
  KADENZA_CO_TRY(auto document, decode(*state));
  co_return std::optional(std::move(document));
}

core::Task<Result<repair::RowVersion>> Copies::merge(core::DocumentId id, Document theirs) {
  if (!current_) co_return out_of_date();
  KADENZA_CO_TRY_VOID(check_time(theirs, parts_.clock.wall_now()));
  repair::RowVersion version{key_of(id), 0};
  auto change = [&, this](const State& before) -> Result<State> {
    KADENZA_TRY(auto after, merged(id, before, theirs));
    // Noted here, because changes are made one after another.
    if (after) {
      const auto held = held_document(id, *after);
      version = held.version;
      held_.put(held);
    } else {
      note_absence(id);
    }
    return after;
  };
  const auto done = co_await parts_.store.update(id, std::move(change));
  if (!done) {
    co_await note_what_is_there(id);
    co_return std::unexpected(done.error());
  }
  if (on_merged_ && version.version != 0) on_merged_(version);
  co_return version;
}

Result<Copies::State> Copies::merged(const core::DocumentId& id, const State& before,
                                     const Document& theirs) {
  Document document;
  if (before && !core::planted(core::PlantedBug::kStatesReplaced)) {
    // A copy whose bytes are none of ours any more is worth less than the one that comes.
    if (auto ours = decode(*before)) document = std::move(*ours);
  }
  document.merge(theirs);
  const auto moment = parts_.clock.wall_now() - kRemovalsKept;
  if (document.is_forgotten(moment)) return State();
  document.forget_removals(moment);
  auto state = encode(document);
  if (state.size() <= kDocumentBytesMax) return State(std::move(state));
  return core::fail(Errc::kTooLarge, fmt::format("document {} would have {} bytes, and may have {}",
                                                 id.text(), state.size(), kDocumentBytesMax));
}

core::Task<Result<bool>> Copies::drop(core::DocumentId id, std::uint64_t version) {
  bool dropped = false;
  auto change = [&, this](const State& before) -> Result<State> {
    dropped = before && held_document(id, *before).version.version == version;
    if (!dropped) return before;
    note_absence(id);
    return State();
  };
  const auto done = co_await parts_.store.update(id, std::move(change));
  if (!done) {
    co_await note_what_is_there(id);
    co_return std::unexpected(done.error());
  }
  co_return dropped;
}

core::Task<Result<void>> Copies::discard_all() {
  KADENZA_CO_TRY_VOID(co_await parts_.store.discard_all());
  for (const auto& partition : held_.partitions()) {
    for (const auto& copy : held_.songs(partition)) held_.erase(copy.version);
  }
  co_return Result<void>();
}

core::Task<void> Copies::forget_removed() {
  for (const auto& partition : held_.partitions()) {
    for (const auto& held : held_.songs(partition)) {
      const auto id = document_of(held.version.id);
      const auto document = co_await read(id);
      if (!document || !*document || !(*document)->is_forgotten(parts_.clock.wall_now() - kRemovalsKept))
        continue;
      (void)co_await drop(id, held.version.version);  // otherwise the next time
    }
  }
}

void Copies::note_absence(const core::DocumentId& id) {
  if (const auto held = held_.find(key_of(id))) held_.erase(held->version);
}

/// After a change that failed when it had been noted already.
core::Task<void> Copies::note_what_is_there(core::DocumentId id) {
  const auto state = co_await parts_.store.find(id);
  if (!state) co_return;
  if (*state) {
    held_.put(held_document(id, **state));
  } else {
    note_absence(id);
  }
}

}  // namespace kadenza::distributed::documents
