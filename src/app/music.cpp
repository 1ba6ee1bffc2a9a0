// SPDX-License-Identifier: AGPL-3.0-or-later
#include "app/music.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include "app/cluster.hpp"
#include "core/await_on.hpp"
#include "core/blocking.hpp"
#include "core/system_timers.hpp"
#include "distributed/catalogue/shared_catalogue.hpp"
#include "distributed/cluster/cluster_accounts.hpp"
#include "distributed/distributed_library.hpp"
#include "distributed/kademlia_routing.hpp"
#include "distributed/member_book.hpp"
#include "distributed/network_view.hpp"
#include "distributed/peers/node_methods.hpp"
#include "distributed/placement/directory.hpp"
#include "distributed/placement/observed_peers.hpp"
#include "distributed/replication/holder.hpp"
#include "distributed/replication/offers.hpp"
#include "distributed/replication/remote_replicas.hpp"
#include "distributed/replication/replicator.hpp"
#include "distributed/rpc/secure_random.hpp"
#include "distributed/song_holders.hpp"
#include "distributed/streaming/remote_songs.hpp"
#include "distributed/streaming/song_cache.hpp"
#include "services/library/local_library.hpp"
#include "services/library/row_store.hpp"
#include "services/library/song_store.hpp"

namespace kadenza::app {
namespace {

namespace asio = boost::asio;
using namespace distributed;
using core::Result;
using core::Task;

/// How often the members are looked for while nobody asks: so soon a new one is used and a dead one passed
/// by.
constexpr auto kAcquaintance = std::chrono::seconds(1);
constexpr unsigned kRoundsBetweenQuestions = 5;
constexpr auto kLookupTimeout = std::chrono::seconds(2);

}  // namespace

/// In the order of construction; what is below uses what is above it.
struct Music::Parts {
  explicit Parts(Options given)
      : options(std::move(given)), clock(*options.clock), strand(asio::make_strand(options.io)) {}

  Result<void> open();
  void open_placement();
  void open_view();
  Result<void> open_songs();
  Result<void> open_accounts();
  void serve_describe();
  Task<bool> announce(core::Song song, core::Deadline deadline);
  void keep_own_record();
  Task<void> keep_acquainted();

  const Options options;
  const core::Clock& clock;
  const core::Instant started = clock.now();
  core::SystemTimers timers;
  rpc::SecureRandom random;
  cluster::Settings settings;

  std::unique_ptr<KademliaRouting> routing;
  std::unique_ptr<placement::ObservedPeers> peers;
  std::shared_ptr<placement::Directory> directory;
  std::unique_ptr<streaming::SongCache> cache;
  std::unique_ptr<replication::RemoteReplicas> replicas;
  replication::Offers offers;
  std::unique_ptr<replication::Holder> holder;
  std::shared_ptr<catalogue::SharedCatalogue> catalogue;
  std::shared_ptr<replication::Replicator> replicator;
  std::shared_ptr<streaming::RemoteSongs> remote_songs;
  std::unique_ptr<DistributedLibrary> library;
  std::unique_ptr<cluster::ClusterAccounts> accounts;
  std::unique_ptr<MemberBook> members;
  std::unique_ptr<NetworkView> view;

  std::mutex urls_mutex;  ///< guards the one below
  std::vector<std::string> http_urls;

