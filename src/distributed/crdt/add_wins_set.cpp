// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/crdt/add_wins_set.hpp"

#include <algorithm>

namespace kadenza::distributed::crdt {
namespace {

/// Of one element's dots: those that both have, and those that the other one has not seen yet.
AddWinsSet::Dots merged(const AddWinsSet::Dots& mine, const CausalContext& seen_here,
                        const AddWinsSet::Dots& theirs, const CausalContext& seen_there) {
  AddWinsSet::Dots dots;
  for (const Stamp dot : mine) {
    if (theirs.contains(dot) || !seen_there.covers(dot)) dots.insert(dot);
  }
  for (const Stamp dot : theirs) {
    if (!seen_here.covers(dot)) dots.insert(dot);
  }
  return dots;
}

}  // namespace

AddWinsSet::AddWinsSet(Elements elements, CausalContext context)
    : elements_(std::move(elements)), context_(std::move(context)) {
  std::erase_if(elements_, [](const auto& element) { return element.second.empty(); });
  for (const auto& [element, dots] : elements_) {
    for (const Stamp dot : dots) context_.add(dot);
  }
}

void AddWinsSet::add(std::string_view element, Stamp stamp) {
  context_.add(stamp);
  elements_.insert_or_assign(std::string(element), Dots{stamp});
}

bool AddWinsSet::remove(std::string_view element) {
  const auto found = elements_.find(element);
  if (found == elements_.end()) return false;
  elements_.erase(found);
  return true;
}

bool AddWinsSet::merge(const AddWinsSet& other) {
  static const Dots kNone;
  Elements all;
  const auto take = [&](const std::string& element, const Dots& mine, const Dots& theirs) {
    Dots dots = merged(mine, context_, theirs, other.context_);
    if (!dots.empty()) all.emplace(element, std::move(dots));
  };
  for (const auto& [element, mine] : elements_) {
    const auto theirs = other.elements_.find(element);
    take(element, mine, theirs == other.elements_.end() ? kNone : theirs->second);
  }
  for (const auto& [element, theirs] : other.elements_) {
    if (!elements_.contains(element)) take(element, kNone, theirs);
  }
  const bool changed = all != elements_;
  elements_ = std::move(all);
  return context_.merge(other.context_) || changed;
}

Stamp AddWinsSet::newest() const {
  Stamp newest;
  for (const auto& [writer, time] : context_.times()) newest = std::max(newest, Stamp{time, writer});
  return newest;
}

void AddWinsSet::forget_removals(core::WallTime moment) {
  std::set<Writer> needed;
  for (const auto& [element, dots] : elements_) {
    for (const Stamp dot : dots) needed.insert(dot.writer);
  }
  context_.forget(moment, needed);
}

}  // namespace kadenza::distributed::crdt
