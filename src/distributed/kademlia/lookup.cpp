// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/lookup.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "core/planted_bugs.hpp"

namespace kadenza::distributed::kademlia {
namespace {

constexpr std::size_t kPathMax = 512;

/// Requests for what lies behind an answer, in one lookup.
constexpr int kFurtherMax = 24;

/// So many of the nearest have answered that nobody nearer is to be expected.
constexpr int kConverged = 3;

}  // namespace

Lookup::Lookup(const NodeId& self, const Key& target, const LookupGoal& goal, Instant now, bool far)
    : self_(self), target_(target), goal_(goal), started_(now), far_(far) {
  goal_.count = std::clamp<std::uint8_t>(goal_.count, 1, kLookupNodesMax);
  goal_.enough = std::clamp<std::uint8_t>(goal_.enough, 1, goal_.count);
  order_.reserve(candidates_max());
}

Lookup::Head Lookup::head() const {
  Head head;
  int live = 0;
  int quick = 0;
  bool leading = true;
  for (const Index& index : order_) {
    const State state = candidates_[index].state;
    if (state == State::kFailed) continue;
    const bool inside = live < goal_.count;
    if (!inside && (quick >= goal_.count || goal_.kind == LookupGoal::Kind::kRead)) break;
    if (inside && ++live == goal_.count) head.end = candidates_[index].distance;
    quick += state != State::kSlow;
    leading = leading && (state == State::kReplied || state == State::kSlow);
    switch (state) {
      case State::kNew:
        if (!head.unasked) head.unasked = &index;
        head.open += inside;
        break;
      case State::kWaiting:
        ++head.waiting;
        head.open += inside;
        break;
      case State::kSlow:
        ++head.slow;
        head.open += inside;
        break;
      case State::kReplied:
        ++head.replied;
        if (leading) ++head.leading_replies;
        break;
      case State::kFailed:
        break;
    }
  }
  return head;
}

std::optional<Lookup::Question> Lookup::next(const Config& config, Instant now) {
  const Head head = this->head();
  if (enough(head)) return std::nullopt;
  if (!head.unasked) return ask_further(head);
  if (head.waiting >= parallel(head, config)) return std::nullopt;
  Candidate& candidate = candidates_[*head.unasked];
  candidate.state = State::kWaiting;
  candidate.asked = now;
  ++asked_;
  if (goal_.trace && path_.size() < kPathMax) {
    candidate.hop = static_cast<std::uint16_t>(path_.size());
    path_.push_back({.contact = candidate.contact,
                     .told_by = told_by_[*head.unasked],
                     .depth = candidate.depth,
                     .asked_after = now - started_});
  }
  return Question{candidate.contact, {}};
}

int Lookup::parallel(const Head& head, const Config& config) const {
  const bool read = goal_.kind == LookupGoal::Kind::kRead;
  if (!read && head.leading_replies >= kConverged) return goal_.count;
  return head.slow > 0 || (read && far_) ? config.parallel_when_slow : config.parallel;
}

std::optional<Lookup::Question> Lookup::ask_further(const Head& head) {
  if (goal_.kind == LookupGoal::Kind::kRead || head.waiting > 0 || asked_further_ >= kFurtherMax)
    return std::nullopt;
  int replied = 0;
  for (const Index index : order_) {
    Candidate& candidate = candidates_[index];
    if (candidate.state != State::kReplied) continue;
    if (++replied > kConverged) break;
    if (candidate.asked_further || candidate.horizon >= head.end) continue;
    candidate.asked_further = true;
    ++asked_further_;
    return Question{candidate.contact, candidate.horizon.next()};
  }
  return std::nullopt;
}

bool Lookup::waits_for_more() const {
  return std::any_of(candidates_.begin(), candidates_.end(),
                     [](const Candidate& c) { return c.asked_further; });
}

void Lookup::on_nodes(const NodeId& from, std::span<const Contact> contacts, const Distance& horizon,
                      Instant now) {
  Candidate* const candidate = find(from);
  if (!candidate || candidate->state == State::kNew) return;
  if (candidate->state == State::kReplied && !candidate->asked_further) return;
  candidate->asked_further = false;
  if (candidate->state != State::kReplied) candidate->took = now - candidate->asked;
  candidate->state = State::kReplied;
  candidate->horizon = horizon;
  const auto depth = static_cast<std::uint8_t>(std::min(candidate->depth + 1, 255));
  const std::uint16_t hop = candidate->hop;
  trace_end(*candidate, Hop::State::kReplied, now);
  std::uint8_t news = 0;
  for (const Contact& contact : contacts) news += offer(contact, depth, from) ? 1 : 0;
  if (hop != kNoHop) {
    path_[hop].contacts = static_cast<std::uint8_t>(path_[hop].contacts + contacts.size());
    path_[hop].news = static_cast<std::uint8_t>(path_[hop].news + news);
  }
}

void Lookup::on_slow(const NodeId& id) {
  Candidate* const candidate = find(id);
  if (!candidate || candidate->state != State::kWaiting) return;
  candidate->state = State::kSlow;
  if (candidate->hop != kNoHop) path_[candidate->hop].state = Hop::State::kSlow;
}

void Lookup::on_failure(const NodeId& id, Instant now) {
  Candidate* const candidate = find(id);
  if (!candidate) return;
  if (candidate->asked_further) {  // it has answered once, that must do
    candidate->asked_further = false;
    candidate->horizon = Distance::max();
    return;
  }
  if (candidate->state != State::kWaiting && candidate->state != State::kSlow) return;
  candidate->state = State::kFailed;
  ++failed_;
  trace_end(*candidate, Hop::State::kFailed, now);
}

void Lookup::trace_end(const Candidate& candidate, Hop::State state, Instant now) {
  if (candidate.hop == kNoHop) return;
  Hop& hop = path_[candidate.hop];
  hop.state = state;
  hop.took = now - started_ - hop.asked_after;
}

bool Lookup::enough(const Head& head) const {
  return goal_.kind == LookupGoal::Kind::kRead && head.replied >= goal_.enough;
}

bool Lookup::done() const {
  const Head head = this->head();
  if (enough(head) || (core::planted(core::PlantedBug::kStopsEarly) && head.leading_replies > 0)) return true;
  return head.open == 0 && !waits_for_more();
}

void Lookup::finish(Instant now, LookupResult& result) {
  result.target = target_;
  result.goal = goal_;
  result.contacts.clear();
  result.answered = 0;
  result.hops = 0;
  for (const Index index : order_) {
    const Candidate& candidate = candidates_[index];
    if (candidate.state == State::kFailed) continue;
    if (result.contacts.size() == goal_.count) break;
    if (candidate.state == State::kReplied) {
      result.answered |= std::uint64_t{1} << result.contacts.size();
      result.round_trips[result.contacts.size()] = candidate.took;
      result.hops = std::max(result.hops, candidate.depth);
    }
    result.contacts.push_back(candidate.contact);
  }
  result.asked = asked_;
  result.sent = sent_;
  result.failed = failed_;
  result.took = now - started_;
  result.path = std::move(path_);
}

Lookup::Candidate* Lookup::find(const NodeId& id) {
  const Distance wanted = distance(target_, id);
  const auto at = std::lower_bound(order_.begin(), order_.end(), wanted, [&](Index index, const Distance& d) {
    return candidates_[index].distance < d;
  });
  return at == order_.end() || candidates_[*at].distance != wanted ? nullptr : &candidates_[*at];
}

bool Lookup::offer(const Contact& contact, std::uint8_t depth, const NodeId& told_by) {
  if (contact.id == self_ || !contact.routable()) return false;
  const Distance offered = distance(target_, contact.id);
  const bool full = order_.size() == candidates_max();
  // A node that was asked keeps its place: its answer must find it.
  const auto expendable = [&](Index index) {
    const State state = candidates_[index].state;
    return state != State::kWaiting && state != State::kSlow && !candidates_[index].asked_further;
  };
  if (full && (!expendable(order_.back()) || candidates_[order_.back()].distance < offered)) return false;
  auto at = std::lower_bound(order_.begin(), order_.end(), offered,
                             [&](Index index, const Distance& d) { return candidates_[index].distance < d; });
  if (at != order_.end() && candidates_[*at].distance == offered) return false;
  Index index;
  if (full) {
    index = order_.back();
    order_.pop_back();
  } else {
    index = static_cast<Index>(candidates_.size());
    candidates_.emplace_back();
    if (goal_.trace) told_by_.emplace_back();
  }
  candidates_[index] = {.distance = offered, .contact = contact, .depth = depth};
  if (goal_.trace) told_by_[index] = told_by;
  order_.insert(at, index);
  return true;
}

}  // namespace kadenza::distributed::kademlia
