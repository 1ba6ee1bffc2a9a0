// SPDX-License-Identifier: AGPL-3.0-or-later
#include "app/node.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <system_error>
#include <thread>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>
#include <prometheus/registry.h>
#include <spdlog/spdlog.h>

#include "app/cluster.hpp"
#include "app/https.hpp"
#include "app/music.hpp"
#include "app/network.hpp"
#include "app/standing.hpp"
#include "core/clock.hpp"
#include "middleware/token_store.hpp"
#include "services/accounts/local_accounts.hpp"
#include "services/library/local_library.hpp"
#include "views/http_server.hpp"
#include "web/site.hpp"

namespace kadenza::app {
namespace asio = boost::asio;
using core::Result;

namespace {

/// Uploads wait on their thread for the disk's fsync; there are enough for searches to pass them.
constexpr std::size_t kBlockingThreads = 16;

/// How long a node that joins others waits for them before it says that it is ready to serve what it has.
constexpr auto kJoinPatience = std::chrono::seconds(5);

/// kadenza-media is installed beside kadenza.
std::filesystem::path media_program() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "kadenza-media";
}

Result<std::uint64_t> space_for(const interface::ServeOptions& options) {
  if (options.capacity) return *options.capacity;
  std::error_code error;
  const auto space = std::filesystem::space(options.data, error);
  if (error) {
    return core::fail(core::Errc::kInternal, fmt::format("Cannot measure the disk of {}: {}.",
                                                         options.data.string(), error.message()));
  }
  return space.capacity;
}

views::HttpOptions http_options(const interface::ServeOptions& options, std::optional<views::TlsFiles> tls) {
  views::HttpOptions http;
  for (const auto& address : options.http) {
    http.listen.push_back({address.host, address.port, tls.has_value()});
  }
  http.tls = std::move(tls);
  http.limits.upload_bytes = options.upload_limit;
  http.version = KADENZA_VERSION;
  return http;
}

}  // namespace

struct Node::Parts {
  Parts(unsigned http_threads, std::function<void()> when_drained)
      : on_drained(std::move(when_drained)),
        work(io.get_executor()),
        blocking(kBlockingThreads),
        tokens(middleware::TokenStore::of_user()) {
    for (unsigned i = 0; i < http_threads; ++i) threads.emplace_back([this] { io.run(); });
  }

  Result<void> start(const interface::ServeOptions& options);
  Result<void> start_network(const interface::ServeOptions& options);
  Result<void> open_https(const interface::ServeOptions& options);
  Result<void> start_http(const interface::ServeOptions& options);
  core::Task<void> ready_when_joined();
  services::accounts::PasswordAccounts& accounts();
  std::vector<std::string> urls() const;
  std::vector<std::string> public_urls() const;
  void leave_local_tokens();
  void remove_local_tokens();

  /// Runs a coroutine on the node's threads and waits for its end; for the main thread.
  template <class T>
  T wait_for(core::Task<T> task) {
    return asio::co_spawn(asio::make_strand(io), std::move(task), asio::use_future).get();
  }

  const std::function<void()> on_drained;
  core::SystemClock clock;
  asio::io_context io;
  asio::executor_work_guard<asio::io_context::executor_type> work;
  asio::thread_pool blocking;
  std::vector<std::jthread> threads;

  std::unique_ptr<services::library::LocalLibrary> library;
  std::unique_ptr<services::accounts::LocalAccounts> own_accounts;  ///< none: the cluster's
  std::unique_ptr<NodeNetwork> network;                             ///< none: --standalone
  std::unique_ptr<Cluster> cluster;                                 ///< likewise
  std::unique_ptr<Music> music;                                     ///< likewise
  bool began_cluster = false;
  std::optional<interface::PublicUrl> public_url;
  std::unique_ptr<Https> https;
  std::unique_ptr<views::HttpServer> http;

  const middleware::TokenStore tokens;
  std::vector<middleware::Endpoint> endpoints_with_token;
};

