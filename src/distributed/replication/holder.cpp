// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/replication/holder.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/blocking.hpp"
#include "core/planted_bugs.hpp"
#include "distributed/messages/song_message.hpp"
#include "distributed/placement/directory.hpp"
#include "distributed/replication/methods.hpp"
#include "distributed/replication/puller.hpp"
#include "distributed/streaming/demand.hpp"
#include "distributed/streaming/song_cache.hpp"
#include "services/blobs/blob_store.hpp"

namespace kadenza::distributed::replication {

using core::Errc;
using core::Result;
using services::library::HeldSong;
using services::library::OnConflict;

namespace {

/// Between two looks at a song that another call is storing.
constexpr auto kStoringPause = std::chrono::milliseconds(20);

Result<std::vector<kademlia::Contact>> sources_from(const v1::StoreRequest& request) {
  if (request.sources_size() < 1 || request.sources_size() > static_cast<int>(Holder::kSourcesMax)) {
    return core::fail(Errc::kInvalidArgument,
                      fmt::format("a song is copied from 1 to {} sources", Holder::kSourcesMax));
  }
  std::vector<kademlia::Contact> sources;
  for (const auto& bytes : request.sources()) {
    if (bytes.size() != kademlia::Contact::kWireBytes) {
      return core::fail(Errc::kInvalidArgument, "a source is not a contact of 52 bytes");
    }
    const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    const auto contact = kademlia::Contact::decode(std::span<const std::uint8_t, 52>(data, 52));
    if (!contact) return core::fail(Errc::kInvalidArgument, "a source is not a contact");
    sources.push_back(*contact);
  }
  return sources;
}

Result<std::optional<core::Digest>> audio_from(const std::string& bytes) {
  if (bytes.empty()) return std::nullopt;
  KADENZA_TRY(const auto audio, messages::id_from<core::Digest>(bytes));
  return audio;
}

std::string text_of(const std::vector<std::uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::unexpected<core::Error> not_held() {
  return core::fail(Errc::kNotFound, "this node does not hold the song");
}

/// Bytes past the end are left out.
Result<core::ByteRange> inside(core::ByteRange range, std::uint64_t size) {
  if (range.offset >= size) {
    return core::fail(Errc::kInvalidArgument,
                      fmt::format("the audio has {} bytes; there is none at {}", size, range.offset));
  }
  return core::ByteRange{range.offset, std::min(range.length, size - range.offset)};
}

}  // namespace

/// The right to store a song: one call at a time has it.
class Holder::Storing {
 public:
  Storing(Holder& holder, const core::SongId& id) : holder_(holder), id_(id) {}
  Storing(const Storing&) = delete;
  ~Storing() {
    if (!mine_) return;
    const std::lock_guard lock(holder_.mutex_);
    holder_.storing_.erase(id_);
  }
  enum class Begin { kMine, kAnothers, kTooMany };
  Begin begin() {
    const std::lock_guard lock(holder_.mutex_);
    if (holder_.storing_.contains(id_)) return Begin::kAnothers;
    if (holder_.storing_.size() >= kStoresAtOnce) return Begin::kTooMany;
    holder_.storing_.insert(id_);
    mine_ = true;
    return Begin::kMine;
  }

