// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"
#include "distributed/identity/key_ring.hpp"
#include "distributed/kademlia/codec.hpp"
#include "distributed/kademlia/node.hpp"
#include "distributed/rpc/secure_random.hpp"
#include "distributed/rpc/udp_seal.hpp"
#include "distributed/rpc/udp_socket.hpp"

namespace kadenza::distributed::rpc {

/// Datagrams and bytes (of UDP payload) since the start, and what was dropped before it reached the node.
struct WireCounters {
  std::uint64_t datagrams_in = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t datagrams_out = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t not_sent = 0;
  std::uint64_t dropped_size = 0;    ///< shorter or longer than any of ours
  std::uint64_t dropped_header = 0;  ///< not a datagram of this service or version
  std::uint64_t dropped_unknown_key = 0;
  std::uint64_t dropped_not_authentic = 0;  ///< changed on its way, or sealed by someone who has no key
  std::uint64_t dropped_malformed = 0;      ///< sealed by a member, and not a message all the same
};

/// One node's view of the network, for `kadenza network` and for metrics.
struct NetworkSnapshot {
  enum class ContactState : std::uint8_t { kGood, kFailing, kDead };
  struct ContactView {
    kademlia::Contact contact;
    core::Duration rtt{};
    core::Duration checked_ago{};  ///< since it was last heard or, failing that, tried
    ContactState state = ContactState::kGood;
  };
  struct BucketView {
    std::size_t shared_bits = 0;  ///< with our own id; the last bucket: these or more
    std::vector<ContactView> contacts;
    std::vector<ContactView> replacements;  ///< heard of, or crowded out; no rtt = never met
  };
  kademlia::Contact self;
  double size_estimate = 1;
  bool joined = false;
  bool link_suspected = false;
  std::vector<BucketView> buckets;
  kademlia::Counters messages;
  kademlia::RoundTrips round_trips;
  WireCounters wire;
};

/// A KademliaNode behind one UDP socket: the socket carries our requests, others' requests and the replies to
/// both. Everything runs on one strand; lookup(), snapshot(), set_keys() and stop() may be called from
/// anywhere. Shared: its own handlers keep it alive until stop() has finished.
class KademliaDriver : public std::enable_shared_from_this<KademliaDriver> {
 public:
  struct Options {
    core::NodeId id;
    identity::KeyRing keys;
    boost::asio::ip::udp::endpoint listen;
    std::optional<kademlia::Endpoint> advertise;  ///< where others reach us, if it is not where we send from
    std::uint8_t capacity_class = 1;
    std::vector<kademlia::Endpoint> seeds;
    std::filesystem::path saved_table;  ///< empty = none is kept
    /// Between two times that the table is saved, doubling up to the second: a node that dies young finds
    /// the others again, too.
    core::Duration save_interval_min = std::chrono::seconds(2);
    core::Duration save_interval_max = std::chrono::minutes(5);
    kademlia::Config config;
  };

  /// Binds the socket and reads the saved table; a damaged one is only logged. Blocking. As
  /// UdpSocket::open(). `blocking`: where files are written. `clock` must outlive the driver and be the
  /// machine's own.
  static core::Result<std::shared_ptr<KademliaDriver>> open(boost::asio::any_io_executor executor,
                                                            boost::asio::any_io_executor blocking,
                                                            const core::Clock& clock, Options options);

  /// Begins to answer and to look for others.
  void start();
  /// Ends lookups (kUnavailable), closes the socket and saves the table. To be awaited once before the last
  /// owner goes.
  core::Task<void> stop();

  /// kDeadlineExceeded, kCancelled (by Asio's cancellation), kTooManyRequests, kUnavailable (stopped).
  core::Task<core::Result<kademlia::LookupResult>> lookup(kademlia::Key target, kademlia::LookupGoal goal,
                                                          core::Deadline deadline);
  core::Task<NetworkSnapshot> snapshot();
  /// New keys, the current one first; replaces all that were there.
  core::Task<void> set_keys(identity::KeyRing keys);

  const core::NodeId& id() const noexcept { return options_.id; }
  kademlia::Endpoint local() const { return local_; }

 private:
  struct Waiting;
  using Strand = boost::asio::strand<boost::asio::any_io_executor>;

  KademliaDriver(Strand strand, boost::asio::any_io_executor blocking, const core::Clock& clock,
                 Options options, UdpSocket socket);

  core::Task<core::Result<kademlia::LookupResult>> lookup_on_strand(kademlia::Key target,
                                                                    kademlia::LookupGoal goal,
                                                                    core::Deadline deadline);
  core::Task<NetworkSnapshot> snapshot_on_strand();
  core::Task<void> stop_on_strand();
  void wait_readable();
  void on_readable();
  void receive_one(const UdpSocket::Datagram& datagram, core::Instant now);
  void carry_out();
  void rearm();
  void save_later();
  core::Task<void> save();
  std::vector<kademlia::Contact> contacts_to_save() const;

  Strand strand_;
  boost::asio::any_io_executor blocking_;
  const core::Clock& clock_;
  Options options_;
  UdpSocket socket_;
  kademlia::Endpoint local_;
  SecureRandom random_;
  UdpSeal seal_;
  kademlia::Codec codec_;
  kademlia::KademliaNode node_;
  kademlia::Outbox outbox_;
  WireCounters wire_;
  std::vector<kademlia::Contact> saved_;
  boost::unordered_flat_map<std::uint64_t, std::shared_ptr<Waiting>> waiting_;  ///< by LookupId
  boost::asio::steady_timer wakeup_;
  core::Instant armed_ = core::Instant::max();
  core::Duration save_interval_;
  boost::asio::steady_timer save_timer_;
  bool stopped_ = false;
};

}  // namespace kadenza::distributed::rpc
