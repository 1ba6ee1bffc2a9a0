// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/documents/document_store.hpp"

namespace kadenza::sim {

/// A node's documents in memory. Single-threaded.
class MemoryDocumentStore final : public services::documents::DocumentStore {
 public:
  core::Task<core::Result<State>> find(core::DocumentId id) override {
    const auto found = states_.find(id);
    co_return found == states_.end() ? State() : State(found->second);
  }
  core::Task<core::Result<void>> update(core::DocumentId id, Change change) override {
    co_return apply(id, change);
  }
  core::Result<void> apply(const core::DocumentId& id, const Change& change) {
    const auto found = states_.find(id);
    auto after = change(found == states_.end() ? State() : State(found->second));
    if (!after) return std::unexpected(std::move(after).error());
    if (*after) {
      states_[id] = std::move(**after);
    } else {
      states_.erase(id);
    }
    return {};
  }
  core::Task<core::Result<std::vector<Stored>>> page(std::optional<core::DocumentId> after,
                                                     std::size_t limit) override {
    std::vector<Stored> page;
    for (auto next = after ? states_.upper_bound(*after) : states_.begin();
         next != states_.end() && page.size() < limit; ++next)
      page.push_back({next->first, next->second});
    co_return page;
  }
  core::Task<core::Result<void>> discard_all() override {
    states_.clear();
    co_return core::Result<void>();
  }
  core::Task<core::Result<std::optional<Presence>>> presence() override { co_return presence_; }
  core::Task<core::Result<void>> note_presence(core::WallTime now) override {
    presence_ = Presence{presence_ ? presence_->first : now, now};
    co_return core::Result<void>();
  }

  const std::map<core::DocumentId, std::string>& states() const { return states_; }
  /// As if the node had taken part then.
  void set_presence(Presence presence) { presence_ = presence; }
  core::WallTime last_present() const { return presence_->last; }
  /// Loses everything, as when the disk was replaced.
  void lose_all() { *this = {}; }

 private:
  std::map<core::DocumentId, std::string> states_;
  std::optional<Presence> presence_;
};

}  // namespace kadenza::sim
