// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "core/audio_stream.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/music_library.hpp"
#include "core/song.hpp"
#include "core/task.hpp"
#include "core/timers.hpp"
#include "distributed/cluster/settings.hpp"
#include "distributed/placement/directory.hpp"
#include "distributed/streaming/known_copies.hpp"
#include "distributed/streaming/piece.hpp"
#include "distributed/streaming/replicas.hpp"
#include "distributed/streaming/shared_fetches.hpp"
#include "distributed/streaming/song_cache.hpp"
#include "distributed/streaming/source_book.hpp"

namespace kadenza::distributed::streaming {

/// What reading from others came to, since the start.
struct StreamingCounters {
  std::atomic<std::uint64_t> pieces{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> hedged{0};   ///< pieces for which a second source was asked
  std::atomic<std::uint64_t> corrupt{0};  ///< answers that were not what the record says
};

/// Songs that other nodes hold. Their bytes come from the replica that should answer soonest; the next one is
/// asked when it is late or fails, and every chunk is verified before anybody sees it. What several listeners
/// want at once is fetched once. Thread-safe: what is awaited runs on its caller's strand.
class RemoteSongs : public std::enable_shared_from_this<RemoteSongs> {
 public:
  struct Parts {
    placement::Directory& directory;
    Replicas& replicas;
    const core::Clock& clock;
    core::Timers& timers;
    SongCache* cache = nullptr;  ///< none: nothing is kept
    boost::asio::any_io_executor blocking;
    cluster::Settings settings;
  };
  explicit RemoteSongs(Parts parts)
      : parts_(std::move(parts)), sources_(parts_.clock), copies_(parts_.clock) {}

  /// kNotFound: none of the partition's candidates has it; kUnavailable: those that answered have not, and
  /// not all did.
  core::Task<core::Result<std::unique_ptr<core::AudioStream>>> open(core::SongId id, core::ByteRange range,
                                                                    core::Deadline deadline);
  /// Looks for the song's holders now, however lately that was done.
  core::Task<void> look_around(core::SongId id, core::Deadline deadline);

  core::Task<core::Result<std::shared_ptr<const core::SongRecord>>> record(core::SongId id,
                                                                           core::Deadline deadline);
  core::Task<core::Result<core::Image>> cover(core::SongId id, core::Deadline deadline);
  core::Task<core::Result<core::DerivedFacts>> facts(core::SongId id, core::Deadline deadline);

  /// The chunks that `range` touches, whole. Without a record, the holder's own is fetched with them.
  core::Task<core::Result<Piece>> fetch(core::SongId id, std::shared_ptr<const core::SongRecord> record,
                                        core::ByteRange range, core::Deadline deadline);

  const StreamingCounters& counters() const noexcept { return counters_; }
  const core::Clock& clock() const noexcept { return parts_.clock; }
  core::Timers& timers() const noexcept { return parts_.timers; }

 private:
  struct Request;
  core::Task<std::vector<Source>> ranked_sources(core::SongId id, core::Deadline deadline);
  core::Task<std::optional<Piece>> cached(std::shared_ptr<const Request> request);
  core::Task<core::Result<Piece>> fetch_from_others(std::shared_ptr<const Request> request);
  core::Task<core::Result<Piece>> fetch_once(std::shared_ptr<const Request> request);
  core::Task<core::Result<Piece>> ask(std::shared_ptr<const Request> request, Source source);
  void keep(const Piece& piece);
  /// Asks the sources one by one, hedged.
  template <class T, class Ask>
  core::Task<core::Result<T>> ask_any(core::SongId id, core::Deadline deadline, Ask ask);

  const Parts parts_;
  SourceBook sources_;
  KnownCopies copies_;
  SharedFetches fetches_;
  StreamingCounters counters_;
};

}  // namespace kadenza::distributed::streaming
