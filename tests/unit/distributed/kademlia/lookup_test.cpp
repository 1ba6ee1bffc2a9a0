// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/lookup.hpp"

#include <gtest/gtest.h>

#include "support.hpp"

namespace kadenza::distributed::kademlia {
namespace {

using testing::contact_of;
using testing::id_of;

/// Contacts numbered by their distance to the key 0.
Contact node(std::uint64_t number) {
  return contact_of(number, static_cast<std::uint16_t>(number));
}

class LookupTest : public ::testing::Test {
 protected:
  Lookup lookup(LookupGoal goal, std::uint64_t first, std::uint64_t last) {
    Lookup lookup(id_of(UINT64_MAX), id_of(0), goal, Instant(0s));
    for (std::uint64_t i = first; i <= last; ++i) lookup.add_known(node(i));
    return lookup;
  }
  std::vector<std::uint64_t> asked(Lookup& lookup, Duration after = 0s) {
    std::vector<std::uint64_t> numbers;
    while (const auto next = lookup.next(config_, Instant(after))) numbers.push_back(next->to.endpoint.port);
    return numbers;
  }
  static void answer(Lookup& lookup, std::uint64_t from, std::initializer_list<std::uint64_t> numbers = {}) {
    std::vector<Contact> contacts;
    for (const std::uint64_t number : numbers) contacts.push_back(node(number));
    lookup.on_nodes(node(from).id, contacts, Distance::max(), Instant(1s));
  }
  static std::vector<std::uint64_t> found(Lookup& lookup) {
    LookupResult result;
    lookup.finish(Instant(2s), result);
    std::vector<std::uint64_t> numbers;
    for (const Contact& contact : result.contacts) numbers.push_back(contact.endpoint.port);
    return numbers;
  }
  using Numbers = std::vector<std::uint64_t>;
  Config config_;
};

TEST_F(LookupTest, AsksTheNearestThreeAtATime) {
  Lookup search = lookup(LookupGoal::nearest(), 100, 110);
  EXPECT_EQ(asked(search), (Numbers{100, 101, 102}));
  EXPECT_EQ(asked(search), Numbers{});
  answer(search, 101, {50, 51});
  EXPECT_EQ(asked(search), Numbers{50});
}

TEST_F(LookupTest, ASlowNodeFreesItsPlaceAndWidensTheSearch) {
  Lookup search = lookup(LookupGoal::nearest(), 100, 115);
  asked(search);
  search.on_slow(node(100).id);
  EXPECT_EQ(asked(search), (Numbers{103, 104, 105, 106}));  // 101, 102 and these are six
}

TEST_F(LookupTest, AReadByANodeThatIsFarAsksSixAtATime) {
  const auto first_questions = [this](LookupGoal goal) {
    Lookup search(id_of(UINT64_MAX), id_of(0), goal, Instant(0s), true);
    for (std::uint64_t i = 100; i <= 115; ++i) search.add_known(node(i));
    return asked(search);
  };
  EXPECT_EQ(first_questions(LookupGoal::read()), (Numbers{100, 101, 102, 103, 104, 105}));
  EXPECT_EQ(first_questions(LookupGoal::nearest()), (Numbers{100, 101, 102}));
}

TEST_F(LookupTest, ALateReplyStillCounts) {
  Lookup search = lookup(LookupGoal::nearest(), 100, 101);
  asked(search);
  search.on_slow(node(100).id);
  answer(search, 101);
  EXPECT_FALSE(search.done());
  answer(search, 100, {5});
  EXPECT_EQ(asked(search), Numbers{5});
  answer(search, 5);
  EXPECT_TRUE(search.done());
  EXPECT_EQ(found(search), (Numbers{5, 100, 101}));
}

TEST_F(LookupTest, NearestEndsWhenTheNearestAliveHaveAllAnswered) {
  Lookup search = lookup(LookupGoal::nearest(2), 1, 4);
  EXPECT_EQ(asked(search), (Numbers{1, 2}));
  search.on_failure(node(1).id, Instant(1s));
  EXPECT_EQ(asked(search), Numbers{3});
  answer(search, 2);
  EXPECT_FALSE(search.done());
  answer(search, 3);
  EXPECT_TRUE(search.done()) << "4 is not among the two nearest alive";
  EXPECT_EQ(found(search), (Numbers{2, 3}));
}

TEST_F(LookupTest, SaysHowLongEachOfTheNearestTook) {
  Lookup search = lookup(LookupGoal::nearest(2), 100, 101);
  asked(search, 900ms);
  answer(search, 101);  // at one second
  answer(search, 100);
  LookupResult result;
  search.finish(Instant(2s), result);
  ASSERT_EQ(result.contacts.size(), 2u);
  EXPECT_EQ(result.round_trips[0], Duration(100ms));
  EXPECT_EQ(result.round_trips[1], Duration(100ms));
}

TEST_F(LookupTest, OnceTheNearestHaveAnsweredTheRestIsAskedTogether) {
  Lookup search = lookup(LookupGoal::nearest(10), 1, 12);
  asked(search);
  answer(search, 1);
  answer(search, 2);
  EXPECT_EQ(asked(search), (Numbers{4, 5}));
  answer(search, 3);
  EXPECT_EQ(asked(search), (Numbers{6, 7, 8, 9, 10}));
}

TEST_F(LookupTest, AReadEndsWhenEnoughOfTheNearestHaveAnswered) {
  Lookup search = lookup(LookupGoal::read(), 100, 119);
  asked(search);
  answer(search, 100, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20});
  EXPECT_EQ(asked(search), (Numbers{1, 2, 3})) << "the others are no longer among the nearest";
  answer(search, 101);
  answer(search, 102);
  EXPECT_FALSE(search.done()) << "none of these is among the twenty nearest";
  answer(search, 3);
  answer(search, 2);
  answer(search, 1);
  EXPECT_TRUE(search.done());
  EXPECT_EQ(asked(search), Numbers{});
  LookupResult result;
  search.finish(Instant(2s), result);
  EXPECT_EQ(result.contacts.size(), 20u);
  EXPECT_EQ(result.answered, 0b111u);
  EXPECT_EQ(result.hops, 2);
}

TEST_F(LookupTest, AsksFurtherWhenTheAnswersDoNotReachTheEndOfTheResult) {
  Lookup search = lookup(LookupGoal::nearest(2), 1, 3);
  asked(search);
  search.on_failure(node(1).id, Instant(1s));
  asked(search);
  const Contact all[] = {node(2), node(3)};
  search.on_nodes(node(2).id, all, distance(id_of(0), id_of(2)), Instant(1s));  // reaches 2 only
  EXPECT_FALSE(search.done());
  search.on_nodes(node(3).id, all, Distance::max(), Instant(1s));
  const auto question = search.next(config_, Instant(1s));
  ASSERT_TRUE(question);
  EXPECT_EQ(question->to, node(2));
  EXPECT_EQ(question->from, distance(id_of(0), id_of(2)).next());
  EXPECT_FALSE(search.done());
  search.on_failure(node(2).id, Instant(2s));
  EXPECT_EQ(asked(search), Numbers{});
  EXPECT_TRUE(search.done());
  EXPECT_EQ(found(search), (Numbers{2, 3})) << "it has answered, if not this";
}

TEST_F(LookupTest, EndsAtOnceWhenNobodyIsKnown) {
  Lookup search = lookup(LookupGoal::nearest(), 1, 0);
  EXPECT_EQ(asked(search), Numbers{});
  EXPECT_TRUE(search.done());
}

TEST_F(LookupTest, UnaskedNodesAndStrangersCannotAnswer) {
  Lookup search = lookup(LookupGoal::nearest(), 100, 110);
  asked(search);
  answer(search, 110, {1});
  answer(search, 77, {2});
  EXPECT_EQ(asked(search), Numbers{});
}

TEST_F(LookupTest, RemembersABoundedNumberOfCandidates) {
  Lookup search = lookup(LookupGoal::nearest(1), 60'000, 60'000);
  std::uint64_t next = 50'000;
  std::size_t asked_in_all = 0;
  while (const auto question = search.next(config_, Instant(0s))) {
    ++asked_in_all;
    std::vector<Contact> contacts;
    for (int i = 0; i < 20; ++i) contacts.push_back(node(--next));
    if (asked_in_all > 2000) contacts.clear();
    search.on_nodes(question->to.id, contacts, Distance::max(), Instant(0s));
  }
  EXPECT_TRUE(search.done());
}

TEST_F(LookupTest, TracesItsPathHopByHop) {
  LookupGoal goal = LookupGoal::nearest(2);
  goal.trace = true;
  Lookup search = lookup(goal, 100, 101);
  asked(search);
  answer(search, 100, {5, 101});
  asked(search);
  search.on_failure(node(101).id, Instant(1500ms));
  answer(search, 5);
  EXPECT_TRUE(search.done());
  LookupResult result;
  search.finish(Instant(2s), result);
  ASSERT_EQ(result.path.size(), 3u);
  EXPECT_EQ(result.path[0].told_by, id_of(UINT64_MAX));
  EXPECT_EQ(result.path[0].contacts, 2);
  EXPECT_EQ(result.path[0].news, 1);
  EXPECT_EQ(result.path[0].took, 1s);
  EXPECT_EQ(result.path[1].state, Hop::State::kFailed);
  EXPECT_EQ(result.path[2].told_by, node(100).id);
  EXPECT_EQ(result.path[2].depth, 2);
  EXPECT_EQ(result.failed, 1);
}

}  // namespace
}  // namespace kadenza::distributed::kademlia
