// SPDX-License-Identifier: AGPL-3.0-or-later
// A node that is fed arbitrary valid messages, answers to its own requests among them, and arbitrary times:
// no crash, bounded memory, no contact that has not answered from its endpoint, no wake-up that a driver
// would spin on.
#include <cstdint>
#include <set>
#include <vector>

#include "core/check.hpp"
#include "distributed/kademlia/node.hpp"

namespace {

using namespace kadenza::distributed::kademlia;
using kadenza::core::SeededRandom;

/// The fuzzer's bytes, read as numbers; zeros when they are used up.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}
  bool empty() const { return left_ == 0; }
  std::uint8_t byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
};

/// Few ids and endpoints, so that they meet again.
Contact contact(Input& input) {
  Contact result;
  result.id.bytes[0] = input.byte();
  result.id.bytes[31] = input.byte() & 3;
  result.endpoint = Endpoint::v4(0x7f000001, 1 + (input.byte() & 31));
  result.capacity_class = input.byte() & 3;
  return result;
}

class Game {
 public:
  explicit Game(Input input) : input_(input) {}

  void play() {
    const std::vector<Contact> saved{contact(input_), contact(input_)};
    node_.bootstrap(saved, {}, now_, outbox_);
    look();
    while (!input_.empty()) {
      step();
      look();
    }
  }

 private:
  void step() {
    switch (input_.byte() % 6) {
      case 0:
        now_ += std::chrono::milliseconds(input_.byte()) * 8;
        node_.tick(now_, outbox_);
        KADENZA_CHECK(node_.next_wakeup() > now_);
        break;
      case 1:
        receive_request();
        break;
      case 2:
      case 3:
        receive_reply();
        break;
      case 4: {
        LookupGoal goal =
            input_.byte() % 2 == 0 ? LookupGoal::nearest(input_.byte()) : LookupGoal::read(input_.byte());
        goal.trace = input_.byte() % 2 == 0;
        const auto id = node_.start(contact(input_).id, goal, now_, outbox_);
        if (id && input_.byte() % 8 == 0) node_.cancel(*id);
        break;
      }
      default:
        node_.unreachable(contact(input_).endpoint, now_, outbox_);
    }
  }

  void receive_request() {
    Message message{.transaction = input_.byte(), .attempt = 0, .sender = contact(input_)};
    if (input_.byte() % 2 == 0) message.body = FindNode{contact(input_).id};
    node_.receive(contact(input_).endpoint, message, now_, outbox_);
  }

  void receive_reply() {
    Message message{.transaction = input_.byte(), .sender = contact(input_)};
    Endpoint from = message.sender.endpoint;
    if (!asked_.empty()) {
      const Send& request = asked_[input_.byte() % asked_.size()];
      message.transaction = request.message.transaction;
      message.attempt = input_.byte() & 1;
      if (input_.byte() % 8 != 0) from = request.to;
    }
    message.body = Pong{};
    if (input_.byte() % 2 == 0) {
      Nodes nodes;
      for (int i = input_.byte() % 21; i > 0; --i) nodes.contacts.push_back(contact(input_));
      message.body = nodes;
    }
    for (const Send& request : asked_) {
      if (request.message.transaction == message.transaction && request.to == from) proven_.insert(from);
    }
    node_.receive(from, message, now_, outbox_);
  }

  /// Remembers what the node asked, and checks what must always hold.
  void look() {
    for (const Send& send : outbox_.sends) {
      if (send.message.is_request() && asked_.size() < 4096) asked_.push_back(send);
    }
    for (const LookupResult& result : outbox_.finished)
      KADENZA_CHECK(result.contacts.size() <= result.goal.count);
    outbox_.clear();
    node_.table().check_invariants();
    for (const Bucket& bucket : node_.table().buckets()) {
      for (const Entry& entry : bucket.live) KADENZA_CHECK(proven_.contains(entry.contact.endpoint));
    }
    KADENZA_CHECK(node_.requests_waiting() <= config_.requests_max);
    KADENZA_CHECK(node_.lookups_under_way() <= config_.lookups_max + 1);
  }

  Input input_;
  Config config_{.bucket_size = 4, .lookups_max = 16, .requests_max = 64};
  SeededRandom random_{1};
  KademliaNode node_{Contact{NodeId{}, Endpoint::v4(0x7f000001, 999), 1}, config_, random_};
  Instant now_{std::chrono::hours(1)};
  Outbox outbox_;
  std::vector<Send> asked_;
  std::set<Endpoint> proven_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Game(Input(data, size)).play();
  return 0;
}
