// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/enrolment/standing.hpp"

#include <array>

#include <fmt/format.h>
#include <unistd.h>

namespace kadenza::distributed::enrolment {
namespace {

using core::Errc;
using core::fail;
using core::Result;
using core::Task;
using identity::NodeIdentity;

bool usable(const NodeIdentity& identity, core::WallTime now) {
  return now < identity.certificate.not_after();
}

Result<void> check_may_begin(const StartOptions& options, const IdentityFiles& files) {
  std::error_code unknown;
  if (std::filesystem::exists(files.keys, unknown) && !std::filesystem::exists(files.authority, unknown)) {
    return fail(
        Errc::kConflict,
        fmt::format("This node began to join a cluster and did not finish. Start it with the same token "
                    "again (--join), or with an empty folder instead of {}.",
                    options.folder.string()));
  }
  if (!options.may_begin) {
    return fail(Errc::kInvalidArgument,
                "This node is not a member yet, and --bootstrap is for members. Make a token on an issuer "
                "(kadenza cluster invite) and start with --join TOKEN.");
  }
  return {};
}

}  // namespace

std::string machine_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "node";
  const std::string_view whole(name.data());
  const std::string first(whole.substr(0, std::min(whole.find('.'), std::size_t{64})));
  return first.empty() ? "node" : first;
}

Task<Result<Standing>> take_standing(StartOptions options, JoinCall call, SaveDocument save_document,
                                     const core::Clock& clock) {
  const IdentityFiles files(options.folder);
  const core::WallTime now = clock.wall_now();
  KADENZA_CO_TRY(auto loaded_key, identity::NodeKey::load_or_create(files.node_key));
  auto key = std::make_shared<const identity::NodeKey>(std::move(loaded_key));
  const std::string name = options.name.empty() ? machine_name() : options.name;

  KADENZA_CO_TRY(std::optional<NodeIdentity> identity, NodeIdentity::load(files.membership));
  Standing::How how = Standing::How::kMember;
  if (identity && !usable(*identity, now) && !options.join) {
    co_return fail(Errc::kForbidden,
                   "This node's certificate has expired, because it was away for long. Make a token on an "
                   "issuer (kadenza cluster invite) and start once with --join TOKEN; nothing is lost.");
  }
  if (options.join && (!identity || !usable(*identity, now))) {
    KADENZA_CO_TRY(const identity::JoinToken token, identity::JoinToken::parse(*options.join));
    auto joined = co_await enrol(files, *key, token, name, call, save_document, clock);
    if (!joined) co_return std::unexpected(std::move(joined).error());
    identity = std::move(*joined);
    how = Standing::How::kJoined;
  } else if (!identity) {
    KADENZA_CO_TRY_VOID(check_may_begin(options, files));
    KADENZA_CO_TRY(identity, create_cluster(files, *key, name, now));
    how = Standing::How::kBegan;
  }

  const auto certified = identity->certificate.node();
  if (!certified || *certified != key->id()) {
    co_return fail(Errc::kForbidden,
                   fmt::format("The certificate in {} is not of the key in {}: these files are of two nodes. "
                               "Restore those of one.",
                               files.membership.string(), files.node_key.string()));
  }
  KADENZA_CO_TRY(auto keys, identity::ClusterKeys::load(files.keys));
  KADENZA_CO_TRY(auto authority, identity::Authority::load(files.authority));
  co_return Standing{std::move(key), std::move(*identity), std::move(keys), std::move(authority), how};
}

}  // namespace kadenza::distributed::enrolment
