// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/library_documents.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <vector>

#include <fmt/format.h>

#include "distributed/documents/copies.hpp"
#include "distributed/documents/documents.hpp"

namespace kadenza::sim {
namespace {

namespace documents = distributed::documents;
using core::Result;
using core::Task;
using namespace std::chrono_literals;

constexpr int kDocuments = 5;
constexpr auto kEditTime = 20s;
constexpr auto kCounter = "plays";

bool has_item(const documents::Document& document, const std::string& token) {
  return std::ranges::any_of(document.items.items(),
                             [&](const auto& item) { return item.second.value == token; });
}

void remove_item(documents::Document& document, const std::string& token) {
  std::vector<distributed::crdt::Stamp> ids;
  for (const auto& [id, item] : document.items.items()) {
    if (item.value == token) ids.push_back(id);
  }
  for (const auto id : ids) document.items.remove(id);
}

std::int64_t count_of(const documents::Document& document) {
  const auto counter = document.counters.find(kCounter);
  return counter == document.counters.end() ? 0 : counter->second.value();
}

}  // namespace

LibraryDocuments::LibraryDocuments(LibraryWorld& world)
    : world_(world), random_(world.engine().random().fork()) {
  for (int i = 0; i < kDocuments; ++i) expected_[documents::document_id(fmt::format("document {}", i))];
}

void LibraryDocuments::begin(core::Instant until) {
  if (world_.options().edits == 0) return;
  world_.spawn([this, until] { return edit_now_and_then(until); });
}

Task<void> LibraryDocuments::edit_now_and_then(core::Instant until) {
  while (true) {
    const auto pause = random_.exponential(60'000 / world_.options().edits);
    co_await world_.timers().sleep_until(world_.now() +
                                         std::chrono::milliseconds(static_cast<std::int64_t>(pause)));
    if (world_.now() >= until) co_return;
    const auto running = world_.running();
    if (running.empty()) continue;
    auto* process = running[random_.below(running.size())]->running();
    const auto id =
        std::next(expected_.begin(), static_cast<std::ptrdiff_t>(random_.below(expected_.size())))->first;
    world_.spawn([this, process, id] { return edit(*process, id); });
  }
}

/// One that was added for sure, or none.
std::string LibraryDocuments::some_token(const std::map<std::string, Fate>& tokens) {
  std::vector<std::string> there;
  for (const auto& [token, fate] : tokens) {
    if (fate == Fate::kThere) there.push_back(token);
  }
  return there.empty() ? std::string() : there[random_.below(there.size())];
}

Task<void> LibraryDocuments::edit(MemberProcess& process, core::DocumentId id) {
  auto& expected = expected_.at(id);
  const auto token = fmt::format("token {}", tokens_++);
  const auto old_member = random_.chance(0.3) ? some_token(expected.members) : std::string();
  const auto old_item = random_.chance(0.3) ? some_token(expected.items) : std::string();
  expected.members[token] = expected.items[token] = expected.fields[token] = Fate::kUnknown;
  if (!old_member.empty()) expected.members[old_member] = Fate::kUnknown;
  if (!old_item.empty()) expected.items[old_item] = Fate::kUnknown;
  ++expected.may_be_counted;
  // Whoever removes something must have seen it; otherwise nothing is removed, and that is right.
  bool saw_member = false, saw_item = false;
  auto change = [&](documents::Document& document, const documents::NextStamp& next) -> Result<void> {
    saw_member = document.members.contains(old_member);
    saw_item = has_item(document, old_item);
    document.members.add(token, next());
    document.items.insert(random_.below(10), token, next());
    document.fields.put(token, "value", next());
    document.counters[kCounter].add(next().writer, 1);
    document.members.remove(old_member);
    remove_item(document, old_item);
    return {};
  };
  ++under_way_;
  const auto done =
      co_await process.member().documents().edit(id, std::move(change), world_.now() + kEditTime);
  --under_way_;
  if (!process.alive()) {
    world_.happened("edits cut off");
    co_return;
  }
  if (!done) {
    world_.happened("edits refused");
    co_return;
  }
  world_.happened("edits acknowledged");
  expected.members[token] = expected.items[token] = expected.fields[token] = Fate::kThere;
  if (!old_member.empty() && saw_member) expected.members[old_member] = Fate::kRemoved;
  if (!old_item.empty() && saw_item) expected.items[old_item] = Fate::kRemoved;
  ++expected.counted;
}

/// `at_last`: what was removed must be gone, and nothing was counted twice.
std::optional<std::string> LibraryDocuments::differs(const Expected& expected, const Document& document,
                                                     bool at_last) const {
  const auto wrong = [at_last](Fate fate, bool there) {
    return (fate == Fate::kThere && !there) || (at_last && fate == Fate::kRemoved && there);
  };
  for (const auto& [token, fate] : expected.members) {
    if (wrong(fate, document.members.contains(token)))
      return fmt::format("the set has lost or kept {}", token);
  }
  for (const auto& [token, fate] : expected.items) {
    if (wrong(fate, has_item(document, token))) return fmt::format("the list has lost or kept {}", token);
  }
  for (const auto& [token, fate] : expected.fields) {
    if (wrong(fate, document.fields.find(token) != nullptr)) return fmt::format("the map has lost {}", token);
  }
  const auto counted = count_of(document);
  if (counted < static_cast<std::int64_t>(expected.counted)) {
    return fmt::format("{} was counted, {} acknowledged", counted, expected.counted);
  }
  if (counted > static_cast<std::int64_t>(expected.may_be_counted)) {
    return fmt::format("{} was counted, and only {} asked for", counted, expected.may_be_counted);
  }
  return std::nullopt;
}

void LibraryDocuments::check_nothing_lost() {
  for (const auto& [id, expected] : expected_) {
    if (const auto wrong = differs(expected, world_.document_on_disks(id), false)) {
      world_.violation("document {}: {}", id.text(), *wrong);
    }
  }
}

std::optional<std::string> LibraryDocuments::holders_differ(const core::DocumentId& id) const {
  const auto order = world_.order_of(documents::key_of(id));
  const auto wanted = std::min<std::size_t>(world_.options().settings.replicas, order.size());
  const std::string* first = nullptr;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const auto& states = order[rank]->documents.states();
    const auto state = states.find(id);
    if ((state != states.end()) != (rank < wanted)) {
      return fmt::format("document {} is {} on rank {} of its partition", id.text(),
                         state != states.end() ? "still" : "not yet", rank + 1);
    }
    if (state == states.end()) continue;
    if (first != nullptr && *first != state->second)
      return fmt::format("holders differ in document {}", id.text());
    first = &state->second;
  }
  return std::nullopt;
}

std::optional<std::string> LibraryDocuments::what_is_missing() {
  for (const auto& [id, expected] : expected_) {
    const auto all = world_.document_on_disks(id);
    if (all == Document()) continue;
    if (auto missing = holders_differ(id)) return missing;
    if (auto wrong = differs(expected, all, true)) return fmt::format("document {}: {}", id.text(), *wrong);
  }
  return std::nullopt;
}

}  // namespace kadenza::sim
