// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/enrolment/document_membership.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "core/sha256.hpp"
#include "distributed/identity/authority.hpp"

namespace kadenza::distributed::enrolment {
namespace {

namespace asio = boost::asio;
using core::Result;
using core::Task;

TEST(DocumentMembership, WritesToTheDocumentAndTellsTheOthers) {
  const core::SystemClock clock;
  const core::NodeId self{core::sha256("self").bytes};
  const core::NodeId other{core::sha256("other").bytes};
  auto document = *cluster::ClusterDocument::create(
      {.self = self, .clock = &clock, .save = [](std::string_view) { return Result<void>(); }},
      core::sha256("cluster"), {});
  asio::thread_pool pool{1};
  int spread = 0;
  DocumentMembership membership(*document, pool.get_executor(), [&]() -> Task<void> {
    ++spread;
    co_return;
  });
  const auto run = [&](Task<Result<void>> task) {
    return asio::co_spawn(pool, std::move(task), asio::use_future).get();
  };
  ASSERT_TRUE(run(membership.add({other, "attic", clock.wall_now(), std::nullopt})));
  ASSERT_EQ(membership.members().size(), 1u);
  EXPECT_EQ(membership.members().front().name, "attic");
  EXPECT_FALSE(membership.members().front().authority);
  EXPECT_TRUE(document->is_member(other));

  const auto authority = identity::Authority::create(clock.wall_now());
  ASSERT_TRUE(run(membership.set_authority(other, authority->certificate())));
  EXPECT_EQ(membership.members().front().authority->fingerprint(), authority->certificate().fingerprint());

  ASSERT_TRUE(run(membership.remove(other)));
  EXPECT_TRUE(membership.members().empty());
  EXPECT_TRUE(membership.is_removed(other));
  EXPECT_FALSE(run(membership.add({other, "attic", clock.wall_now(), std::nullopt})) &&
               document->is_member(other))
      << "removal is final";
  EXPECT_GE(spread, 3);

  auto copy = *cluster::ClusterDocument::open(
      {.self = self, .clock = &clock, .save = [](std::string_view) { return Result<void>(); }},
      membership.document());
  EXPECT_TRUE(copy->is_removed(other));
}

}  // namespace
}  // namespace kadenza::distributed::enrolment
