// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "core/error.hpp"
#include "core/task.hpp"
#include "middleware/failover.hpp"
#include "middleware/stream.hpp"

namespace kadenza::middleware {

/// A song as the server's JSON describes it; what is shown to people is taken out, the rest stays in `json`.
struct SongInfo {
  std::string id, title, artist, album, format, audio_hash;
  std::uint64_t size = 0;
  std::chrono::milliseconds duration{0};
  boost::json::object json;
};

/// Where a result matched: `field` is "title", "artist" or "album"; offsets in code points.
struct HighlightInfo {
  std::string field;
  std::size_t offset = 0;
  std::size_t length = 0;
};

struct SongHit {
  SongInfo song;
  std::vector<HighlightInfo> highlights;
};

struct AlbumHit {
  std::string id, title, artist;
  std::uint64_t year = 0;
  std::uint64_t song_count = 0;
  std::vector<HighlightInfo> highlights;
};

struct ArtistHit {
  std::string id, name;
  std::uint64_t song_count = 0;
  std::vector<HighlightInfo> highlights;
};

struct SearchAnswer {
  std::vector<SongHit> songs;
  std::vector<AlbumHit> albums;
  std::vector<ArtistHit> artists;
  bool partial = false;
  boost::json::object json;  ///< the whole answer as it came
};

/// Another node, as the node asked sees it. Times are absent when nothing was measured.
struct NetworkContactInfo {
  std::string id, endpoint, state;
  std::uint64_t capacity_class = 0;
  std::optional<double> round_trip_ms, heard_ago_ms;
};

/// Contacts that share so many leading bits with the node asked.
struct NetworkBucketInfo {
  std::uint64_t shared_bits = 0;
  std::vector<NetworkContactInfo> contacts, candidates;
};

/// How far a node is that hands its songs over before it leaves.
struct DepartureInfo {
  std::uint64_t songs = 0, safe_songs = 0, homeless_songs = 0;
};

/// What all nodes of the cluster agree on.
struct NetworkSettingsInfo {
  std::uint64_t replicas = 0, write_quorum = 0, candidates = 0, partitions = 0;
};

/// How the node keeps the library whole.
struct RepairInfo {
  std::uint64_t songs = 0, under_replicated = 0, bytes_to_move = 0;
  std::optional<double> time_left_ms;
  std::uint64_t songs_copied = 0, bytes_copied = 0, copies_failed = 0;
  std::uint64_t surplus = 0, handed_over = 0;
  double scrub_progress = 0;
  std::uint64_t scrub_passes = 0, rotten = 0, healed = 0;
  std::uint64_t documents = 0, documents_merged = 0, documents_handed_over = 0;
  std::optional<DepartureInfo> departure;  ///< none: the node stays
};

struct NetworkAnswer {
  std::string self, endpoint;
  std::uint64_t estimated_nodes = 0;
  bool joined = false;
  bool link_suspected = false;
  std::vector<std::string> leaving;  ///< names of the members that leave
  std::vector<NetworkBucketInfo> buckets;
  std::vector<std::pair<std::string, std::uint64_t>> traffic;
  std::optional<NetworkSettingsInfo> settings;  ///< none: an older node
  std::optional<RepairInfo> repair;             ///< likewise
  boost::json::object json;                     ///< the whole answer as it came
};

/// One node asked by a lookup; `told_by` is empty when the node asked first knew it.
struct LookupHopInfo {
  std::string id, endpoint, told_by, state;
  std::uint64_t hop = 0;
  std::uint64_t shared_bits = 0;
  double asked_after_ms = 0;
  std::optional<double> took_ms;
};

struct LookupAnswer {
  std::string key;
  double took_ms = 0;
  std::vector<NetworkContactInfo> nearest;
  std::uint64_t nearer_than_self = 0;
  std::vector<LookupHopInfo> hops;
  boost::json::object json;  ///< the whole answer as it came
};

struct UploadAnswer {
  SongInfo song;
  bool added = false;
  bool same_audio = true;
  bool searchable = true;
};

struct LogIn {
  Endpoint endpoint;  ///< of the server that gave the token
  std::string token, user, role;
};

/// The bytes of a song, from whichever node has them: when one dies or stalls, reading goes on at the same
/// byte from the next. One owner, one call at a time; not beyond its Client.
class Download {
 public:
  Download(Failover& nodes, std::string target, std::uint64_t offset);

  /// 0 = the end. kCorrupted when the nodes do not agree on the file.
  core::Task<core::Result<std::size_t>> read(std::span<std::uint8_t> into);
  /// Of the whole file; known once the first read() returned.
  std::optional<std::uint64_t> size() const {
    return stream_ ? std::optional(stream_->extent().size) : std::nullopt;
  }
  std::uint64_t offset() const { return stream_ ? stream_->position() : offset_; }

 private:
  core::Task<core::Result<void>> connect();

  Failover& nodes_;
  std::string target_;
  std::uint64_t offset_;
  std::optional<Stream> stream_;
};

/// What a person can ask of Kadenza, over HTTP. One executor, one thread. Errors carry the server's sentence.
class Client {
 public:
  Client(std::vector<Server> servers, HttpClient::Config config);

  core::Task<core::Result<UploadAnswer>> upload(RequestBody& body);
  core::Task<core::Result<SearchAnswer>> search(std::string query, unsigned songs, unsigned others);
  core::Task<core::Result<SongInfo>> song(std::string id);
  core::Task<core::Result<NetworkAnswer>> network();
  core::Task<core::Result<LookupAnswer>> lookup(std::string key);
  /// From byte `offset` on; the first read() connects.
  Download audio(std::string_view id, std::uint64_t offset);
  core::Task<core::Result<LogIn>> log_in(std::string user, std::string password);
  core::Task<core::Result<LogIn>> redeem(std::string code);

  Failover& nodes() noexcept { return nodes_; }

 private:
  core::Task<core::Result<boost::json::object>> ask(Request& request, Endpoint* answered = nullptr);
  core::Task<core::Result<LogIn>> open_session(std::string body);

  Failover nodes_;
};

/// `text` as one segment or value of a URL (RFC 3986 §2.1).
std::string percent_encoded(std::string_view text);

}  // namespace kadenza::middleware
