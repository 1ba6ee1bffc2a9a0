// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/kademlia_driver.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include "core/await_on.hpp"
#include "core/blocking.hpp"
#include "core/replace_file.hpp"

namespace kadenza::distributed::rpc {
namespace {

namespace asio = boost::asio;
using core::Errc;
using core::fail;
using core::Instant;
using core::Result;
using core::Task;
using kademlia::Contact;
using kademlia::LookupResult;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

/// How many batches one turn of the strand reads before timers and lookups get theirs.
constexpr int kBatchesPerTurn = 4;

std::chrono::steady_clock::time_point steady(Instant when) {
  return std::chrono::steady_clock::time_point(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(when.time_since_epoch()));
}

std::vector<Contact> load_table(const std::filesystem::path& file) {
  if (file.empty()) return {};
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return {};
  std::vector<std::uint8_t> bytes(kademlia::kSavedTableBytesMax + 1);
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(stream.gcount()));
  auto contacts = kademlia::decode_saved_table(bytes);
  if (contacts) return std::move(*contacts);
  spdlog::warn("{} is not a routing table that this version can read; others are found by the seeds.",
               file.string());
  return {};
}

}  // namespace

/// A lookup that somebody awaits. The timer is its deadline; cancelling the timer wakes the caller.
struct KademliaDriver::Waiting {
  explicit Waiting(const Strand& strand) : wake(strand) {}
  asio::steady_timer wake;
  std::optional<LookupResult> result;
};

Result<std::shared_ptr<KademliaDriver>> KademliaDriver::open(asio::any_io_executor executor,
                                                             asio::any_io_executor blocking,
                                                             const core::Clock& clock, Options options) {
  Strand strand(executor);
  KADENZA_TRY(UdpSocket socket, UdpSocket::open(strand, options.listen));
  auto saved = load_table(options.saved_table);
  std::shared_ptr<KademliaDriver> driver(
      new KademliaDriver(strand, std::move(blocking), clock, std::move(options), std::move(socket)));
  driver->saved_ = std::move(saved);
  return driver;
}

KademliaDriver::KademliaDriver(Strand strand, asio::any_io_executor blocking, const core::Clock& clock,
                               Options options, UdpSocket socket)
    : strand_(std::move(strand)),
      blocking_(std::move(blocking)),
      clock_(clock),
      options_(std::move(options)),
      socket_(std::move(socket)),
      local_(socket_.local()),
      seal_(options_.keys, random_),
      node_(Contact{options_.id, options_.advertise.value_or(kademlia::Endpoint{}), options_.capacity_class},
            options_.config, random_),
      wakeup_(strand_),
      save_interval_(options_.save_interval_min),
      save_timer_(strand_) {}

void KademliaDriver::start() {
  asio::post(strand_, [self = shared_from_this()] {
    if (self->stopped_) return;
    self->node_.bootstrap(self->saved_, self->options_.seeds, self->clock_.now(), self->outbox_);
    self->wait_readable();
    self->save_later();
    self->carry_out();
  });
}

// ------------------------------------------------------------------------------------------------ datagrams

void KademliaDriver::wait_readable() {
  socket_.handle().async_wait(asio::ip::udp::socket::wait_read,
                              [self = shared_from_this()](const boost::system::error_code& error) {
                                if (error || self->stopped_) return;
                                self->on_readable();
                                self->wait_readable();
                              });
}

void KademliaDriver::on_readable() {
  for (const kademlia::Endpoint& endpoint : socket_.unreachable()) {
    node_.unreachable(endpoint, clock_.now(), outbox_);
  }
  for (int batch = 0; batch < kBatchesPerTurn; ++batch) {
    const auto datagrams = socket_.receive();
    const Instant now = clock_.now();
    for (const UdpSocket::Datagram& datagram : datagrams) receive_one(datagram, now);
    carry_out();
    if (datagrams.size() < UdpSocket::kBatch) return;
  }
}