 private:
  Holder& holder_;
  const core::SongId id_;
  bool mine_ = false;
};

void Holder::add_methods(peers::Handlers& handlers) {
  using peers::Caller;
  handlers.add<v1::ClaimRequest>([this](Caller, v1::ClaimRequest r) { return serve_claim(std::move(r)); });
  handlers.add<v1::StoreRequest>(
      [this](Caller caller, v1::StoreRequest r) { return serve_store(caller, std::move(r)); });
  handlers.add<v1::ReadRequest>(
      [this](Caller caller, v1::ReadRequest r) { return serve_read(caller, std::move(r)); });
  handlers.add<v1::CoverRequest>([this](Caller, v1::CoverRequest r) { return serve_cover(std::move(r)); });
  handlers.add<v1::FactsRequest>([this](Caller, v1::FactsRequest r) { return serve_facts(std::move(r)); });
}

core::Task<Result<ClaimOutcome>> Holder::claim(core::SongId song, core::Digest audio) {
  const auto record = co_await parts_.store.record(song);
  if (record) co_return ClaimOutcome((*record)->song);
  if (record.error().code != Errc::kNotFound) co_return std::unexpected(record.error());
  const auto claimed = claims_.claim(song, audio);
  if (!claimed) co_return std::unexpected(claimed.error());
  if (const auto* other = std::get_if<core::Digest>(&*claimed)) co_return ClaimOutcome(*other);
  co_return ClaimOutcome(std::get<core::WallTime>(*claimed));
}

Result<void> Holder::check_time(core::WallTime first_stored) const {
  const bool to_come = first_stored > parts_.clock.wall_now() + kClockErrorMax;
  if (to_come && !core::planted(core::PlantedBug::kTrustsFutureClocks)) {
    return core::fail(Errc::kInvalidArgument,
                      "the song's time lies ahead of this node's clock; set the nodes' clocks right");
  }
  return {};
}

core::Task<Result<HeldSong>> Holder::store(core::SongRecord record, std::vector<kademlia::Contact> sources,
                                           OnConflict on_conflict, core::Deadline deadline) {
  return store(std::move(record), std::move(sources), on_conflict, deadline, parts_.replicas);
}

core::Task<Result<HeldSong>> Holder::store(core::SongRecord record, std::vector<kademlia::Contact> sources,
                                           OnConflict on_conflict, core::Deadline deadline,
                                           RemoteReplicas& through) {
  const auto& song = record.song;
  KADENZA_CO_TRY_VOID(check_time(song.first_stored));
  Storing storing(*this, song.id);
  while (true) {
    const auto held = co_await parts_.store.record(song.id);
    if (held && services::library::stays((*held)->song, song, on_conflict))
      co_return HeldSong{(*held)->song, false};
    if (!held && held.error().code != Errc::kNotFound) co_return std::unexpected(held.error());
    const auto begun = storing.begin();
    if (begun == Storing::Begin::kMine) break;
    if (begun == Storing::Begin::kTooMany) {
      co_return core::fail(Errc::kTooManyRequests, "this node is storing as many songs as it can");
    }
    if (parts_.clock.now() + kStoringPause >= deadline) {
      co_return core::fail(Errc::kDeadlineExceeded, "the song is still being stored for another call");
    }
    co_await parts_.timers.sleep_until(parts_.clock.now() + kStoringPause);
  }
  auto stored = co_await copy(record, std::move(sources), on_conflict, deadline, through);
  if (stored) claims_.release(song.id, song.audio);
  co_return stored;
}

core::Task<Result<void>> Holder::mend(core::SongRecord record, std::vector<kademlia::Contact> sources,
                                      core::Deadline deadline, RemoteReplicas& through) {
  const auto copied = co_await copy(record, std::move(sources), OnConflict::kKeep, deadline, through);
  if (!copied) co_return std::unexpected(copied.error());
  co_return Result<void>();
}

core::Task<Result<HeldSong>> Holder::copy(const core::SongRecord& record,
                                          std::vector<kademlia::Contact> sources, OnConflict on_conflict,
                                          core::Deadline deadline, RemoteReplicas& through) {
  using Purpose = services::library::SongStore::Purpose;
  auto incoming = co_await parts_.store.receive(record.song.size, Purpose::kReplica, deadline);
  if (!incoming) co_return std::unexpected(std::move(incoming).error());
  auto pulled = co_await pull_audio(through, record, sources, **incoming, deadline);
  if (!pulled) co_return std::unexpected(std::move(pulled).error());
  auto cover = co_await pull_cover(through, record.song, std::move(sources), deadline);
  if (!cover) co_return std::unexpected(std::move(cover).error());
  co_return co_await (*incoming)->commit(record, std::move(*cover), on_conflict, deadline);
}

std::size_t Holder::stores_under_way() const {
  const std::lock_guard lock(mutex_);
  return storing_.size();
}

void Holder::locate(std::vector<kademlia::Contact>& sources) const {
  for (auto& source : sources) {
    if (source.endpoint.usable() || !parts_.directory) continue;
    if (const auto known = parts_.directory->contact(source.id)) source.endpoint = known->endpoint;
  }
}

core::Task<Result<v1::ClaimReply>> Holder::serve_claim(v1::ClaimRequest request) {
  KADENZA_CO_TRY(const auto song, messages::id_from<core::SongId>(request.song()));
  KADENZA_CO_TRY(const auto audio, messages::id_from<core::Digest>(request.audio()));
  const auto outcome = co_await claim(song, audio);
  if (!outcome) co_return std::unexpected(outcome.error());
  v1::ClaimReply reply;
  if (const auto* granted = std::get_if<core::WallTime>(&*outcome)) {
    reply.set_first_stored_ms(static_cast<std::uint64_t>(granted->time_since_epoch().count()));
  } else if (const auto* other = std::get_if<core::Digest>(&*outcome)) {
    reply.set_claimed_by(messages::bytes_of(*other));
  } else {
    messages::to_message(std::get<core::Song>(*outcome), *reply.mutable_held());
  }
  co_return reply;
}

core::Task<Result<v1::StoreReply>> Holder::serve_store(peers::Caller caller, v1::StoreRequest request) {
  if (parts_.directory && parts_.directory->is_leaving()) {
    co_return core::fail(Errc::kUnavailable, "this node is about to leave; it stores nothing more");
  }
  KADENZA_CO_TRY(auto record, messages::record_from(request.record()));
  KADENZA_CO_TRY(auto sources, sources_from(request));
  locate(sources);
  const auto held = co_await store(std::move(record), std::move(sources), OnConflict::kKeep, caller.deadline);
  if (!held) co_return std::unexpected(held.error());
  v1::StoreReply reply;
  messages::to_message(held->song, *reply.mutable_held());
  reply.set_added(held->added);
  co_return reply;
}

core::Task<Result<v1::ReadReply>> Holder::serve_read(peers::Caller caller, v1::ReadRequest request) {
  const ServedTime::Call call(served_, !request.background());
  KADENZA_CO_TRY(const auto id, messages::id_from<core::SongId>(request.song()));
  KADENZA_CO_TRY(const auto audio, audio_from(request.audio()));
  if (request.length() == 0 || request.length() > peers::kPieceBytes) {
    co_return core::fail(Errc::kInvalidArgument,
                         fmt::format("a read asks for 1 to {} bytes", peers::kPieceBytes));
  }
  core::ByteRange range{request.offset(), request.length()};
  v1::ReadReply reply;
  reply.set_load(served_.under_way());
  if (const auto offer = audio ? parts_.offers.find(*audio) : nullptr) {
    KADENZA_CO_TRY(range, inside(range, offer->record.song.size));
    offer->readers->note(caller.id, parts_.clock.now());
    const auto bytes = co_await offer->bytes->read(range);
    if (!bytes) co_return std::unexpected(bytes.error());
    reply.set_bytes(text_of(*bytes));
    co_return reply;
  }
  auto record = co_await parts_.store.record(id);
  const auto cached = !record && parts_.cache ? parts_.cache->find(id) : nullptr;
  if (cached) record = cached->record();
  if (!record) co_return std::unexpected(record.error());
  if (audio && (*record)->song.audio != *audio) co_return not_held();
  KADENZA_CO_TRY(range, inside(range, (*record)->song.size));
  // No conditional expression: GCC 12 destroys what is awaited in one before it is used.
  Result<std::vector<std::uint8_t>> bytes;
  if (cached) {
    bytes = co_await read_cached(id, range, **record);
  } else {
    bytes = co_await parts_.store.read(id, range);
  }
  if (!bytes) co_return std::unexpected(bytes.error());
  reply.set_bytes(text_of(*bytes));
  if (parts_.demand && !cached && !request.background()) {
    parts_.demand->served(id, bytes->size(), (*record)->song.size);
    reply.set_copies(parts_.demand->copies(id));
  }
  if (request.with_record()) messages::to_message(**record, *reply.mutable_record());
  co_return reply;
}

core::Task<Result<std::vector<std::uint8_t>>> Holder::read_cached(core::SongId id, core::ByteRange range,
                                                                  const core::SongRecord& record) {
  const auto song = parts_.cache->find(id);
  if (!song || song->record()->song.audio != record.song.audio || !song->holds(range)) {
    co_return not_held();
  }
  auto work = [file = song->file(), range] { return services::blobs::read_range(file->get(), range); };
  co_return co_await core::run_on(parts_.blocking, std::move(work));
}

core::Task<Result<v1::CoverReply>> Holder::serve_cover(v1::CoverRequest request) {
  KADENZA_CO_TRY(const auto id, messages::id_from<core::SongId>(request.song()));
  KADENZA_CO_TRY(const auto audio, audio_from(request.audio()));
  v1::CoverReply reply;
  if (const auto offer = audio ? parts_.offers.find(*audio) : nullptr) {
    if (!offer->cover) co_return core::fail(Errc::kNotFound, "this song has no cover");
    reply.set_content_type(offer->cover->content_type);
    reply.set_image(text_of(offer->cover->bytes));
    co_return reply;
  }
  const auto image = co_await parts_.store.cover_of(id);
  if (!image) co_return std::unexpected(image.error());
  reply.set_content_type(image->content_type);
  reply.set_image(text_of(image->bytes));
  co_return reply;
}

core::Task<Result<v1::FactsReply>> Holder::serve_facts(v1::FactsRequest request) {
  KADENZA_CO_TRY(const auto id, messages::id_from<core::SongId>(request.song()));
  const auto facts = co_await parts_.store.facts_of(id);
  if (!facts) co_return std::unexpected(facts.error());
  v1::FactsReply reply;
  if (facts->loudness) {
    reply.set_integrated_lufs(facts->loudness->integrated_lufs);
    reply.set_true_peak(facts->loudness->true_peak);
    reply.set_range_lu(facts->loudness->range_lu);
  }
  reply.set_waveform(text_of(facts->waveform));
  if (facts->damaged) reply.set_damaged(*facts->damaged);
  co_return reply;
}

}  // namespace kadenza::distributed::replication
