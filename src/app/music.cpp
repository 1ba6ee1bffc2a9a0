// SPDX-License-Identifier: AGPL-3.0-or-later
#include "app/music.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include <spdlog/spdlog.h>

#include "app/cluster.hpp"
#include "core/blocking.hpp"
#include "core/system_timers.hpp"
#include "distributed/cluster/cluster_accounts.hpp"
#include "distributed/distributed_library.hpp"
#include "distributed/drain_command.hpp"
#include "distributed/kademlia_routing.hpp"
#include "distributed/member.hpp"
#include "distributed/member_book.hpp"
#include "distributed/network_view.hpp"
#include "distributed/peers/node_methods.hpp"
#include "distributed/rpc/secure_random.hpp"
#include "distributed/song_holders.hpp"
#include "distributed/streaming/song_cache.hpp"
#include "services/library/local_library.hpp"

namespace kadenza::app {
namespace {

using namespace distributed;
using core::Result;
using core::Task;

/// Of the member's looks at the others: so seldom they are asked how they are.
constexpr unsigned kRoundsBetweenQuestions = 5;
/// For so many times the grace period a song is promised to whoever drops it.
constexpr int kPromisedGraces = 4;
/// So long a node that is empty waits: whoever emptied it asks every second, and shall hear of it.
constexpr auto kFarewell = std::chrono::seconds(3);

}  // namespace

/// In the order of construction; what is below uses what is above it.
struct Music::Parts {
  explicit Parts(Options given) : options(std::move(given)), clock(*options.clock) {}

  Result<void> open();
  Result<void> open_member();
  Result<void> open_accounts();
  void open_view();
  void serve_describe();
  bool keep_own_record();
  Task<void> keep_books(unsigned round);
  void end_when_drained();

  const Options options;
  const core::Clock& clock;
  const core::Instant started = clock.now();
  core::SystemTimers timers;
  rpc::SecureRandom random;

  std::unique_ptr<streaming::SongCache> cache;
  std::unique_ptr<KademliaRouting> routing;
  std::unique_ptr<Member> member;
  std::unique_ptr<DistributedLibrary> library;
  std::unique_ptr<cluster::ClusterAccounts> accounts;
  std::unique_ptr<MemberBook> members;
  std::unique_ptr<NetworkView> view;

  std::optional<core::Instant> drained;  ///< since when; used by keep_books() alone
  bool ended = false;                    ///< likewise
  std::mutex urls_mutex;                 ///< guards the one below
  std::vector<std::string> http_urls;
};

Result<void> Music::Parts::open() {
  KADENZA_TRY_VOID(open_member());
  KADENZA_TRY_VOID(open_accounts());
  open_view();
  serve_describe();
  member->serve(options.cluster.handlers());
  auto others_can_invite = [&document = options.cluster.document(), self = options.self.id] {
    return std::ranges::any_of(document.view()->members, [&](const cluster::Member& other) {
      return other.id != self && !other.authority.empty();
    });
  };
  add_drain_commands(options.cluster.control(), {.member = *member,
                                                 .clock = clock,
                                                 .timers = timers,
                                                 .others_can_invite = std::move(others_can_invite)});
  return {};
}

Result<void> Music::Parts::open_member() {
  KADENZA_TRY(cache, streaming::SongCache::open({.folder = options.data / "cache"}));
  routing = std::make_unique<KademliaRouting>(options.kademlia);
  auto& document = options.cluster.document();
  member = std::make_unique<Member>(
      Member::Parts{.self = options.self,
                    .peers = options.cluster.peers(),
                    .routing = *routing,
                    .songs = options.local.songs(),
                    .rows = options.local.rows(),
                    .documents = options.local.documents(),
                    .cache = cache.get(),
                    .clock = clock,
                    .timers = timers,
                    .random = random,
                    .executor = options.io,
                    .blocking = options.blocking,
                    .settings = document.view()->settings,
                    .grace = options.grace,
                    .repair = {.schedule = {.promise = kPromisedGraces * options.grace},
                               .bytes_per_second = options.repair_rate,
                               .scrub_every = options.scrub_every},
                    .is_member = [&document](const core::NodeId& id) { return !document.is_removed(id); },
                    .enrolled = [&document] { return document.view()->members.size(); },
                    .on_round = [this](unsigned round) { return keep_books(round); }});
  library = std::make_unique<DistributedLibrary>(options.local, member->replicator(), member->remote_songs());
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
  members =
      std::make_unique<MemberBook>(options.cluster.document(), member->directory(), member->peers(), clock);
  NetworkView::Above above;
  above.members = [this] { return members->members(options.local.songs().used_bytes()); };
  above.holders = [this](core::SongId id, core::Deadline deadline) {
    return song_holders(id, options.local.songs(), member->replicas(), member->directory(),
                        member->settings(), deadline);
  };
  above.repair = [this] { return member->repair_state(); };
  above.refusals = [this] { return options.cluster.refusals(); };
  const auto& settings = member->settings();
  above.settings = {settings.replicas, settings.write_quorum, settings.candidates, settings.partitions()};
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

/// Writes down where this node's listeners are, once it is listed as a member. True: the others are to know.
bool Music::Parts::keep_own_record() {
  auto& document = options.cluster.document();
  const auto shown = document.view();
  const auto listed = std::ranges::find(shown->members, options.self.id, &cluster::Member::id);
  if (listed == shown->members.end()) return false;
  auto record = listed->record;
  {
    const std::lock_guard lock(urls_mutex);
    record.http_urls = http_urls;
  }
  record.capacity_bytes = options.capacity;
  if (record == listed->record || record.http_urls.empty()) return false;
  if (const auto written = document.write(cluster::put_member(options.self.id, record)); !written) {
    spdlog::warn("the other members cannot be told of this node's addresses: {}", written.error().detail);
    return false;
  }
  return true;
}

Task<void> Music::Parts::keep_books(unsigned round) {
  auto keep = [this] { return keep_own_record(); };
  const bool changed = co_await core::run_on(options.blocking, std::move(keep));
  if (changed) co_await options.cluster.exchange().spread();
  end_when_drained();
  if (round % kRoundsBetweenQuestions == 0) co_await members->ask_all();
}

void Music::Parts::end_when_drained() {
  const auto departure = member->repair_state().departure;
  if (!departure || !departure->done) {
    drained.reset();
  } else if (!drained) {
    drained = clock.now();
    spdlog::info("all {} songs of this node are kept by others; it ends", departure->songs);
  } else if (clock.now() - *drained >= kFarewell && !std::exchange(ended, true)) {
    options.on_drained();
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
  parts_->member->start();
}

Task<void> Music::stop() {
  return parts_->member->stop();
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
