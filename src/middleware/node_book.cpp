// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/node_book.hpp"

#include <algorithm>
#include <tuple>

#include "middleware/retry.hpp"

namespace kadenza::middleware {
namespace {

constexpr Backoff kRest{NodeBook::kFirstRest, NodeBook::kLongestRest};

/// May what `teacher` says be believed about `node`?
bool may_teach(const Endpoint& teacher, const Endpoint& node) {
  if (teacher.tls && !node.tls) return false;
  return !is_loopback(node.host) || is_loopback(teacher.host);
}

}  // namespace

NodeBook::NodeBook(std::vector<Server> given, core::Random& random)
    : given_(std::min(given.size(), kNodesMax)), random_(random) {
  for (std::size_t i = 0; i < given_; ++i) {
    nodes_.push_back({.endpoint = std::move(given[i].endpoint),
                      .token = std::move(given[i].token),
                      .origin = i,
                      .round_trip = std::nullopt});
  }
}

std::optional<std::size_t> NodeBook::find(const Endpoint& endpoint) const {
  const auto node = std::ranges::find(nodes_, endpoint, &KnownNode::endpoint);
  if (node == nodes_.end()) return std::nullopt;
  return static_cast<std::size_t>(node - nodes_.begin());
}

const std::string& NodeBook::token_for(std::size_t index) const {
  return has_own_token(index) ? nodes_[index].token : nodes_[nodes_[index].origin].token;
}

bool NodeBook::learn(const Endpoint& endpoint, std::size_t teacher) {
  if (!may_teach(nodes_[teacher].endpoint, endpoint)) return false;
  const std::size_t origin = nodes_[teacher].origin;
  if (const auto known = find(endpoint)) {
    if (token_for(*known).empty()) nodes_[*known].origin = origin;
    return false;
  }
  if (nodes_.size() >= kNodesMax) return false;
  nodes_.push_back({.endpoint = endpoint, .token = {}, .origin = origin, .round_trip = std::nullopt});
  return true;
}

bool NodeBook::rests(std::size_t index, core::Instant now) const {
  return nodes_[index].failures > 0 && nodes_[index].rest_until > now;
}

std::vector<std::size_t> NodeBook::order(core::Instant now) const {
  const auto rank = [&](std::size_t i) {
    const bool resting = rests(i, now);
    const core::Instant since = resting ? nodes_[i].rest_until : core::Instant::min();
    return std::tuple(resting, since, nodes_[i].round_trip.value_or(core::Duration::max()), i);
  };
  std::vector<std::size_t> order(nodes_.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, rank);
  if (!last_ || rests(*last_, now)) return order;
  const auto quickest = nodes_[order.front()].round_trip;
  const auto of_last = nodes_[*last_].round_trip;
  if (quickest && of_last && *quickest * 2 < *of_last) return order;
  const auto last = std::ranges::find(order, *last_);
  std::rotate(order.begin(), last, last + 1);
  return order;
}

void NodeBook::answered(std::size_t index) {
  nodes_[index].failures = 0;
  last_ = index;
}

void NodeBook::measured(std::size_t index, core::Duration round_trip) {
  constexpr int kWeightOfOld = 3;
  nodes_[index].failures = 0;
  auto& smoothed = nodes_[index].round_trip;
  smoothed = smoothed ? (*smoothed * kWeightOfOld + round_trip) / (kWeightOfOld + 1) : round_trip;
}

void NodeBook::failed(std::size_t index, core::Instant now) {
  KnownNode& node = nodes_[index];
  node.rest_until = now + kRest.pause(node.failures, random_);
  ++node.failures;
  if (last_ == index) last_.reset();
}

}  // namespace kadenza::middleware
