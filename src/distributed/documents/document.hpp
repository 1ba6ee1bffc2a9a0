// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "distributed/crdt/add_wins_set.hpp"
#include "distributed/crdt/causal_context.hpp"
#include "distributed/crdt/counter.hpp"
#include "distributed/crdt/lww_map.hpp"
#include "distributed/crdt/ordered_list.hpp"
#include "distributed/crdt/stamp.hpp"

namespace kadenza::distributed::documents {

/// Encoded. A document travels in one message.
inline constexpr std::size_t kDocumentBytesMax = 1u << 20;
/// How long a removal is remembered, and how long a node may be away and still merge what it holds.
inline constexpr std::chrono::hours kRemovalsKept{24 * 90};

/// SHA-256 of "kadenza document " and the name: where it is placed.
core::DocumentId document_id(std::string_view name);

/// Something that listeners change: a playlist, a user's favourites, his plays of a month. It has one part of
/// each kind of replicated data; a playlist uses fields and items, favourites are members, plays are
/// counters. Merging is commutative, associative and idempotent, since that of every part is. Whole states
/// are merged, never parts of them. Pure; one owner.
struct Document {
  using Counters = std::map<std::string, crdt::Counter, std::less<>>;

  crdt::LwwMap fields;
  crdt::AddWinsSet members;
  Counters counters;
  crdt::OrderedList items;
  /// Of each writer, its last write: a writer whose last write is not here must not write on top of it.
  crdt::CausalContext writes;
  /// Final: it wins over every other change, and nothing of the parts is kept.
  std::optional<crdt::Stamp> removed;

  /// True when it brought anything.
  bool merge(const Document& other);
  void remove(crdt::Stamp stamp);
  crdt::Stamp newest() const;
  /// Drops what is remembered of removals before `moment`.
  void forget_removals(core::WallTime moment);
  /// It was removed before `moment`: nothing of it needs to be remembered.
  bool is_forgotten(core::WallTime moment) const { return removed && removed->wall() < moment; }

  friend bool operator==(const Document&, const Document&) = default;
};

}  // namespace kadenza::distributed::documents
