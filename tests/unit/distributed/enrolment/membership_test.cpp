// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/enrolment/membership.hpp"

#include <gtest/gtest.h>

#include "core/sha256.hpp"

namespace kadenza::distributed::enrolment {
namespace {

Member member(std::string name, std::initializer_list<std::uint8_t> first_bytes) {
  Member made{core::NodeId{core::sha256(name).bytes}, name, {}, std::nullopt};
  std::ranges::copy(first_bytes, made.id.bytes.begin());
  return made;
}

const std::vector<Member> kMembers{member("attic", {1, 2, 3}), member("cellar", {1, 2, 4}),
                                   member("garage", {200, 1, 1})};

TEST(Membership, PeopleNameNodesByIdNameOrBeginning) {
  const std::string garage = kMembers[2].id.text();
  EXPECT_EQ(named_member(kMembers, garage)->name, "garage");
  EXPECT_EQ(named_member(kMembers, "garage")->id, kMembers[2].id);
  EXPECT_EQ(named_member(kMembers, garage.substr(0, 4))->name, "garage");
  EXPECT_EQ(named_member(kMembers, garage.substr(0, 3)).error().code, core::Errc::kNotFound);
  EXPECT_EQ(named_member(kMembers, "nobody").error().code, core::Errc::kNotFound);
  const std::string shared = kMembers[0].id.text().substr(0, 4);
  ASSERT_TRUE(kMembers[1].id.text().starts_with(shared));
  EXPECT_EQ(named_member(kMembers, shared).error().code, core::Errc::kConflict);
}

TEST(Membership, NamesAreUnique) {
  EXPECT_EQ(*free_name(kMembers, core::NodeId{}, "roof"), "roof");
  EXPECT_EQ(*free_name(kMembers, core::NodeId{}, "attic"), "attic-2");
  EXPECT_EQ(*free_name(kMembers, kMembers[0].id, "attic"), "attic") << "its own";
  for (const std::string& name : {std::string(), std::string(65, 'x'), std::string("a\nb")}) {
    EXPECT_FALSE(free_name(kMembers, core::NodeId{}, name));
  }
}

}  // namespace
}  // namespace kadenza::distributed::enrolment
