// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/request_book.hpp"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "support.hpp"

namespace kadenza::distributed::kademlia {
namespace {

using testing::contact_of;

TEST(RequestBook, FindsByTransactionAndByDeadline) {
  core::SeededRandom random(3);
  RequestBook book;
  EXPECT_EQ(book.next_deadline(), Instant::max());
  const auto late = book.open({.to = contact_of(1, 1), .deadline = Instant(2s)}, random);
  const auto early = book.open({.to = contact_of(2, 2), .deadline = Instant(1s)}, random);
  EXPECT_EQ(book.next_deadline(), Instant(1s));
  EXPECT_EQ(book.due(Instant(999ms)), RequestBook::kNone);
  EXPECT_EQ(book.due(Instant(1s)), early);
  EXPECT_EQ(book.find(book[late].transaction), late);
  EXPECT_EQ(book.find(12345), RequestBook::kNone);
  EXPECT_EQ(book.waiting_for(Endpoint::v4(0x7f000001, 2)), early);
  book.postpone(early, Instant(3s));
  EXPECT_EQ(book.next_deadline(), Instant(2s));
  const std::uint64_t transaction = book[late].transaction;
  book.close(late);
  EXPECT_EQ(book.find(transaction), RequestBook::kNone);
  EXPECT_EQ(book.next_deadline(), Instant(3s));
}

TEST(RequestBook, AgreesWithAnOrderedMap) {
  core::SeededRandom random(4);
  RequestBook book;
  std::map<RequestBook::Slot, Instant> oracle;
  std::set<std::uint64_t> transactions;
  for (int step = 0; step < 20'000; ++step) {
    const Instant deadline(Duration(random.below(1000)));
    const std::uint64_t dice = random.below(3);
    if (dice == 0 || oracle.empty()) {
      const auto slot = book.open({.deadline = deadline}, random);
      ASSERT_TRUE(transactions.insert(book[slot].transaction).second) << "a transaction was used twice";
      ASSERT_TRUE(oracle.emplace(slot, deadline).second);
    } else {
      auto chosen = oracle.begin();
      std::advance(chosen, random.below(oracle.size()));
      if (dice == 1) {
        book.postpone(chosen->first, deadline);
        chosen->second = deadline;
      } else {
        book.close(chosen->first);
        oracle.erase(chosen);
      }
    }
    Instant earliest = Instant::max();
    for (const auto& [slot, when] : oracle) earliest = std::min(earliest, when);
    ASSERT_EQ(book.next_deadline(), earliest);
    ASSERT_EQ(book.size(), oracle.size());
    if (oracle.size() > 200) {
      for (const auto& [slot, when] : oracle) book.close(slot);
      oracle.clear();
    }
  }
}

}  // namespace
}  // namespace kadenza::distributed::kademlia
