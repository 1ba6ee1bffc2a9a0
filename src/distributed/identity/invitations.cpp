// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/identity/invitations.hpp"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "core/replace_file.hpp"
#include "core/sha256.hpp"
#include "distributed/identity/secret_file.hpp"

namespace kadenza::distributed::identity {
namespace {

namespace json = boost::json;
using core::Errc;
using core::fail;

constexpr int kVersion = 1;
constexpr std::size_t kFileBytesMax = 1 << 20;

std::string written(core::WallTime time) {
  return fmt::format("{:%Y-%m-%d %H:%M} UTC", std::chrono::floor<std::chrono::seconds>(time));
}

}  // namespace

core::Result<Invitations> Invitations::open(std::filesystem::path file) {
  Invitations invitations(std::move(file));
  KADENZA_TRY(const std::optional<std::string> text, read_secret_file(invitations.file_, kFileBytesMax));
  if (text) KADENZA_TRY_VOID(invitations.parse(*text));
  return invitations;
}

core::Result<void> Invitations::parse(std::string_view text) {
  try {
    const json::value document = json::parse(text);
    if (document.at("version").as_int64() != kVersion) throw std::runtime_error("another version");
    for (const json::value& entry : document.at("invitations").as_array()) {
      Invitation invitation;
      const auto hash = core::Digest::parse(entry.at("secret_hash").as_string());
      if (!hash) throw std::runtime_error("a hash that is none");
      invitation.secret_hash = *hash;
      invitation.name = entry.at("name").as_string();
      invitation.expires = core::WallTime(std::chrono::milliseconds(entry.at("expires_ms").as_int64()));
      if (const auto* node = entry.as_object().if_contains("taken_by")) {
        invitation.taken_by = core::NodeId::parse(node->as_string());
        if (!invitation.taken_by) throw std::runtime_error("an id that is none");
      }
      all_.push_back(std::move(invitation));
    }
  } catch (const std::exception& error) {
    return fail(Errc::kCorrupted,
                fmt::format("{} cannot be read: {}. Restore it from a backup, or move it away: invitations "
                            "that are outstanding are then void.",
                            file_.string(), error.what()));
  }
  return {};
}

core::Result<void> Invitations::save() const {
  json::array entries;
  for (const Invitation& invitation : all_) {
    json::object entry{{"secret_hash", invitation.secret_hash.text()},
                       {"name", invitation.name},
                       {"expires_ms", invitation.expires.time_since_epoch().count()}};
    if (invitation.taken_by) entry["taken_by"] = invitation.taken_by->text();
    entries.push_back(std::move(entry));
  }
  const json::value document{{"version", kVersion}, {"invitations", std::move(entries)}};
  return core::replace_file(file_, json::serialize(document), 0600);
}

void Invitations::forget_old(core::WallTime now) {
  std::erase_if(all_, [&](const Invitation& one) { return one.expires + kRemembered < now; });
}

core::Result<JoinToken::Secret> Invitations::invite(std::string name, std::chrono::seconds lifetime,
                                                    core::WallTime now) {
  if (lifetime < std::chrono::seconds(1) || lifetime > kLifetimeMax) {
    return fail(Errc::kInvalidArgument, "An invitation is good for one second to 30 days.");
  }
  forget_old(now);
  const auto outstanding =
      std::ranges::count_if(all_, [&](const Invitation& one) { return !one.taken_by && one.expires > now; });
  if (static_cast<std::size_t>(outstanding) >= kOutstandingMax || all_.size() >= 4 * kOutstandingMax) {
    return fail(Errc::kTooManyRequests,
                "Too many invitations are outstanding. Wait until some have been used or have expired.");
  }
  const JoinToken::Secret secret = JoinToken::new_secret();
  all_.push_back({core::sha256(secret), std::move(name), now + lifetime, std::nullopt});
  if (auto saved = save(); !saved) {
    all_.pop_back();
    return std::unexpected(std::move(saved).error());
  }
  return secret;
}

core::Result<std::string> Invitations::redeem(const JoinToken::Secret& secret, const core::NodeId& node,
                                              core::WallTime now) {
  const auto found = std::ranges::find(all_, core::sha256(secret), &Invitation::secret_hash);
  if (found == all_.end()) {
    return fail(Errc::kNotFound,
                "This node did not make that join token, or long ago. Ask for a new one: kadenza cluster "
                "invite.");
  }
  if (found->taken_by && *found->taken_by != node) {
    return fail(Errc::kConflict,
                "The join token has been used already. Each node needs its own: kadenza cluster invite.");
  }
  if (now >= found->expires) {
    return fail(Errc::kForbidden, fmt::format("The join token expired at {}. Ask for a new one: kadenza "
                                              "cluster invite.",
                                              written(found->expires)));
  }
  if (!found->taken_by) {
    found->taken_by = node;
    if (auto saved = save(); !saved) {
      found->taken_by.reset();
      return std::unexpected(std::move(saved).error());
    }
  }
  return found->name;
}

}  // namespace kadenza::distributed::identity
