// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/streaming/remote_songs.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "core/blocking.hpp"
#include "core/planted_bugs.hpp"
#include "distributed/placement/partition.hpp"
#include "distributed/streaming/hedge.hpp"
#include "distributed/streaming/remote_audio_stream.hpp"
#include "distributed/streaming/verify_chunks.hpp"
#include "services/blobs/blob_store.hpp"
#include "services/library/local_audio_stream.hpp"

namespace kadenza::distributed::streaming {
namespace {

using core::Errc;
using core::Result;

/// Between two rounds over all sources when none of them could serve.
constexpr auto kRoundPause = std::chrono::milliseconds(100);

/// What a source that gave wrong bytes is taken to need, so that the others are asked first for a while.
constexpr auto kWrongBytesPenalty = std::chrono::seconds(1);

/// Tells the book how long a source kept us waiting, unless it answered.
class Waiting {
 public:
  Waiting(SourceBook& book, const core::Clock& clock, const Source& source)
      : book_(book), clock_(clock), source_(source), begun_(clock.now()) {}
  Waiting(const Waiting&) = delete;
  ~Waiting() {
    if (!over_) book_.slower_than(source_.contact.id, clock_.now() - begun_);
  }
  void answered(std::uint32_t load) {
    over_ = true;
    book_.answered(source_, clock_.now() - begun_, load);
  }
  void not_to_blame() { over_ = true; }