Result<void> Node::Parts::start(const interface::ServeOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(options.data, error);
  if (error) {
    return core::fail(core::Errc::kInternal,
                      fmt::format("cannot create the folder {}: {}", options.data.string(), error.message()));
  }
  std::filesystem::permissions(options.data, std::filesystem::perms::owner_all, error);

  services::library::LocalLibrary::Options library_options;
  library_options.data = options.data;
  library_options.capacity = options.capacity.value_or(UINT64_MAX);
  library_options.upload_limit = options.upload_limit;
  library_options.media_program = media_program();
  library_options.io = io.get_executor();
  library_options.blocking = blocking.get_executor();
  library_options.clock = &clock;
  KADENZA_TRY(library, services::library::LocalLibrary::open(std::move(library_options)));

  if (options.network) {
    KADENZA_TRY_VOID(start_network(options));
  } else {
    KADENZA_TRY_VOID(open_https(options));
    KADENZA_TRY(own_accounts,
                services::accounts::LocalAccounts::open(
                    {.directory = options.data, .blocking = blocking.get_executor(), .clock = &clock}));
  }
  public_url = options.public_url;
  KADENZA_TRY_VOID(wait_for(https->prepare()));
  KADENZA_TRY_VOID(start_http(options));
  leave_local_tokens();  // before anybody hears that this node is ready
  if (music) music->announce_http(public_urls());
  if (network && network->expects_others()) {
    asio::co_spawn(io, ready_when_joined(), asio::detached);
  } else {
    http->set_ready(true);
  }
  return {};
}

Result<void> Node::Parts::start_network(const interface::ServeOptions& options) {
  KADENZA_TRY(const auto capacity, space_for(options));
  const auto& choice = options.network->cluster;
  KADENZA_TRY(const auto settings, chosen_settings(choice));  // before anything is written
  KADENZA_TRY(auto domains, web_domains(options));
  KADENZA_TRY(auto standing, take_standing(*options.network, options.data, clock));
  began_cluster = standing.how == distributed::enrolment::Standing::How::kBegan;
  KADENZA_TRY(network, NodeNetwork::start({.network = *options.network,
                                           .id = standing.key->id(),
                                           .keys = standing.keys.cluster,
                                           .seeds = standing.identity.seeds,
                                           .data = options.data,
                                           .capacity = capacity,
                                           .io = io.get_executor(),
                                           .blocking = blocking.get_executor(),
                                           .clock = &clock}));
  KADENZA_TRY(cluster, Cluster::open({.standing = std::move(standing),
                                      .network = *options.network,
                                      .settings = settings,
                                      .data = options.data,
                                      .io = io.get_executor(),
                                      .blocking = blocking.get_executor(),
                                      .clock = &clock,
                                      .kademlia = network->kademlia(),
                                      .web_domains = std::move(domains)}));
  KADENZA_TRY_VOID(check_confirmed(choice, cluster->document().view()->settings));
  KADENZA_TRY_VOID(open_https(options));
  cluster->control().add("ca", [this](boost::json::object) -> core::Task<Result<boost::json::value>> {
    co_return https->describe();
  });
  KADENZA_TRY(music, Music::open({.cluster = *cluster,
                                  .local = *library,
                                  .kademlia = network->kademlia(),
                                  .self = network->self(),
                                  .data = options.data,
                                  .capacity = capacity,
                                  .grace = options.grace,
                                  .repair_rate = options.repair_rate,
                                  .scrub_every = options.scrub_every,
                                  .version = KADENZA_VERSION,
                                  .io = io.get_executor(),
                                  .blocking = blocking.get_executor(),
                                  .clock = &clock,
                                  .on_drained = on_drained}));
  KADENZA_TRY_VOID(cluster->start());
  music->start();
  return {};
}

services::accounts::PasswordAccounts& Node::Parts::accounts() {
  return music ? music->accounts() : *own_accounts;
}

