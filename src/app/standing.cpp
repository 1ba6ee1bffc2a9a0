// SPDX-License-Identifier: AGPL-3.0-or-later
#include "app/standing.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "app/machine_addresses.hpp"
#include "core/replace_file.hpp"
#include "distributed/control/control_server.hpp"
#include "distributed/identity/join_token.hpp"
#include "distributed/rpc/join_call.hpp"
#include "distributed/rpc/udp_socket.hpp"

namespace kadenza::app {
namespace {

namespace asio = boost::asio;
namespace enrolment = distributed::enrolment;
using core::Result;

constexpr std::string_view kJoinPath = "/kadenza.v1.Enrolment/Join";

std::string written(const asio::ip::address& host, std::uint16_t port) {
  return host.is_v6() ? fmt::format("[{}]:{}", host.to_string(), port)
                      : fmt::format("{}:{}", host.to_string(), port);
}

/// "HOST:PORT" of a token.
Result<std::vector<asio::ip::tcp::endpoint>> resolve(const std::string& address) {
  KADENZA_TRY(const interface::ListenAddress parsed, interface::parse_peer_address(address));
  asio::io_context resolving;
  boost::system::error_code error;
  const auto found =
      asio::ip::tcp::resolver(resolving).resolve(parsed.host, std::to_string(parsed.port), error);
  if (error) return core::fail(core::Errc::kUnavailable, "its address cannot be found: " + error.message());
  std::vector<asio::ip::tcp::endpoint> endpoints;
  for (const auto& entry : found) endpoints.push_back(entry.endpoint());
  return endpoints;
}

core::Task<Result<std::string>> join_at(const core::Clock& clock, std::string address, core::Digest authority,
                                        std::string request, core::Deadline deadline) {
  KADENZA_CO_TRY(const auto endpoints, resolve(address));
  Result<std::string> answer = core::fail(core::Errc::kUnavailable, "its name has no address");
  for (const auto& endpoint : endpoints) {
    const auto to = distributed::rpc::from_asio({endpoint.address(), endpoint.port()});
    const auto executor = co_await asio::this_coro::executor;
    answer =
        co_await distributed::rpc::join_call(executor, clock, to, authority, kJoinPath, request, deadline);
    if (answer || answer.error().code != core::Errc::kUnavailable) break;
  }
  co_return answer;
}

enrolment::SaveDocument save_document_in(const std::filesystem::path& data) {
  return [file = document_file(data)](std::string_view document) {
    return core::replace_file(file, document, 0600);
  };
}

void log_standing(const enrolment::Standing& standing, const interface::NetworkOptions& options,
                  const std::filesystem::path& data) {
  const std::string cluster = standing.identity.cluster.text().substr(0, 10);
  switch (standing.how) {
    case enrolment::Standing::How::kBegan:
      spdlog::info(
          "this node begins a new cluster, {}; others join it with: kadenza cluster invite --data {}",
          cluster, data.string());
      break;
    case enrolment::Standing::How::kJoined:
      spdlog::info("this node has joined the cluster {} as {}", cluster, standing.identity.name);
      break;
    case enrolment::Standing::How::kMember:
      if (options.join) spdlog::info("this node is a member already; the join token is not needed");
      break;
  }
}

}  // namespace

std::filesystem::path document_file(const std::filesystem::path& data) {
  return data / "cluster-document";
}

Result<enrolment::Standing> take_standing(const interface::NetworkOptions& options,
                                          const std::filesystem::path& data, const core::Clock& clock) {
  asio::io_context io;
  enrolment::JoinCall call = [&clock](std::string address, core::Digest authority, std::string request,
                                      core::Deadline deadline) {
    return join_at(clock, std::move(address), authority, std::move(request), deadline);
  };
  enrolment::StartOptions start{
      .folder = data, .join = options.join, .name = options.name, .may_begin = options.bootstrap.empty()};
  std::optional<Result<enrolment::Standing>> standing;
  auto taking = [&]() -> core::Task<void> {
    standing.emplace(
        co_await enrolment::take_standing(std::move(start), std::move(call), save_document_in(data), clock));
  };
  auto taken = asio::co_spawn(io, taking, asio::use_future);
  io.run();
  taken.get();
  if (*standing) log_standing(**standing, options, data);
  return std::move(*standing);
}

Result<distributed::cluster::Settings> chosen_settings(const interface::ClusterChoice& choice) {
  distributed::cluster::Settings settings;
  settings.replicas = choice.replicas.value_or(settings.replicas);
  // Who asks for one replica cannot mean to wait for two.
  settings.write_quorum = choice.write_quorum.value_or(std::min(settings.write_quorum, settings.replicas));
  settings.candidates = choice.candidates.value_or(settings.candidates);
  if (choice.partitions) {
    KADENZA_TRY(settings.partition_bits, distributed::cluster::Settings::bits_for(*choice.partitions));
  }
  KADENZA_TRY_VOID(settings.check());
  return settings;
}

Result<void> check_confirmed(const interface::ClusterChoice& choice,
                             const distributed::cluster::Settings& agreed) {
  const bool same = choice.replicas.value_or(agreed.replicas) == agreed.replicas &&
                    choice.write_quorum.value_or(agreed.write_quorum) == agreed.write_quorum &&
                    choice.candidates.value_or(agreed.candidates) == agreed.candidates &&
                    choice.partitions.value_or(agreed.partitions()) == agreed.partitions();
  if (same) return {};
  return core::fail(core::Errc::kInvalidArgument,
                    fmt::format("this node's cluster was created with {}, which stay as they are; leave out "
                                "--replicas, --write-quorum, --candidates and --partitions",
                                agreed.text()));
}

std::vector<std::string> token_addresses(const interface::NetworkOptions& options, std::uint16_t port) {
  if (options.advertise) {
    const bool v6 = options.advertise->host.find(':') != std::string::npos;
    return {fmt::format("{}{}{}:{}", v6 ? "[" : "", options.advertise->host, v6 ? "]" : "",
                        options.advertise->port)};
  }
  boost::system::error_code is_a_name;
  const auto host = asio::ip::make_address(options.listen.host, is_a_name);
  if (is_a_name) return {fmt::format("{}:{}", options.listen.host, port)};
  if (!host.is_unspecified()) return {written(host, port)};
  std::vector<std::string> addresses;
  for (const auto& address : machine_addresses(host.is_v6())) {
    if (addresses.size() < distributed::identity::JoinToken::kAddressesMax) {
      addresses.push_back(written(address, port));
    }
  }
  return addresses;
}

Result<std::string> recover(const interface::RecoverRequest& request) {
  std::error_code error;
  std::filesystem::create_directories(request.data, error);
  if (error) {
    return core::fail(core::Errc::kInternal, fmt::format("Cannot create the folder {}: {}.",
                                                         request.data.string(), error.message()));
  }
  std::filesystem::permissions(request.data, std::filesystem::perms::owner_all, error);
  if (distributed::control::is_served(request.data)) {
    return core::fail(core::Errc::kConflict,
                      fmt::format("A node runs with the folder {}. Stop it first.", request.data.string()));
  }
  const enrolment::IdentityFiles files(request.data);
  const core::SystemClock clock;
  const std::string name = request.name.empty() ? enrolment::machine_name() : request.name;
  KADENZA_TRY(const auto identity,
              enrolment::recover_cluster(files, request.exported, request.passphrase, name,
                                         save_document_in(request.data), clock.wall_now()));
  KADENZA_TRY(const core::NodeId id, identity.certificate.node());
  return id.text();
}

}  // namespace kadenza::app
