// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <vector>

#include <gtest/gtest.h>

#include "distributed/kademlia/node.hpp"
#include "support.hpp"

namespace kadenza::distributed::kademlia::testing {

/// Some nodes on a network with one constant delay and, if wanted, loss: just enough to see nodes work
/// together. What the internet does to them is the simulator's subject (sim/).
class Swarm {
 public:
  Swarm(std::size_t count, std::uint64_t seed) : random_(seed) {
    for (std::size_t i = 0; i < count; ++i) add();
  }

  void add() {
    const auto port = static_cast<std::uint16_t>(1000 + members_.size());
    Member& member = members_.emplace_back();
    member.self = contact_of(random_key(random_), port);
    member.node = std::make_unique<KademliaNode>(member.self, config_, random_);
    std::vector<Endpoint> seeds;
    if (members_.size() > 1) seeds.push_back(members_[random_.below(members_.size() - 1)].self.endpoint);
    member.node->bootstrap({}, seeds, now_, outbox_);
    flush(members_.size() - 1);
  }

  void kill(std::size_t index) { members_[index].alive = false; }

  void run_for(Duration duration) {
    const Instant end = now_ + duration;
    for (;;) {
      Instant next = events_.empty() ? Instant::max() : events_.top().at;
      for (const Member& member : members_) {
        if (member.alive) next = std::min(next, member.node->next_wakeup());
      }
      if (next > end) break;
      now_ = std::max(now_, next);
      while (!events_.empty() && events_.top().at <= now_) deliver();
      for (std::size_t i = 0; i < members_.size(); ++i) wake(i);
    }
    now_ = end;
  }

  LookupResult look_up(std::size_t index, const Key& target, const LookupGoal& goal) {
    const auto id = members_[index].node->start(target, goal, now_, outbox_);
    EXPECT_TRUE(id);
    flush(index);
    for (int i = 0; i < 1000; ++i) {
      for (const LookupResult& result : finished_) {
        if (result.id == *id) {
          LookupResult found = result;
          finished_.clear();
          return found;
        }
      }
      run_for(10ms);
    }
    ADD_FAILURE() << "the lookup does not end";
    return {};
  }

  std::vector<Contact> truly_nearest(const Key& target, std::size_t n, std::size_t except) const {
    std::vector<Contact> all;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (members_[i].alive && i != except) all.push_back(members_[i].self);
    }
    std::sort(all.begin(), all.end(), [&](const Contact& a, const Contact& b) {
      return distance(target, a.id) < distance(target, b.id);
    });
    all.resize(std::min(all.size(), n));
    return all;
  }

  KademliaNode& node(std::size_t index) { return *members_[index].node; }
  std::size_t size() const { return members_.size(); }
  core::SeededRandom& random() { return random_; }
  double loss = 0;

 private:
  struct Member {
    Contact self;
    std::unique_ptr<KademliaNode> node;
    bool alive = true;
  };
  struct Event {
    Instant at;
    std::uint64_t order;
    std::size_t from;
    std::size_t to;
    std::shared_ptr<Message> message;
    bool operator<(const Event& other) const { return std::tie(other.at, other.order) < std::tie(at, order); }
  };

  void deliver() {
    const Event event = events_.top();
    events_.pop();
    if (!members_[event.to].alive) return;
    members_[event.to].node->receive(members_[event.from].self.endpoint, *event.message, now_, outbox_);
    flush(event.to);
  }
  void wake(std::size_t index) {
    Member& member = members_[index];
    if (!member.alive || member.node->next_wakeup() > now_) return;
    member.node->tick(now_, outbox_);
    EXPECT_GT(member.node->next_wakeup(), now_) << "a driver would spin";
    flush(index);
  }
  void flush(std::size_t from) {
    for (Send& send : outbox_.sends) {
      const std::size_t to = send.to.port - 1000u;
      if (to >= members_.size() || static_cast<double>(random_.below(1000)) < loss * 1000) continue;
      events_.push({now_ + 5ms, ++order_, from, to, std::make_shared<Message>(send.message)});
    }
    for (LookupResult& result : outbox_.finished) finished_.push_back(std::move(result));
    outbox_.clear();
  }

  Config config_;
  core::SeededRandom random_;
  Instant now_{1h};
  std::deque<Member> members_;
  std::priority_queue<Event> events_;
  std::uint64_t order_ = 0;
  Outbox outbox_;
  std::vector<LookupResult> finished_;
};

}  // namespace kadenza::distributed::kademlia::testing