std::vector<std::string> Node::Parts::urls() const {
  std::vector<std::string> result;
  for (const auto& address : http->addresses()) result.push_back(address.url());
  return result;
}

/// Where listeners reach this node.
std::vector<std::string> Node::Parts::public_urls() const {
  return public_url ? std::vector{public_url->url} : urls();
}

Result<void> Node::Parts::open_https(const interface::ServeOptions& options) {
  Https::Options wanted{
      .serve = options, .io = io.get_executor(), .blocking = blocking.get_executor(), .clock = &clock};
  if (cluster) wanted.sources = [this] { return cluster->web_sources(); };
  KADENZA_TRY(https, Https::open(std::move(wanted)));
  return {};
}

Result<void> Node::Parts::start_http(const interface::ServeOptions& options) {
  core::MusicLibrary& everything = music ? music->library() : *library;
  views::HttpDependencies dependencies{everything,
                                       accounts(),
                                       clock,
                                       std::make_shared<prometheus::Registry>(),
                                       spdlog::default_logger()->clone("http"),
                                       music ? &music->network() : nullptr,
                                       web::site(),
                                       [this] { return https->authority(); }};
  auto http_settings = http_options(options, https->files());
  http_settings.ready = false;
  http = std::make_unique<views::HttpServer>(io.get_executor(), std::move(dependencies),
                                             std::move(http_settings));
  KADENZA_TRY_VOID(http->start());
  https->keep([this] { return http->reload_tls(); });
  return {};
}

core::Task<void> Node::Parts::ready_when_joined() {
  co_await network->joined(kJoinPatience);
  http->set_ready(true);
}

void Node::Parts::leave_local_tokens() {
  for (const auto& address : http->addresses()) {
    const middleware::Endpoint endpoint{.tls = address.tls, .host = address.host, .port = address.port};
    if (auto saved = tokens.save(endpoint, accounts().local_token()); !saved) {
      spdlog::warn("the command line will have to log in, because its token cannot be left: {}",
                   saved.error().detail);
      return;
    }
    endpoints_with_token.push_back(endpoint);
  }
}

void Node::Parts::remove_local_tokens() {
  for (const auto& endpoint : std::exchange(endpoints_with_token, {})) tokens.remove(endpoint);
}

Node::Node(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Node::~Node() {
  stop();
}

Result<std::unique_ptr<Node>> Node::start(const interface::ServeOptions& options,
                                          std::function<void()> on_drained) {
  std::unique_ptr<Node> node(new Node(std::make_unique<Parts>(options.threads, std::move(on_drained))));
  KADENZA_TRY_VOID(node->parts_->start(options));
  return node;
}

std::vector<std::string> Node::urls() const {
  return parts_->urls();
}

std::vector<std::string> Node::public_urls() const {
  return parts_->public_urls();
}

std::optional<std::string> Node::network_endpoint() const {
  return parts_->network ? std::optional(parts_->network->endpoint()) : std::nullopt;
}

bool Node::began_cluster() const {
  return parts_->began_cluster;
}

std::optional<std::string> Node::take_generated_password() {
  return parts_->music ? parts_->music->take_generated_password()
                       : parts_->own_accounts->take_generated_password();
}

Result<void> Node::reload_certificate() {
  return parts_->http->reload_tls();
}

void Node::stop() {
  auto& parts = *parts_;
  if (parts.threads.empty()) return;
  parts.remove_local_tokens();
  if (parts.https) parts.wait_for(parts.https->stop());
  if (parts.http) parts.wait_for(parts.http->stop());
  if (parts.music) parts.wait_for(parts.music->stop());
  if (parts.cluster) parts.wait_for(parts.cluster->stop());
  if (parts.network) parts.wait_for(parts.network->stop());
  if (parts.library) parts.wait_for(parts.library->stop());
  parts.work.reset();
  parts.io.stop();
  parts.threads.clear();
  parts.blocking.join();
}

}  // namespace kadenza::app
