// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/documents/document.hpp"

#include <algorithm>

#include "core/sha256.hpp"

namespace kadenza::distributed::documents {

core::DocumentId document_id(std::string_view name) {
  core::Sha256 hash;
  return {hash.update("kadenza document ").update(name).finish().bytes};
}

bool Document::merge(const Document& other) {
  if (removed || other.removed) {
    const auto before = removed;
    remove(std::max(removed.value_or(crdt::Stamp{}), other.removed.value_or(crdt::Stamp{})));
    return removed != before;
  }
  bool changed = fields.merge(other.fields);
  changed |= members.merge(other.members);
  for (const auto& [name, theirs] : other.counters) {
    const auto [mine, added] = counters.try_emplace(name);
    changed |= mine->second.merge(theirs) || added;
  }
  changed |= items.merge(other.items);
  changed |= writes.merge(other.writes);
  return changed;
}

void Document::remove(crdt::Stamp stamp) {
  *this = {};
  removed = stamp;
}

crdt::Stamp Document::newest() const {
  if (removed) return *removed;
  auto newest = std::max({fields.newest(), members.newest(), items.newest()});
  for (const auto& [writer, time] : writes.times()) newest = std::max(newest, crdt::Stamp{time, writer});
  return newest;
}

void Document::forget_removals(core::WallTime moment) {
  fields.forget_removals(moment);
  members.forget_removals(moment);
  items.forget_removals(moment);
  writes.forget(moment, {});
}

}  // namespace kadenza::distributed::documents
