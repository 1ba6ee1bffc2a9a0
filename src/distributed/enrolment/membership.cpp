// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/enrolment/membership.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace kadenza::distributed::enrolment {
namespace {

using core::Errc;
using core::fail;

constexpr std::size_t kPrefixMin = 4;
constexpr std::size_t kNameBytesMax = 64;

}  // namespace

const Member* find(std::span<const Member> members, const core::NodeId& id) {
  const auto found = std::ranges::find(members, id, &Member::id);
  return found == members.end() ? nullptr : &*found;
}

std::vector<identity::Certificate> authorities(std::span<const Member> members) {
  std::vector<identity::Certificate> found;
  for (const Member& member : members) {
    if (member.authority) found.push_back(*member.authority);
  }
  return found;
}

core::Result<Member> named_member(std::span<const Member> members, std::string_view text) {
  std::vector<Member> fitting;
  for (const Member& member : members) {
    if (member.id.text() == text || member.name == text) return member;
    if (text.size() >= kPrefixMin && member.id.text().starts_with(text)) fitting.push_back(member);
  }
  if (fitting.size() == 1) return fitting.front();
  if (fitting.empty()) {
    return fail(Errc::kNotFound,
                fmt::format("No member is called “{}”, and no id begins with it (at least {} "
                            "letters). “kadenza cluster members” lists them.",
                            text, kPrefixMin));
  }
  return fail(Errc::kConflict, fmt::format("{} members have ids that begin with “{}”. Give more letters.",
                                           fitting.size(), text));
}

core::Result<std::string> free_name(std::span<const Member> members, const core::NodeId& id,
                                    std::string_view wish) {
  const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (wish.empty() || wish.size() > kNameBytesMax || std::ranges::any_of(wish, control)) {
    return fail(Errc::kInvalidArgument,
                fmt::format("A node's name has 1 to {} bytes and no control characters.", kNameBytesMax));
  }
  std::string name(wish);
  const auto taken = [&](const Member& member) { return member.name == name && member.id != id; };
  for (int number = 2; std::ranges::any_of(members, taken); ++number)
    name = fmt::format("{}-{}", wish, number);
  return name;
}

}  // namespace kadenza::distributed::enrolment
