// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/enrolment/commands.hpp"

#include <span>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "core/base32.hpp"

namespace kadenza::distributed::enrolment {
namespace {

namespace json = boost::json;
using core::Errc;
using core::fail;
using core::Result;
using core::Task;

constexpr std::chrono::seconds kCallPatience{30};

std::string written(core::WallTime time) {
  return fmt::format("{:%Y-%m-%d %H:%M} UTC", std::chrono::floor<std::chrono::seconds>(time));
}

Result<std::string> text_param(const json::object& params, std::string_view name) {
  const auto* value = params.if_contains(name);
  const auto* text = value != nullptr ? value->if_string() : nullptr;
  if (text == nullptr) return fail(Errc::kInvalidArgument, fmt::format("the text “{}” is missing", name));
  return std::string(*text);
}

Result<Member> member_param(const json::object& params, const Membership& membership) {
  KADENZA_TRY(const std::string text, text_param(params, "node"));
  const std::vector<Member> members = membership.members();
  return named_member(members, text);
}

json::object in_json(const Member& member) {
  return {{"id", member.id.text()}, {"name", member.name}};
}

Task<Result<json::value>> invite(Enrolment& enrolment, json::object params) {
  KADENZA_CO_TRY(std::string name, text_param(params, "name"));
  const auto* seconds = params.if_contains("expires_seconds");
  if (seconds == nullptr || !seconds->is_int64()) {
    co_return fail(Errc::kInvalidArgument, "the number “expires_seconds” is missing");
  }
  auto token = co_await enrolment.invite(std::move(name), std::chrono::seconds(seconds->get_int64()));
  if (!token) co_return std::unexpected(std::move(token).error());
  json::array addresses;
  for (const std::string& address : token->addresses) addresses.emplace_back(address);
  co_return json::value{{"token", token->text()},
                        {"expires", written(token->expires)},
                        {"expires_ms", token->expires.time_since_epoch().count()},
                        {"addresses", std::move(addresses)}};
}

json::value list(const Membership& membership, const core::NodeId& self) {
  json::array members;
  for (const Member& member : membership.members()) {
    json::object entry = in_json(member);
    entry["since"] = written(member.since);
    entry["issuer"] = member.authority.has_value();
    entry["self"] = member.id == self;
    members.push_back(std::move(entry));
  }
  return {{"members", std::move(members)}};
}

Task<Result<json::value>> remove(Enrolment& enrolment, const Membership& membership, json::object params) {
  KADENZA_CO_TRY(const Member member, member_param(params, membership));
  auto unreached = co_await enrolment.remove(member.id);
  if (!unreached) co_return std::unexpected(std::move(unreached).error());
  json::array away;
  const std::vector<Member> members = membership.members();
  for (const core::NodeId& id : *unreached) {
    if (const Member* one = find(members, id)) away.push_back(in_json(*one));
  }
  json::object answer = in_json(member);
  answer["unreached"] = std::move(away);
  co_return answer;
}

Task<Result<json::value>> export_cluster(Enrolment& enrolment, json::object params) {
  KADENZA_CO_TRY(std::string passphrase, text_param(params, "passphrase"));
  auto sealed = co_await enrolment.export_cluster(std::move(passphrase));
  if (!sealed) co_return std::unexpected(std::move(sealed).error());
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(sealed->data()), sealed->size());
  co_return json::value{{"sealed", core::base32_encode(bytes)}};
}

}  // namespace

void add_cluster_commands(control::ControlServer& control, Enrolment& enrolment, const Membership& membership,
                          core::NodeId self) {
  control.add("invite", [&](json::object params) { return invite(enrolment, std::move(params)); });
  control.add("members", [&membership, self](json::object) -> Task<Result<json::value>> {
    co_return list(membership, self);
  });
  control.add("issuer.add", [&](json::object params) -> Task<Result<json::value>> {
    KADENZA_CO_TRY(const Member member, member_param(params, membership));
    auto made = co_await enrolment.make_issuer(member.id);
    if (!made) co_return std::unexpected(std::move(made).error());
    co_return in_json(member);
  });
  control.add("remove",
              [&](json::object params) { return remove(enrolment, membership, std::move(params)); });
  control.add("export", [&](json::object params) { return export_cluster(enrolment, std::move(params)); });
}

void add_rpc_command(control::ControlServer& control, const Membership& membership, FindContact find_contact,
                     CallJson call, const core::Clock& clock) {
  control.add("rpc",
              [&membership, &clock, find_contact = std::move(find_contact),
               call = std::move(call)](json::object params) -> Task<Result<json::value>> {
                KADENZA_CO_TRY(const Member member, member_param(params, membership));
                KADENZA_CO_TRY(std::string method, text_param(params, "method"));
                const auto* given = params.if_contains("request");
                std::string request = given != nullptr ? json::serialize(*given) : "{}";
                const core::Deadline deadline = clock.now() + kCallPatience;
                auto contact = co_await find_contact(member.id, deadline);
                if (!contact) co_return std::unexpected(std::move(contact).error());
                auto reply = co_await call(*contact, std::move(method), std::move(request), deadline);
                if (!reply) co_return std::unexpected(std::move(reply).error());
                co_return json::parse(*reply);
              });
}

}  // namespace kadenza::distributed::enrolment