void KademliaDriver::receive_one(const UdpSocket::Datagram& datagram, Instant now) {
  ++wire_.datagrams_in;
  wire_.bytes_in += datagram.bytes.size();
  if (datagram.truncated) {
    ++wire_.dropped_size;
    return;
  }
  std::array<std::uint8_t, UdpSeal::kDatagramMax> plain;
  const auto opened = seal_.open(datagram.bytes, plain);
  if (!opened) {
    switch (opened.error()) {
      case UdpSeal::Refusal::kSize:
        ++wire_.dropped_size;
        break;
      case UdpSeal::Refusal::kHeader:
        ++wire_.dropped_header;
        break;
      case UdpSeal::Refusal::kUnknownKey:
        ++wire_.dropped_unknown_key;
        break;
      case UdpSeal::Refusal::kNotAuthentic:
        ++wire_.dropped_not_authentic;
        break;
    }
    return;
  }
  const auto message = codec_.decode(*opened);
  if (!message) {
    ++wire_.dropped_malformed;
    return;
  }
  node_.receive(datagram.from, *message, now, outbox_);
}

void KademliaDriver::carry_out() {
  if (const Instant now = clock_.now(); node_.next_wakeup() <= now) node_.tick(now, outbox_);
  for (const kademlia::Send& send : outbox_.sends) {
    std::array<std::uint8_t, kademlia::kMessageBytesMax> plain;
    const std::size_t size = codec_.encode(send.message, plain);
    const std::size_t sealed = seal_.seal(std::span(plain).first(size), socket_.prepare());
    socket_.commit(send.to, sealed);
    ++wire_.datagrams_out;
    wire_.bytes_out += sealed;
  }
  wire_.not_sent += socket_.flush();
  for (LookupResult& result : outbox_.finished) {
    const auto found = waiting_.find(static_cast<std::uint64_t>(result.id));
    if (found == waiting_.end()) continue;
    found->second->result = std::move(result);
    found->second->wake.cancel();
    waiting_.erase(found);
  }
  outbox_.clear();
  rearm();
}

void KademliaDriver::rearm() {
  // A timer that fires too early is harmless; setting it anew for every datagram would cost more.
  const Instant next = node_.next_wakeup();
  if (next >= armed_ || stopped_) return;
  armed_ = next;
  wakeup_.expires_at(steady(next));
  wakeup_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (error || self->stopped_) return;
    self->armed_ = Instant::max();
    self->carry_out();
  });
}

// -------------------------------------------------------------------------------------------------- lookups

Task<Result<LookupResult>> KademliaDriver::lookup(kademlia::Key target, kademlia::LookupGoal goal,
                                                  core::Deadline deadline) {
  auto work = [self = shared_from_this(), target, goal, deadline] {
    return self->lookup_on_strand(target, goal, deadline);
  };
  co_return co_await core::await_on(strand_, std::move(work));
}

Task<Result<LookupResult>> KademliaDriver::lookup_on_strand(kademlia::Key target, kademlia::LookupGoal goal,
                                                            core::Deadline deadline) {
  if (stopped_) co_return fail(Errc::kUnavailable, "This node is shutting down.");
  const Instant now = clock_.now();
  if (deadline <= now) co_return fail(Errc::kDeadlineExceeded, "The lookup had no time at all.");
  const auto id = node_.start(target, goal, now, outbox_);
  if (!id) co_return fail(Errc::kTooManyRequests, "Too many lookups are under way; try again in a moment.");
  auto waiting = std::make_shared<Waiting>(strand_);
  waiting->wake.expires_at(steady(deadline));
  waiting_.emplace(static_cast<std::uint64_t>(*id), waiting);
  carry_out();
  boost::system::error_code error;
  if (!waiting->result) {
    auto [woken] = co_await waiting->wake.async_wait(kTuple);
    error = woken;
  }
  if (waiting->result) co_return std::move(*waiting->result);
  waiting_.erase(static_cast<std::uint64_t>(*id));
  node_.cancel(*id);
  if (stopped_) co_return fail(Errc::kUnavailable, "This node is shutting down.");
  if (error) co_return fail(Errc::kCancelled);
  co_return fail(Errc::kDeadlineExceeded, "The lookup did not end in time.");
}

