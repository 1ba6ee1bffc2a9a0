// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/drain_command.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <boost/json/object.hpp>
#include <fmt/format.h>

namespace kadenza::distributed {
namespace {

namespace json = boost::json;
using core::Errc;
using core::Result;
using core::Task;

/// Progress is told when there is news, or after this time.
constexpr auto kAnswerTime = std::chrono::seconds(1);
constexpr auto kLook = std::chrono::milliseconds(50);

std::size_t others_that_store(const Member& member) {
  const auto members = member.directory().members();
  return static_cast<std::size_t>(std::ranges::count_if(members, [](const placement::Candidate& other) {
    return !other.silent && !other.leaving && other.contact.capacity_class != 0;
  }));
}

Result<void> begin(const DrainParts& parts) {
  if (parts.member.repair_state().departure) return {};
  if (!parts.others_can_invite()) {
    return core::fail(Errc::kConflict,
                      "no other node could invite new ones when this one has left; make one an issuer first "
                      "(kadenza cluster issuer add NODE)");
  }
  const auto others = others_that_store(parts.member);
  const auto needed = parts.member.settings().replicas;
  if (others < needed) {
    return core::fail(Errc::kConflict,
                      fmt::format("every song is kept by {} nodes, and {} others can store songs now; add "
                                  "nodes first, or end this one without draining it: the others keep what "
                                  "copies they have",
                                  needed, others));
  }
  parts.member.leave();
  return {};
}

Result<core::Departure> departure_of(const Member& member) {
  const auto departure = member.repair_state().departure;
  if (!departure) return core::fail(Errc::kCancelled, "the node stays after all");
  return *departure;
}

json::value in_json(const core::Departure& departure) {
  return {{"songs", departure.songs},
          {"bytes", departure.bytes},
          {"safe_songs", departure.safe_songs},
          {"safe_bytes", departure.safe_bytes},
          {"homeless_songs", departure.homeless_songs},
          {"documents_left", departure.documents_left},
          {"done", departure.done}};
}

Result<json::value> drain(const DrainParts& parts) {
  KADENZA_TRY_VOID(begin(parts));
  KADENZA_TRY(const auto departure, departure_of(parts.member));
  return in_json(departure);
}

Task<Result<json::value>> progress(const DrainParts& parts) {
  KADENZA_CO_TRY(const auto before, departure_of(parts.member));
  const auto until = parts.clock.now() + kAnswerTime;
  auto now = before;
  while (now == before && !now.done && parts.clock.now() < until) {
    co_await parts.timers.sleep_until(parts.clock.now() + kLook);
    KADENZA_CO_TRY(now, departure_of(parts.member));
  }
  co_return in_json(now);
}

Result<json::value> cancel(Member& member) {
  const auto departure = member.repair_state().departure;
  if (!departure) return core::fail(Errc::kConflict, "this node is not being drained");
  member.stay();
  return in_json(*departure);
}

}  // namespace

void add_drain_commands(control::ControlServer& control, DrainParts parts) {
  control.add("drain.cancel", [&member = parts.member](json::object) -> Task<Result<json::value>> {
    co_return cancel(member);
  });
  control.add("drain", [parts](json::object) -> Task<Result<json::value>> { co_return drain(parts); });
  control.add("drain.progress", [parts = std::move(parts)](json::object) { return progress(parts); });
}

}  // namespace kadenza::distributed
