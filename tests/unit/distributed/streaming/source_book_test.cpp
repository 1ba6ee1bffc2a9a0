// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/streaming/source_book.hpp"

#include <chrono>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include "core/random.hpp"
#include "sim/coroutines.hpp"
#include "sim/engine.hpp"
#include "tests/unit/distributed/placement/known_nodes.hpp"

namespace kadenza::distributed::streaming {
namespace {

using namespace std::chrono_literals;

class SourceBookTest : public ::testing::Test {
 protected:
  placement::Candidate add(std::optional<core::Duration> round_trip) {
    const kademlia::Contact contact{kademlia::random_key(random), kademlia::Endpoint::v4(0x0a000001, 4748),
                                    8};
    routing.nodes.emplace_back(contact, round_trip);
    return {contact};
  }
  void look() {
    auto order = [](placement::Directory& all) -> core::Task<void> {
      (void)co_await all.order({}, core::Deadline::max());
    };
    boost::asio::co_spawn(coroutines.context(), order(*directory), boost::asio::detached);
    engine.run_for(1ms);
  }
  Source source(const placement::Candidate& candidate) const { return book.source(candidate, *directory); }
  std::vector<core::NodeId> ranked(const std::vector<placement::Candidate>& candidates) const {
    std::vector<core::NodeId> ids;
    for (const auto& one : book.ranked(candidates, *directory)) ids.push_back(one.contact.id);
    return ids;
  }
  /// The source answers so often, each time by this factor later than expected.
  void answers(const placement::Candidate& candidate, int times, double delay) {
    for (int i = 0; i < times; ++i) {
      const auto asked = source(candidate);
      const std::chrono::duration<double> expected(asked.expected);
      book.answered(asked, std::chrono::duration_cast<core::Duration>(expected * delay), 0);
    }
  }

  sim::Engine engine{1};
  sim::Coroutines coroutines{engine};
  sim::SimClock clock{engine};
  core::SeededRandom random{4};
  placement::KnownNodes routing;
  std::shared_ptr<placement::Directory> directory =
      placement::Directory::create({}, coroutines.context().get_executor(), clock, routing);
  SourceBook book{clock};
};

TEST_F(SourceBookTest, TheNearestIsAskedFirst) {
  const auto far = add(150ms), near = add(10ms), middle = add(60ms);
  look();
  EXPECT_EQ(ranked({far, near, middle}), (std::vector{near.contact.id, middle.contact.id, far.contact.id}));
}

TEST_F(SourceBookTest, ASilentOneIsAskedLastAndTheNodeItselfNever) {
  auto silent = add(1ms), self = add(2ms);
  const auto other = add(90ms);
  silent.silent = true;
  self.self = true;
  look();
  EXPECT_EQ(ranked({silent, self, other}), (std::vector{other.contact.id, silent.contact.id}));
}

TEST_F(SourceBookTest, WhatWasMeasuredCountsForAWhile) {
  const auto near = add(10ms), far = add(30ms);
  look();
  book.answered(source(near), 400ms, 0);
  EXPECT_EQ(ranked({near, far}), (std::vector{far.contact.id, near.contact.id}));
  engine.run_for(31s);
  EXPECT_EQ(ranked({near, far}), (std::vector{near.contact.id, far.contact.id}));
}

TEST_F(SourceBookTest, ABusyOneIsTakenToBeSlower) {
  const auto busy = add(10ms), idle = add(10ms);
  look();
  book.answered(source(busy), 20ms, 8);
  book.answered(source(idle), 30ms, 0);
  EXPECT_EQ(ranked({busy, idle}), (std::vector{idle.contact.id, busy.contact.id}));
}

TEST_F(SourceBookTest, AFarSourceIsNotASlowOne) {
  const auto near = add(10ms), far = add(150ms);
  look();
  answers(near, 40, 1.0);
  EXPECT_LT(book.patience(source(near)), 80ms);
  EXPECT_GT(book.patience(source(far)), 700ms);
}

TEST_F(SourceBookTest, PatienceIsWhatNearlyAllAnswersNeed) {
  const auto node = add(10ms);
  look();
  const auto at_first = book.patience(source(node));
  EXPECT_GE(at_first, 50ms);
  answers(node, 40, 1.0);
  const auto calm = book.patience(source(node));
  EXPECT_EQ(calm, source(node).expected);
  for (int i = 0; i < 40; ++i) {
    const auto asked = source(node);
    book.answered(asked, i % 10 == 0 ? 4 * asked.expected : asked.expected, 0);
  }
  EXPECT_GT(book.patience(source(node)), 2 * source(node).expected);
}

}  // namespace
}  // namespace kadenza::distributed::streaming
