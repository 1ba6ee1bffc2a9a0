// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/ids.hpp"
#include "core/song.hpp"
#include "distributed/documents/document.hpp"
#include "sim/coroutines.hpp"
#include "sim/engine.hpp"
#include "sim/library_options.hpp"
#include "sim/member_process.hpp"
#include "sim/memory_document_store.hpp"
#include "sim/memory_row_store.hpp"
#include "sim/memory_song_store.hpp"
#include "sim/network.hpp"
#include "sim/peer_network.hpp"

namespace kadenza::sim {

/// A machine of the cluster, with what survives its processes.
struct LibraryHost {
  core::NodeId id;
  HostId address = 0;
  std::uint8_t capacity_class = 8;
  MemoryDisk disk;
  MemoryRowStore rows{""};
  MemoryDocumentStore documents;
  std::string cluster_document;  ///< beside its key, on a disk of its own that lasts
  std::uint64_t disks = 0;       ///< how many it has had
  std::unique_ptr<distributed::peers::Peers> peers;
  std::vector<std::unique_ptr<MemberProcess>> processes;  ///< the last one runs, or none
  bool member = false;                                    ///< false: it did not join yet, or it left
  bool wrong_clock = false;                               ///< of the process that runs

  MemberProcess* running() const {
    return !processes.empty() && processes.back()->alive() ? processes.back().get() : nullptr;
  }
};

/// A cluster in virtual time: hosts, the network between them, and all that went wrong so far. Checks at
/// every step what must never happen; what must come true at last is in library_checks. Single-threaded.
class LibraryWorld {
 public:
  LibraryWorld(std::uint64_t seed, const LibraryOptions& options);
  ~LibraryWorld();
  LibraryWorld(const LibraryWorld&) = delete;
  LibraryWorld& operator=(const LibraryWorld&) = delete;

  const LibraryOptions& options() const { return options_; }
  Engine& engine() { return engine_; }
  core::Instant now() const { return engine_.now(); }
  SimTimers& timers() { return timers_; }
  Network& network() { return network_; }
  const PeerNetwork& peer_network() const { return peer_network_; }
  /// Runs beside all else. What it refers to must live as long as the world runs.
  void spawn(std::function<core::Task<void>()> body);

  std::deque<LibraryHost>& hosts() { return hosts_; }
  const std::deque<LibraryHost>& hosts() const { return hosts_; }
  std::vector<LibraryHost*> running();
  std::size_t members() const;

  /// A member invites the host, which can start then. False when none can be asked now.
  core::Task<bool> enrol(LibraryHost& host);
  void start(LibraryHost& host);
  void crash(LibraryHost& host);
  /// Somebody looks after the clocks from now on: whoever had a wrong one starts again.
  void set_clocks_right();
  /// The host, which must not run, gets an empty disk. False, and nothing happens, when the old one has the
  /// last intact copy of something: then nobody could be blamed for its loss.
  bool replace_disk(LibraryHost& host);
  /// Flips a bit of one of its songs. False when there is none of which others have intact copies.
  bool rot(LibraryHost& host, Random& random);
  /// Whether some other member knows all that the host, which runs, knows of who belongs to the cluster.
  bool is_known_elsewhere(const LibraryHost& host);
  /// The host, which handed over what it had, goes for good, and is removed from the cluster.
  void depart(LibraryHost& host);

  /// Runs on, and looks after every second at what must never happen.
  void run_for(core::Duration time);

  /// Disks that have the song with this audio as it was stored, or a record that was stored before it.
  std::size_t intact_copies(const core::Song& song, const LibraryHost* except = nullptr) const;
  /// What the disks together have of the document.
  distributed::documents::Document document_on_disks(const core::DocumentId& id,
                                                     const LibraryHost* except = nullptr) const;
  /// The hosts that run, in the order of the partition that has this id.
  std::vector<const LibraryHost*> order_of(const core::SongId& id);

  /// How many disks went lately: so many copies fewer than promised may be there.
  std::size_t lost_lately() const;

  /// An uploader was told that the song is stored: from now on it must be somewhere.
  void acknowledged(const core::Song& song);
  const std::map<std::pair<core::SongId, core::Digest>, core::Song>& acknowledged() const {
    return acknowledged_;
  }

  template <class... T>
  void violation(fmt::format_string<T...> text, T&&... values) {
    note_violation(fmt::format(text, std::forward<T>(values)...));
  }
  const std::vector<std::string>& violations() const { return violations_; }
  /// Part of the trace, and counted.
  void happened(const std::string& what);
  const std::map<std::string, std::uint64_t>& events() const { return events_; }

 private:
  void note_violation(std::string text);
  void add_host(std::uint32_t index);
  std::vector<distributed::kademlia::Contact> reachable(const LibraryHost& from,
                                                        const distributed::kademlia::Key& key) const;
  bool has_a_last_copy(const LibraryHost& host) const;
  bool has_a_last_change(const LibraryHost& host) const;
  void wipe(LibraryHost& host);
  /// One whose clock the others believe; null: none runs.
  LibraryHost* some_issuer();
  core::Task<void> remove_member(core::NodeId id);
  void check_removal(const LibraryHost& host, const core::Song& song);
  void check_nothing_lost();
  void check_capacities();

  const LibraryOptions options_;
  // In this order: coroutines that are still suspended when the network and the timers go refer to processes,
  // and these to the io_context.
  Engine engine_;
  Coroutines coroutines_{engine_};
  std::deque<LibraryHost> hosts_;
  SimTimers timers_{engine_};
  Network network_;
  PeerNetwork peer_network_;
  Random random_;
  bool clocks_are_right_ = false;

  std::map<std::pair<core::SongId, core::Digest>, core::Song> acknowledged_;
  std::vector<core::Instant> losses_;
  std::vector<std::string> violations_;
  std::map<std::string, std::uint64_t> events_;
};

}  // namespace kadenza::sim
