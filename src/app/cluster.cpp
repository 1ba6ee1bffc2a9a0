// SPDX-License-Identifier: AGPL-3.0-or-later
#include "app/cluster.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include "app/standing.hpp"
#include "distributed/enrolment/commands.hpp"
#include "distributed/rpc/json_call.hpp"

namespace kadenza::app {
namespace {

namespace asio = boost::asio;
namespace cluster = distributed::cluster;
namespace control = distributed::control;
namespace enrolment = distributed::enrolment;
namespace identity = distributed::identity;
namespace kademlia = distributed::kademlia;
namespace rpc = distributed::rpc;
using core::Errc;
using core::fail;
using core::Result;
using core::Task;

constexpr std::chrono::seconds kRound{1};
constexpr int kRoundsBetweenKeys = 10;  ///< comparisons of keys with another member
constexpr std::chrono::seconds kStopPatience{2};
constexpr std::size_t kSeedsMax = 20;

rpc::tls::Credentials credentials(const identity::NodeIdentity& own) {
  return {own.certificate.pem(), own.authorities_pem()};
}

asio::ip::tcp::endpoint tcp_endpoint(const kademlia::Endpoint& local) {
  const auto udp = rpc::to_asio(local);
  return {udp.address(), udp.port()};
}

}  // namespace

Cluster::Cluster(Options options)
    : options_(std::move(options)),
      self_(options_.standing.key->id()),
      strand_(asio::make_strand(options_.io)),
      contacts_(options_.standing.identity.seeds),
      loops_(strand_) {}

Result<std::unique_ptr<Cluster>> Cluster::open(Options options) {
  std::unique_ptr<Cluster> made(new Cluster(std::move(options)));
  KADENZA_TRY_VOID(made->open_document());
  KADENZA_TRY_VOID(made->build());
  return made;
}

Result<void> Cluster::open_document() {
  const std::string file = document_file(options_.data).string();
  cluster::ClusterDocument::Options document{
      .self = self_, .clock = options_.clock, .save = cluster::save_to(file)};
  KADENZA_TRY(const auto bytes, cluster::load_document(file));
  if (bytes) {
    KADENZA_TRY(document_, cluster::ClusterDocument::open(std::move(document), *bytes));
  } else {
    KADENZA_TRY(document_, cluster::ClusterDocument::create(
                               std::move(document), options_.standing.identity.cluster, options_.settings));
  }
  return {};
}

/// A newcomer is certified before the document that lists it has reached everybody. While the authority of a
/// removed issuer is believed, for those that it certified before, only listed members are let in.
rpc::tls::TlsIdentity::IsMember Cluster::member_check() {
  return [this](const core::NodeId& id) {
    return document_->is_member(id) || (!only_listed_ && !document_->is_removed(id));
  };
}

bool Cluster::founder() const {
  const auto& standing = options_.standing;
  return standing.authority && standing.authority->certificate().fingerprint() == standing.identity.cluster;
}

Result<void> Cluster::build() {
  KADENZA_TRY(identity_,
              rpc::tls::TlsIdentity::create(*options_.standing.key, credentials(options_.standing.identity),
                                            member_check()));
  peers_ = std::make_unique<rpc::PeerConnections>(options_.io, *options_.clock, identity_);
  exchange_ = std::make_unique<cluster::ClusterExchange>(
      cluster::ClusterExchange::Parts{.document = *document_,
                                      .peers = *peers_,
                                      .clock = *options_.clock,
                                      .timers = timers_,
                                      .random = random_,
                                      .blocking = options_.blocking,
                                      .contacts = [this] { return known_contacts(); }});
  membership_ = std::make_unique<enrolment::DocumentMembership>(*document_, options_.blocking,
                                                                [this] { return exchange_->spread(); });
  const enrolment::FindContact find = [this](core::NodeId id, core::Deadline deadline) {
    return find_contact(id, deadline);
  };
  const enrolment::IdentityFiles files(options_.data);
  keys_ = std::make_unique<enrolment::KeyKeeper>(
      enrolment::KeyKeeper::Options{.self = self_,
                                    .keys = options_.standing.keys,
                                    .file = files.keys,
                                    .blocking = options_.blocking,
                                    .peers = peers_.get(),
                                    .membership = membership_.get(),
                                    .find_contact = find,
                                    .clock = options_.clock,
                                    .changed = [this](const auto& keys) { keys_changed(keys); }});
  KADENZA_TRY(enrolment_,
              enrolment::Enrolment::open(
                  {.files = files,
                   .key = options_.standing.key,
                   .identity = options_.standing.identity,
                   .authority = options_.standing.authority,
                   .addresses = token_addresses(options_.network, options_.kademlia->local().port),
                   .blocking = options_.blocking,
                   .membership = membership_.get(),
                   .keys = keys_.get(),
                   .peers = peers_.get(),
                   .find_contact = find,
                   .seeds = [this] { return seeds(); },
                   .clock = options_.clock,
                   .changed = [this](const auto& own) { identity_changed(own); }}));
  note_retired(options_.standing.identity);
  web_issuer_ = std::make_unique<enrolment::WebIssuer>(
      enrolment::WebIssuer::Options{.self = self_,
                                    .file = files.web_authority,
                                    .domains = options_.web_domains,
                                    .check_issuer = [this] { return enrolment_->check_issuer(); },
                                    .blocking = options_.blocking,
                                    .clock = options_.clock});
  KADENZA_TRY_VOID(web_issuer_->load());

  exchange_->serve(handlers_);
  keys_->serve(handlers_);
  enrolment_->serve(handlers_);
  web_issuer_->serve(handlers_);
  enrolment_->serve_joining(*joining_);
  server_ = std::make_unique<rpc::RpcServer>(
      options_.io, *options_.clock, identity_, handlers_,
      rpc::RpcServer::Options{.listen = {tcp_endpoint(options_.kademlia->local())}});
  server_->set_joining(joining_);

  control_ = std::make_unique<control::ControlServer>(options_.io);
  enrolment::add_cluster_commands(*control_, *enrolment_, *membership_, self_);
  const enrolment::CallJson call = [this](kademlia::Contact to, std::string method, std::string request,
                                          core::Deadline deadline) {
    return rpc::call_json(*peers_, to, std::move(method), std::move(request), deadline);
  };
  const enrolment::FindContact find_any = [this](core::NodeId id,
                                                 core::Deadline deadline) -> Task<Result<kademlia::Contact>> {
    if (id == self_) co_return kademlia::Contact{self_, options_.kademlia->local()};
    co_return co_await find_contact(id, deadline);
  };
  enrolment::add_rpc_command(*control_, *membership_, find_any, call, *options_.clock);
  return {};
}

std::vector<enrolment::WebSource> Cluster::web_sources() {
  return enrolment::web_sources(
      {*membership_, self_, *web_issuer_, *peers_,
       [this](core::NodeId id, core::Deadline deadline) { return find_contact(id, deadline); },
       *options_.clock});
}

Result<void> Cluster::start() {
  KADENZA_TRY_VOID(server_->start());
  KADENZA_TRY_VOID(control_->start(options_.data));
  loops_.spawn([this] { return keep_up(); });
  loops_.spawn([this] { return exchange_->run(); });
  return {};
}

Task<void> Cluster::stop() {
  co_await control_->stop();
  co_await server_->stop(kStopPatience);
  co_await loops_.stop();
  co_await peers_->stop();
}

rpc::RefusalCounters::Snapshot Cluster::refusals() const {
  auto sum = server_->snapshot().refusals;
  const auto ours = peers_->snapshot().refusals;
  std::ranges::transform(sum, ours, sum.begin(), std::plus{});
  return sum;
}

void Cluster::identity_changed(const identity::NodeIdentity& own) {
  note_retired(own);
  if (auto replaced = identity_->replace(credentials(own)); !replaced) {
    spdlog::error("the new certificate cannot be used: {}", replaced.error().detail);
  }
}

void Cluster::note_retired(const identity::NodeIdentity& own) {
  const auto members = membership_->members();
  const auto present = enrolment::authorities(members);
  const auto listed = [&](const identity::Certificate& authority) {
    return std::ranges::find(present, authority.fingerprint(), &identity::Certificate::fingerprint) !=
           present.end();
  };
  only_listed_ = !members.empty() && !std::ranges::all_of(own.authorities, listed);
}

void Cluster::keys_changed(const identity::ClusterKeys& keys) {
  asio::co_spawn(options_.io, options_.kademlia->set_keys(keys.cluster), asio::detached);
}

Task<void> Cluster::keep_up() {
  asio::steady_timer timer(strand_);
  for (int round = 0;; ++round) {
    co_await note_contacts();
    co_await look_after_membership();
    if (round % kRoundsBetweenKeys == 0) co_await look_after_keys();
    timer.expires_after(kRound);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

Task<void> Cluster::look_after_membership() {
  const auto view = document_->view();
  if (view->digest == seen_) co_return;
  for (const core::NodeId& id : view->removed) {
    peers_->drop(id);
    server_->drop(id);
  }
  auto registered = co_await enrolment_->register_self();
  if (!registered) spdlog::warn("this node is not listed as a member: {}", registered.error().detail);
  auto refreshed = co_await enrolment_->refresh();
  if (!refreshed) {
    spdlog::warn("the certificate is not renewed yet: {}", refreshed.error().detail);
    co_return;
  }
  seen_ = view->digest;
}

Task<void> Cluster::look_after_keys() {
  auto contacts = known_contacts();
  if (!contacts.empty()) {
    const kademlia::Contact with = contacts[next_key_partner_++ % contacts.size()];
    (void)co_await keys_->exchange(with);  // whoever does not answer is followed by another
  }
  if (auto finished = co_await keys_->finish_rotation(); !finished) {
    spdlog::warn("the rotation of keys does not go on: {}", finished.error().detail);
  }
}

Task<void> Cluster::note_contacts() {
  const auto seen = co_await options_.kademlia->snapshot();
  std::vector<kademlia::Contact> found;
  for (const auto& bucket : seen.buckets) {
    for (const auto* views : {&bucket.contacts, &bucket.replacements}) {
      for (const auto& view : *views) found.push_back(view.contact);
    }
  }
  const std::lock_guard lock(contacts_mutex_);
  for (const kademlia::Contact& old : contacts_) {
    if (std::ranges::find(found, old.id, &kademlia::Contact::id) == found.end()) found.push_back(old);
  }
  std::erase_if(found, [&](const kademlia::Contact& one) {
    return one.id == self_ || document_->is_removed(one.id) || !one.endpoint.usable();
  });
  contacts_ = std::move(found);
}

std::vector<kademlia::Contact> Cluster::known_contacts() const {
  const std::lock_guard lock(contacts_mutex_);
  return contacts_;
}

Task<Result<kademlia::Contact>> Cluster::find_contact(core::NodeId id, core::Deadline deadline) {
  const auto known = known_contacts();
  const auto found = std::ranges::find(known, id, &kademlia::Contact::id);
  if (found != known.end()) co_return *found;
  auto looked_up = co_await options_.kademlia->lookup(id, kademlia::LookupGoal::nearest(1), deadline);
  if (!looked_up) co_return std::unexpected(std::move(looked_up).error());
  for (const kademlia::Contact& contact : looked_up->contacts) {
    if (contact.id == id) co_return contact;
  }
  co_return fail(Errc::kUnavailable, "The node is not in reach at present.");
}

/// Whoever starts from these may find nobody else alive, so they include whoever was met just now.
Task<std::vector<kademlia::Contact>> Cluster::seeds() {
  co_await note_contacts();
  const auto seen = co_await options_.kademlia->snapshot();
  std::vector<kademlia::Contact> seeds{seen.self};
  if (!seeds.front().endpoint.usable()) seeds.front().endpoint = options_.kademlia->local();
  for (const kademlia::Contact& contact : known_contacts()) {
    if (seeds.size() < kSeedsMax) seeds.push_back(contact);
  }
  co_return seeds;
}

}  // namespace kadenza::app