// --------------------------------------------------------------------------------------- the node from
// outside

Task<NetworkSnapshot> KademliaDriver::snapshot() {
  auto work = [self = shared_from_this()] { return self->snapshot_on_strand(); };
  co_return co_await core::await_on(strand_, std::move(work));
}

Task<NetworkSnapshot> KademliaDriver::snapshot_on_strand() {
  using State = NetworkSnapshot::ContactState;
  const Instant now = clock_.now();
  NetworkSnapshot view;
  view.self = node_.self();
  if (view.self.endpoint.unspecified()) view.self.endpoint = local_;
  view.size_estimate = node_.network_size();
  view.joined = node_.joined();
  view.link_suspected = node_.link_suspected();
  view.messages = node_.counters();
  view.round_trips = node_.round_trips();
  view.wire = wire_;
  for (const kademlia::Bucket& bucket : node_.table().buckets()) {
    auto& shown = view.buckets.emplace_back();
    shown.shared_bits = view.buckets.size() - 1;
    const auto seen = [now](const kademlia::Entry& entry) -> NetworkSnapshot::ContactView {
      const State state = entry.excluded()     ? State::kDead
                          : entry.failures > 0 ? State::kFailing
                                               : State::kGood;
      return {entry.contact, entry.rtt.smoothed(), now - entry.checked, state};
    };
    std::ranges::transform(bucket.live, std::back_inserter(shown.contacts), seen);
    std::ranges::transform(bucket.cache, std::back_inserter(shown.replacements), seen);
  }
  co_return view;
}

Task<void> KademliaDriver::set_keys(identity::KeyRing keys) {
  auto work = [self = shared_from_this(), ring = std::move(keys)]() -> Task<void> {
    self->seal_.set_ring(ring);
    co_return;
  };
  co_await core::await_on(strand_, std::move(work));
}

Task<void> KademliaDriver::stop() {
  auto work = [self = shared_from_this()] { return self->stop_on_strand(); };
  co_await core::await_on(strand_, std::move(work));
}

Task<void> KademliaDriver::stop_on_strand() {
  if (stopped_) co_return;
  stopped_ = true;
  wakeup_.cancel();
  save_timer_.cancel();
  boost::system::error_code ignored;
  socket_.handle().close(ignored);
  for (auto& [id, waiting] : waiting_) waiting->wake.cancel();
  waiting_.clear();
  co_await save();
}

// -------------------------------------------------------------------------------------------- the saved
// table

std::vector<Contact> KademliaDriver::contacts_to_save() const {
  std::vector<Contact> contacts;
  const auto buckets = node_.table().buckets();
  for (std::size_t i = buckets.size(); i-- > 0;) {
    for (const kademlia::Entry& entry : buckets[i].live) {
      if (!entry.excluded() && contacts.size() < kademlia::Maintenance::kSavedMax)
        contacts.push_back(entry.contact);
    }
  }
  return contacts;
}

void KademliaDriver::save_later() {
  if (options_.saved_table.empty()) return;
  save_timer_.expires_after(save_interval_);
  save_interval_ = std::min(2 * save_interval_, options_.save_interval_max);
  save_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (error || self->stopped_) return;
    asio::co_spawn(self->strand_, self->save(), [self](std::exception_ptr) {
      if (!self->stopped_) self->save_later();
    });
  });
}

Task<void> KademliaDriver::save() {
  const std::vector<Contact> contacts = contacts_to_save();
  // An empty table is no better than the last one that was not.
  if (contacts.empty() || options_.saved_table.empty()) co_return;
  auto write = [file = options_.saved_table, bytes = kademlia::encode_saved_table(contacts)] {
    return core::replace_file(
        file, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), 0600);
  };
  const Result<void> written = co_await core::run_on(blocking_, std::move(write));
  if (!written) spdlog::warn("The routing table was not saved: {}", written.error().detail);
}

}  // namespace kadenza::distributed::rpc
