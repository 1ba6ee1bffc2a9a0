// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/replication/remote_replicas.hpp"

#include <utility>

#include "distributed/messages/packed.hpp"
#include "distributed/messages/song_message.hpp"
#include "distributed/replication/methods.hpp"

namespace kadenza::distributed::replication {

using core::Result;

namespace {

std::vector<std::uint8_t> bytes_from(const std::string& text) {
  const auto bytes = messages::bytes_in(text);
  return {bytes.begin(), bytes.end()};
}

v1::ReadRequest read_request(const core::SongId& id, core::ByteRange range) {
  v1::ReadRequest request;
  request.set_song(messages::bytes_of(id));
  request.set_offset(range.offset);
  request.set_length(static_cast<std::uint32_t>(range.length));
  return request;
}

core::Image image_from(v1::CoverReply& reply) {
  return {reply.content_type(), bytes_from(reply.image())};
}

}  // namespace

core::Task<Result<streaming::RemotePiece>> RemoteReplicas::read(kademlia::Contact from, core::SongId id,
                                                                core::ByteRange range, bool with_record,
                                                                core::Deadline deadline) {
  auto request = read_request(id, range);
  request.set_with_record(with_record);
  request.set_background(background_);
  auto reply = co_await peers::call(peers_, from, std::move(request), deadline);
  if (!reply) co_return std::unexpected(std::move(reply).error());
  streaming::RemotePiece piece;
  piece.bytes = bytes_from(reply->bytes());
  piece.load = reply->load();
  piece.copies = reply->copies();
  if (with_record) {
    KADENZA_CO_TRY(auto record, messages::record_from(reply->record()));
    piece.record = std::make_shared<const core::SongRecord>(std::move(record));
  }
  co_return piece;
}

core::Task<Result<core::Image>> RemoteReplicas::cover(kademlia::Contact from, core::SongId id,
                                                      core::Deadline deadline) {
  v1::CoverRequest request;
  request.set_song(messages::bytes_of(id));
  auto reply = co_await peers::call(peers_, from, std::move(request), deadline);
  if (!reply) co_return std::unexpected(std::move(reply).error());
  co_return image_from(*reply);
}

core::Task<Result<core::DerivedFacts>> RemoteReplicas::facts(kademlia::Contact from, core::SongId id,
                                                             core::Deadline deadline) {
  v1::FactsRequest request;
  request.set_song(messages::bytes_of(id));
  auto reply = co_await peers::call(peers_, from, std::move(request), deadline);
  if (!reply) co_return std::unexpected(std::move(reply).error());
  core::DerivedFacts facts;
  if (reply->has_integrated_lufs()) {
    facts.loudness = core::Loudness{reply->integrated_lufs(), reply->true_peak(), reply->range_lu()};
  }
  facts.waveform = bytes_from(reply->waveform());
  if (reply->has_damaged()) facts.damaged = reply->damaged();
  co_return facts;
}

core::Task<Result<std::vector<std::uint8_t>>> RemoteReplicas::read_audio(kademlia::Contact from,
                                                                         core::Song song,
                                                                         core::ByteRange range,
                                                                         core::Deadline deadline) {
  auto request = read_request(song.id, range);
  request.set_audio(messages::bytes_of(song.audio));
  request.set_background(background_);
  auto reply = co_await peers::call(peers_, from, std::move(request), deadline);
  if (!reply) co_return std::unexpected(std::move(reply).error());
  co_return bytes_from(reply->bytes());
}

core::Task<Result<core::Image>> RemoteReplicas::cover_of(kademlia::Contact from, core::Song song,
                                                         core::Deadline deadline) {
  v1::CoverRequest request;
  request.set_song(messages::bytes_of(song.id));
  request.set_audio(messages::bytes_of(song.audio));
  auto reply = co_await peers::call(peers_, from, std::move(request), deadline);
  if (!reply) co_return std::unexpected(std::move(reply).error());
  co_return image_from(*reply);
}

}  // namespace kadenza::distributed::replication
