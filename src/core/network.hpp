// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"

namespace kadenza::core {

/// Another node as this one sees it.
struct NetworkContact {
  enum class State : std::uint8_t {
    kLive,       ///< answered its last request
    kSuspected,  ///< did not answer once
    kDead,       ///< did not answer twice in a row; kept to see it come back
    kCandidate,  ///< heard of, not met yet
  };

  NodeId id;
  std::string endpoint;  ///< "192.0.2.1:4748", "[2001:db8::1]:4748"
  std::uint8_t capacity_class = 0;
  State state = State::kCandidate;
  std::optional<Duration> round_trip;  ///< smoothed
  std::optional<Duration> heard_ago;   ///< none when it did not answer the last time it was asked
};

/// The contacts that share exactly (the last bucket: at least) so many leading bits with this node's id.
struct NetworkBucket {
  unsigned shared_bits = 0;
  std::vector<NetworkContact> contacts;
  std::vector<NetworkContact> candidates;
};

/// How long answers took since the start.
struct RoundTrips {
  std::vector<std::pair<Duration, std::uint64_t>> at_most;  ///< a bound, and how many took no longer; rising
  std::uint64_t count = 0;
  Duration total{};
};

/// A member of the cluster, as people know it.
struct NetworkMember {
  NodeId id;
  std::string name;
  std::vector<std::string> http;  ///< URLs where listeners reach it
  bool self = false;
  bool healthy = false;                       ///< it answers calls
  bool leaving = false;                       ///< it empties itself
  std::optional<Duration> round_trip;         ///< of calls, smoothed
  std::optional<std::uint64_t> stored_bytes;  ///< none: not heard yet
  std::uint64_t capacity_bytes = 0;           ///< configured
};

/// A node that holds a song.
struct SongHolder {
  NodeId node;
  bool self = false;
};

/// This node's part in keeping listeners' documents, since the start.
struct DocumentsState {
  std::uint64_t held = 0;         ///< copies
  std::uint64_t merged = 0;       ///< brought up to date from other holders
  std::uint64_t surplus = 0;      ///< held that other nodes shall hold
  std::uint64_t handed_over = 0;  ///< dropped here, once enough holders had promised to keep them
  std::uint64_t unsafe = 0;       ///< while it leaves: those that too few others keep yet
};

/// How far a node is with emptying itself before it leaves. Its own copies stay.
struct Departure {
  std::uint64_t songs = 0;  ///< that it holds
  std::uint64_t bytes = 0;
  std::uint64_t safe_songs = 0;  ///< those that as many others as wanted have promised to keep
  std::uint64_t safe_bytes = 0;
  /// Those that too few others can take, as far as is known: they have no room, or are too few.
  std::uint64_t homeless_songs = 0;
  std::uint64_t documents_left = 0;  ///< that too few others keep yet
  bool done = false;

  friend bool operator==(const Departure&, const Departure&) = default;
};

/// What all members of the cluster agree on, since it was created.
struct NetworkSettings {
  std::uint32_t replicas = 0;      ///< nodes that hold each song
  std::uint32_t write_quorum = 0;  ///< nodes that store a song before its upload is acknowledged
  std::uint32_t candidates = 0;    ///< nodes nearest to a song among which its holders are
  std::uint32_t partitions = 0;    ///< parts into which songs fall
};

/// How this node keeps the library whole: what it still has to do, and what it did since the start.
struct RepairState {
  std::uint64_t songs = 0;  ///< that it holds
  /// Of the songs that this node looks after (it is the first live one of their holders): those of which
  /// fewer holders than wanted have a copy now.
  std::uint64_t under_replicated = 0;
  std::uint64_t bytes_to_move = 0;    ///< of songs that this node has yet to copy
  std::optional<Duration> time_left;  ///< at the configured rate; none: nothing is left
  std::uint64_t songs_copied = 0;
  std::uint64_t bytes_copied = 0;
  std::uint64_t copies_failed = 0;
  std::uint64_t surplus = 0;         ///< songs held that other nodes shall hold: handed over to them
  std::uint64_t handed_over = 0;     ///< dropped here, once enough holders had promised to keep them
  std::uint64_t scrubbed_bytes = 0;  ///< read from the disk and compared with their hashes
  std::uint64_t scrub_passes = 0;    ///< over all songs
  double scrub_progress = 0;         ///< of the present pass, 0 to 1
  std::uint64_t rotten = 0;          ///< songs of which the disk had lost bytes
  std::uint64_t healed = 0;          ///< those of them that were copied again
  DocumentsState documents;
  std::optional<Departure> departure;  ///< none: it stays
};

/// One node's view of the network, at one moment.
struct NetworkSnapshot {
  NodeId self;
  std::string endpoint;
  double estimated_nodes = 1;          ///< this one included
  bool joined = false;                 ///< somebody answered, and the own neighbourhood is known
  bool link_suspected = false;         ///< nobody answers: this node's own link seems to be down
  std::vector<NetworkMember> members;  ///< of the cluster, this node included; in the order of ids
  std::vector<NetworkBucket> buckets;
  /// Named counters since the start. Datagrams dropped unread are "dropped_" and the reason.
  std::vector<std::pair<std::string, std::uint64_t>> traffic;
  RoundTrips round_trips;
  /// Connections between nodes that were refused since the start, by reason ("no_certificate").
  std::vector<std::pair<std::string, std::uint64_t>> refused;
  NetworkSettings settings;
  RepairState repair;
};

/// One request of a lookup.
struct LookupHop {
  enum class State : std::uint8_t { kAnswered, kLate, kFailed, kNotNeeded };

  NodeId id;
  std::string endpoint;
  unsigned hop = 0;               ///< 1 = from the own table
  std::optional<NodeId> told_by;  ///< who named it; none = own table
  unsigned shared_bits = 0;       ///< with the key
  State state = State::kNotNeeded;
  Duration asked_after{};        ///< since the lookup began
  std::optional<Duration> took;  ///< until its answer
};

struct LookupTrace {
  NodeId key;
  std::vector<NetworkContact> nearest;  ///< those that answered, nearest first, without this node
  std::size_t nearer_than_self = 0;     ///< how many of them are nearer than this node itself
  std::vector<LookupHop> hops;          ///< in the order of asking
  Duration took{};
};

/// The network as Views show it. Thread-safe.
class Network {
 public:
  virtual ~Network() = default;
  virtual Task<Result<NetworkSnapshot>> snapshot(Deadline deadline) = 0;
  /// Finds the nodes nearest to `key`. kTooManyRequests when too many are under way.
  virtual Task<Result<LookupTrace>> lookup(NodeId key, Deadline deadline) = 0;
  /// The nodes that have the song, as they say themselves when asked now; the first in its order first.
  virtual Task<Result<std::vector<SongHolder>>> holders(SongId id, Deadline deadline) = 0;
};

}  // namespace kadenza::core