  asio::strand<asio::any_io_executor> strand;  ///< of keep_acquainted() and what ends it
  asio::cancellation_signal end_acquaintance;
};

Result<void> Music::Parts::open() {
  settings = options.cluster.document().view()->settings;
  open_placement();
  KADENZA_TRY_VOID(open_songs());
  KADENZA_TRY_VOID(open_accounts());
  open_view();
  auto& handlers = options.cluster.handlers();
  serve_describe();
  holder->add_methods(handlers);
  catalogue->serve(handlers);
  return {};
}

void Music::Parts::open_placement() {
  routing = std::make_unique<KademliaRouting>(options.kademlia);
  placement::Directory::Options places;
  places.self = options.self;
  places.candidates = settings.candidates;
  places.is_member = [&document = options.cluster.document()](const core::NodeId& id) {
    return !document.is_removed(id);
  };
  directory = placement::Directory::create(std::move(places), options.io, clock, *routing);
  peers = std::make_unique<placement::ObservedPeers>(options.cluster.peers(), clock, *directory);
}

Result<void> Music::Parts::open_songs() {
  auto& songs = options.local.songs();
  KADENZA_TRY(cache, streaming::SongCache::open({.folder = options.data / "cache"}));
  replicas = std::make_unique<replication::RemoteReplicas>(*peers);
  holder = std::make_unique<replication::Holder>(replication::Holder::Parts{
      songs, offers, *replicas, clock, timers, options.blocking, cache.get(), directory.get()});
  catalogue = catalogue::SharedCatalogue::create(
      {.executor = options.io,
       .rows = options.local.rows(),
       .peers = *peers,
       .directory = *directory,
       .clock = clock,
       .timers = timers,
       .random = random,
       .settings = settings,
       .on_superseded = [this](const core::Song&,
                               const core::Song& winner) { replicator->take_winner(winner); },
       .options = {}});
  replicator = std::make_shared<replication::Replicator>(replication::Replicator::Parts{
      .directory = *directory,
      .peers = *peers,
      .replicas = *replicas,
      .holder = *holder,
      .songs = songs,
      .offers = offers,
      .clock = clock,
      .timers = timers,
      .executor = options.io,
      .settings = settings,
      .enrolled = [&document = options.cluster.document()] { return document.view()->members.size(); },
      .announce = [this](core::Song song,
                         core::Deadline deadline) { return announce(std::move(song), deadline); }});
  remote_songs = std::make_shared<streaming::RemoteSongs>(streaming::RemoteSongs::Parts{
      *directory, *replicas, clock, timers, cache.get(), options.blocking, settings});
  library = std::make_unique<DistributedLibrary>(options.local, replicator, remote_songs);
  return {};
}

Result<void> Music::Parts::open_accounts() {
  cluster::ClusterAccounts::Config config;
  config.document = &options.cluster.document();
  config.exchange = &options.cluster.exchange();
  config.accounts.blocking = options.blocking;
  config.accounts.clock = &clock;
  if (options.cluster.founder()) config.created_in = options.data;
  KADENZA_TRY(accounts, cluster::ClusterAccounts::open(std::move(config)));
  return {};
}

void Music::Parts::open_view() {
  members = std::make_unique<MemberBook>(options.cluster.document(), *directory, *peers, clock);
  NetworkView::Above above;
  above.members = [this] { return members->members(options.local.songs().used_bytes()); };
  above.holders = [this](core::SongId id, core::Deadline deadline) {
    return song_holders(id, options.local.songs(), *replicas, *directory, settings, deadline);
  };
  above.refusals = [this] { return options.cluster.refusals(); };
  view = std::make_unique<NetworkView>(options.kademlia, std::move(above));
}

void Music::Parts::serve_describe() {
  options.cluster.handlers().add<v1::DescribeRequest>(
      [this](peers::Caller, v1::DescribeRequest) -> Task<Result<v1::DescribeReply>> {
        v1::DescribeReply reply;
        reply.set_version(options.version);
        {
          const std::lock_guard lock(urls_mutex);
          for (const auto& url : http_urls) reply.add_http_urls(url);
        }
        reply.set_name(options.cluster.name());
        reply.set_capacity_bytes(options.capacity);
        reply.set_used_bytes(options.local.songs().used_bytes());
        reply.set_uptime_ms(static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(clock.now() - started).count()));
        co_return reply;
      });
}

/// Here first, so that whoever uploaded finds the song through this node at once.
Task<bool> Music::Parts::announce(core::Song song, core::Deadline deadline) {
  std::vector<core::Song> row{song};
  if (const auto merged = co_await options.local.rows().merge(std::move(row)); !merged) {
    spdlog::error("cannot add a song to the catalogue: {}", merged.error().detail);
  }
  co_return co_await catalogue->announce(std::move(song), deadline);
}

/// Tells the other members where this node's listeners are, once it is listed as a member.
void Music::Parts::keep_own_record() {
  auto& document = options.cluster.document();
  const auto shown = document.view();
  const auto member = std::ranges::find(shown->members, options.self.id, &cluster::Member::id);
  if (member == shown->members.end()) return;
  auto record = member->record;
  {
    const std::lock_guard lock(urls_mutex);
    record.http_urls = http_urls;
  }
  record.capacity_bytes = options.capacity;
  if (record == member->record || record.http_urls.empty()) return;
  if (const auto written = document.write(cluster::put_member(options.self.id, record)); !written) {
    spdlog::warn("the other members cannot be told of this node's addresses: {}", written.error().detail);
  }
}

Task<void> Music::Parts::keep_acquainted() {
  for (unsigned round = 0;; ++round) {
    (void)co_await directory->order(placement::Partition{}, clock.now() + kLookupTimeout);
    auto keep = [this] {
      keep_own_record();
      return true;
    };
    co_await core::run_on(options.blocking, std::move(keep));
    if (round % kRoundsBetweenQuestions == 0) co_await members->ask_all();
    co_await timers.sleep_until(clock.now() + kAcquaintance);
  }
}

Music::Music(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Music::~Music() = default;

Result<std::unique_ptr<Music>> Music::open(Options options) {
  auto parts = std::make_unique<Parts>(std::move(options));
  KADENZA_TRY_VOID(parts->open());
  return std::unique_ptr<Music>(new Music(std::move(parts)));
}

void Music::start() {
  parts_->catalogue->start();
  asio::co_spawn(parts_->strand, parts_->keep_acquainted(),
                 asio::bind_cancellation_slot(parts_->end_acquaintance.slot(), asio::detached));
}

Task<void> Music::stop() {
  co_await parts_->catalogue->stop();
  auto end = [&parts = *parts_]() -> Task<void> {
    parts.end_acquaintance.emit(asio::cancellation_type::terminal);
    co_return;
  };
  co_await core::await_on(parts_->strand, std::move(end));
}

core::MusicLibrary& Music::library() {
  return *parts_->library;
}

core::Network& Music::network() {
  return *parts_->view;
}

services::accounts::PasswordAccounts& Music::accounts() {
  return *parts_->accounts;
}

std::optional<std::string> Music::take_generated_password() {
  return parts_->accounts->take_generated_password();
}

void Music::announce_http(std::vector<std::string> urls) {
  const std::lock_guard lock(parts_->urls_mutex);
  parts_->http_urls = std::move(urls);
}

}  // namespace kadenza::app