 private:
  SourceBook& book_;
  const core::Clock& clock_;
  const Source source_;
  const core::Instant begun_;
  bool over_ = false;
};

/// A record from elsewhere that can be worked with: it is of this song, and its chunks cover its size.
bool usable(const core::SongRecord& record, const core::SongId& id) {
  const auto chunks = (record.song.size + core::kChunkBytes - 1) / core::kChunkBytes;
  return record.song.id == id && record.song.size > 0 && record.chunks.size() == chunks;
}

}  // namespace

struct RemoteSongs::Request {
  core::SongId id;
  std::shared_ptr<const core::SongRecord> record;  ///< none: the holder's
  core::ByteRange range;  ///< from a chunk's first byte; whole chunks when the record is known
  core::Deadline deadline;
};

core::Task<Result<std::unique_ptr<core::AudioStream>>> RemoteSongs::open(core::SongId id,
                                                                         core::ByteRange range,
                                                                         core::Deadline deadline) {
  const auto cached = parts_.cache ? parts_.cache->find(id) : nullptr;
  std::shared_ptr<const core::SongRecord> record = cached ? cached->record() : nullptr;
  std::optional<Piece> first;
  if (!record) {
    const core::ByteRange first_byte{range.offset, std::min<std::uint64_t>(range.length, 1)};
    KADENZA_CO_TRY(first, co_await fetch(id, nullptr, first_byte, deadline));
    record = first->record;
  }
  const auto size = record->song.size;
  if (range.offset > size || range.length > size - range.offset) {
    co_return core::fail(Errc::kInvalidArgument,
                         fmt::format("the audio has {} bytes; bytes {} to {} are not in it", size,
                                     range.offset, range.offset + range.length));
  }
  if (cached && cached->holds(range)) {
    co_return std::make_unique<services::library::LocalAudioStream>(record, cached->file(), cached->marks(),
                                                                    range, parts_.blocking);
  }
  co_return std::make_unique<RemoteAudioStream>(shared_from_this(), std::move(record), range,
                                                std::move(first));
}

core::Task<Result<std::shared_ptr<const core::SongRecord>>> RemoteSongs::record(core::SongId id,
                                                                                core::Deadline deadline) {
  if (const auto cached = parts_.cache ? parts_.cache->find(id) : nullptr) co_return cached->record();
  auto piece = co_await fetch(id, nullptr, {0, 1}, deadline);
  if (!piece) co_return std::unexpected(std::move(piece).error());
  co_return piece->record;
}

core::Task<void> RemoteSongs::look_around(core::SongId id, core::Deadline deadline) {
  return parts_.directory.renew(placement::partition_of(id, parts_.settings.partition_bits), deadline);
}

core::Task<std::vector<Source>> RemoteSongs::ranked_sources(core::SongId id, core::Deadline deadline) {
  const auto partition = placement::partition_of(id, parts_.settings.partition_bits);
  auto order = co_await parts_.directory.order(partition, deadline);
  // Those that should have it by speed, then everybody who may stand in for one, in the order in which they
  // would.
  const auto copies = std::max<std::size_t>(parts_.settings.replicas, copies_.of(id));
  const std::vector<placement::Candidate> first(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(std::min(copies, order.size())));
  auto result = sources_.ranked(first, parts_.directory);
  for (const auto& candidate : placement::by_liveness(std::move(order))) {
    const bool there = std::ranges::any_of(
        result, [&](const auto& source) { return source.contact.id == candidate.contact.id; });
    if (!candidate.self && !there) result.push_back(sources_.source(candidate, parts_.directory));
  }
  co_return result;
}

core::Task<Result<Piece>> RemoteSongs::fetch(core::SongId id, std::shared_ptr<const core::SongRecord> record,
                                             core::ByteRange range, core::Deadline deadline) {
  auto request = std::make_shared<Request>();
  request->id = id;
  request->range =
      record ? whole_chunks(range, record->song.size)
             : core::ByteRange{range.offset / core::kChunkBytes * core::kChunkBytes, core::kChunkBytes};
  request->record = std::move(record);
  request->deadline = deadline;
  if (auto there = co_await cached(request)) co_return std::move(*there);
  SharedFetches::Key key{id, {}, request->range.offset, request->range.length};
  if (request->record) key.audio = request->record->song.audio;
  SharedFetches::Fetch from_others = [self = shared_from_this(), request] {
    return self->fetch_from_others(request);
  };
  co_return co_await fetches_.run(key, deadline, std::move(from_others));
}

/// What another listener fetched a moment ago.
core::Task<std::optional<Piece>> RemoteSongs::cached(std::shared_ptr<const Request> request) {
  if (!parts_.cache || !request->record) co_return std::nullopt;
  const auto song = parts_.cache->find(request->id);
  if (!song || song->record()->song.audio != request->record->song.audio || !song->holds(request->range)) {
    co_return std::nullopt;
  }
  auto read = [file = song->file(), range = request->range] {
    return services::blobs::read_range(file->get(), range);
  };
  auto bytes = co_await core::run_on(parts_.blocking, std::move(read));
  if (!bytes) co_return std::nullopt;
  co_return Piece{request->record, request->range.offset, std::move(*bytes)};
}

core::Task<Result<Piece>> RemoteSongs::fetch_from_others(std::shared_ptr<const Request> request) {
  while (true) {
    auto piece = co_await fetch_once(request);
    if (piece) {
      keep(*piece);
      co_return piece;
    }
    const bool final = piece.error().code == Errc::kNotFound || piece.error().code == Errc::kInvalidArgument;
    const bool too_late = parts_.clock.now() + kRoundPause >= request->deadline;
    if (final || (too_late && !core::planted(core::PlantedBug::kEndlessFetch))) co_return piece;
    co_await parts_.timers.sleep_until(parts_.clock.now() + kRoundPause);
  }
}

core::Task<Result<Piece>> RemoteSongs::fetch_once(std::shared_ptr<const Request> request) {
  auto ask_source = [self = shared_from_this(), request](Source source) {
    return self->ask(request, source);
  };
  co_return co_await ask_any<Piece>(request->id, request->deadline, std::move(ask_source));
}

template <class T, class Ask>
core::Task<Result<T>> RemoteSongs::ask_any(core::SongId id, core::Deadline deadline, Ask ask) {
  auto sources = co_await ranked_sources(id, deadline);
  if (sources.empty()) {
    co_return core::fail(Errc::kNotFound, "this node does not hold the song and knows no other node");
  }
  const auto attempts = sources.size();
  typename Hedge<T>::Patience patience = [self = shared_from_this(), sources](std::size_t index) {
    return self->sources_.patience(sources[index]);
  };
  const auto not_found = std::make_shared<std::size_t>(0);
  typename Hedge<T>::Attempt attempt = [self = shared_from_this(), sources = std::move(sources), not_found,
                                        ask = std::move(ask)](std::size_t index) -> core::Task<Result<T>> {
    if (index == 1) ++self->counters_.hedged;
    auto result = co_await ask(sources[index]);
    if (!result && result.error().code == Errc::kNotFound) ++*not_found;
    co_return result;
  };
  auto result =
      co_await Hedge<T>::run(parts_.clock, parts_.timers, attempts, std::move(patience), std::move(attempt));
  if (!result && *not_found == attempts) {
    co_return core::fail(Errc::kNotFound, "no node has this song");
  }
  if (!result && result.error().code == Errc::kNotFound) {
    co_return core::fail(
        Errc::kUnavailable,
        fmt::format("{} of the {} nodes that may hold this song did not answer; try again soon",
                    attempts - *not_found, attempts));
  }
  co_return result;
}

core::Task<Result<Piece>> RemoteSongs::ask(std::shared_ptr<const Request> request, Source source) {
  Waiting waiting(sources_, parts_.clock, source);
  auto reply = co_await parts_.replicas.read(source.contact, request->id, request->range,
                                             request->record == nullptr, request->deadline);
  if (!reply) {
    if (reply.error().code == Errc::kNotFound) waiting.not_to_blame();
    co_return std::unexpected(std::move(reply).error());
  }
  Piece piece{request->record ? request->record : reply->record, request->range.offset,
              std::move(reply->bytes)};
  const bool right = piece.record && usable(*piece.record, request->id) && !piece.bytes.empty() &&
                     piece.bytes.size() == whole_chunks(request->range, piece.record->song.size).length &&
                     verify_chunks(*piece.record, piece.offset, piece.bytes);
  if (!right) {
    ++counters_.corrupt;
    sources_.slower_than(source.contact.id, kWrongBytesPenalty);
    spdlog::warn("node {} answered with wrong bytes for song {}; another replica serves it",
                 source.contact.id.text(), request->id.text());
    co_return core::fail(Errc::kCorrupted, "a replica's bytes do not match their hashes");
  }
  waiting.answered(reply->load);
  if (reply->copies > 0) copies_.note(request->id, reply->copies);
  ++counters_.pieces;
  counters_.bytes += piece.bytes.size();
  co_return piece;
}

/// Beside the listener, who need not wait for our disk.
void RemoteSongs::keep(const Piece& piece) {
  if (!parts_.cache) return;
  boost::asio::post(parts_.blocking, [self = shared_from_this(), piece] {
    if (const auto song = self->parts_.cache->entry(piece.record)) song->put(piece.offset, piece.bytes);
  });
}

core::Task<Result<core::Image>> RemoteSongs::cover(core::SongId id, core::Deadline deadline) {
  auto ask = [this, id, deadline](const Source& source) {
    return parts_.replicas.cover(source.contact, id, deadline);
  };
  co_return co_await ask_any<core::Image>(id, deadline, std::move(ask));
}

core::Task<Result<core::DerivedFacts>> RemoteSongs::facts(core::SongId id, core::Deadline deadline) {
  auto ask = [this, id, deadline](const Source& source) {
    return parts_.replicas.facts(source.contact, id, deadline);
  };
  co_return co_await ask_any<core::DerivedFacts>(id, deadline, std::move(ask));
}

}  // namespace kadenza::distributed::streaming
