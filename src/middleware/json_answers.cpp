// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/json_answers.hpp"

namespace kadenza::middleware {
namespace {

namespace json = boost::json;

std::string text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::uint64_t number(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return 0;
  boost::system::error_code error;
  const auto result = value->to_number<std::uint64_t>(error);
  return error ? 0 : result;
}

bool flag(const json::object& object, std::string_view key, bool otherwise) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_bool() ? value->get_bool() : otherwise;
}

template <class Read>
void for_each_object(const json::object& object, std::string_view key, Read read) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_array()) return;
  for (const json::value& item : value->get_array()) {
    if (item.is_object()) read(item.get_object());
  }
}

std::optional<double> real(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return std::nullopt;
  boost::system::error_code error;
  const auto result = value->to_number<double>(error);
  return error ? std::nullopt : std::optional(result);
}

std::vector<NetworkContactInfo> contacts(const json::object& object, std::string_view key) {
  std::vector<NetworkContactInfo> found;
  for_each_object(object, key, [&](const json::object& item) {
    found.push_back({text(item, "id"), text(item, "endpoint"), text(item, "state"),
                     number(item, "capacity_class"), real(item, "round_trip_ms"),
                     real(item, "heard_ago_ms")});
  });
  return found;
}

std::vector<HighlightInfo> highlights(const json::object& object) {
  std::vector<HighlightInfo> found;
  for_each_object(object, "highlights", [&](const json::object& item) {
    found.push_back({text(item, "field"), number(item, "offset"), number(item, "length")});
  });
  return found;
}

std::optional<DepartureInfo> departure(const json::object& repair) {
  const json::value* departure = repair.if_contains("departure");
  if (departure == nullptr || !departure->is_object()) return std::nullopt;
  const auto& of = departure->get_object();
  return DepartureInfo{number(of, "songs"), number(of, "safe_songs"), number(of, "homeless_songs")};
}

}  // namespace

core::Result<SongInfo> read_song(const json::object& object) {
  SongInfo song{.id = text(object, "id"),
                .title = text(object, "title"),
                .artist = text(object, "artist"),
                .album = text(object, "album"),
                .format = text(object, "format"),
                .audio_hash = text(object, "audio_hash"),
                .size = number(object, "size"),
                .duration = std::chrono::milliseconds(number(object, "duration_ms")),
                .json = object};
  if (song.id.empty())
    return core::fail(core::Errc::kInvalidArgument, "The server sent a song without an id.");
  return song;
}

core::Result<SearchAnswer> read_search(json::object object) {
  SearchAnswer answer;
  bool complete = true;
  for_each_object(object, "songs", [&](const json::object& item) {
    auto song = read_song(item);
    complete = complete && song.has_value();
    if (song) answer.songs.push_back({std::move(*song), highlights(item)});
  });
  if (!complete) return core::fail(core::Errc::kInvalidArgument, "The server sent a song without an id.");
  for_each_object(object, "albums", [&](const json::object& item) {
    answer.albums.push_back({text(item, "id"), text(item, "title"), text(item, "artist"),
                             number(item, "year"), number(item, "song_count"), highlights(item)});
  });
  for_each_object(object, "artists", [&](const json::object& item) {
    answer.artists.push_back(
        {text(item, "id"), text(item, "name"), number(item, "song_count"), highlights(item)});
  });
  answer.partial = flag(object, "partial", false);
  answer.json = std::move(object);
  return answer;
}

NetworkAnswer read_network(json::object object) {
  NetworkAnswer answer;
  answer.self = text(object, "self");
  answer.endpoint = text(object, "endpoint");
  answer.estimated_nodes = number(object, "estimated_nodes");
  answer.joined = flag(object, "joined", false);
  answer.link_suspected = flag(object, "link_suspected", false);
  for_each_object(object, "nodes", [&](const json::object& node) {
    if (flag(node, "leaving", false)) answer.leaving.push_back(text(node, "name"));
  });
  for_each_object(object, "buckets", [&](const json::object& item) {
    answer.buckets.push_back(
        {number(item, "shared_bits"), contacts(item, "contacts"), contacts(item, "candidates")});
  });
  if (const json::value* traffic = object.if_contains("traffic");
      traffic != nullptr && traffic->is_object()) {
    for (const auto& [name, unused] : traffic->get_object())
      answer.traffic.emplace_back(name, number(traffic->get_object(), name));
  }
  if (const json::value* settings = object.if_contains("settings");
      settings != nullptr && settings->is_object()) {
    const auto& of = settings->get_object();
    answer.settings = NetworkSettingsInfo{.replicas = number(of, "replicas"),
                                          .write_quorum = number(of, "write_quorum"),
                                          .candidates = number(of, "candidates"),
                                          .partitions = number(of, "partitions")};
  }
  if (const json::value* repair = object.if_contains("repair"); repair != nullptr && repair->is_object()) {
    const auto& of = repair->get_object();
    answer.repair = RepairInfo{.songs = number(of, "songs"),
                               .under_replicated = number(of, "under_replicated"),
                               .bytes_to_move = number(of, "bytes_to_move"),
                               .time_left_ms = real(of, "time_left_ms"),
                               .songs_copied = number(of, "songs_copied"),
                               .bytes_copied = number(of, "bytes_copied"),
                               .copies_failed = number(of, "copies_failed"),
                               .surplus = number(of, "surplus"),
                               .handed_over = number(of, "handed_over"),
                               .scrub_progress = real(of, "scrub_progress").value_or(0),
                               .scrub_passes = number(of, "scrub_passes"),
                               .rotten = number(of, "rotten"),
                               .healed = number(of, "healed"),
                               .departure = departure(of)};
    if (const json::value* documents = of.if_contains("documents");
        documents != nullptr && documents->is_object()) {
      answer.repair->documents = number(documents->get_object(), "held");
      answer.repair->documents_merged = number(documents->get_object(), "merged");
      answer.repair->documents_handed_over = number(documents->get_object(), "handed_over");
    }
  }
  answer.json = std::move(object);
  return answer;
}

std::vector<std::string> read_node_urls(const json::object& network) {
  std::vector<std::string> urls;
  for_each_object(network, "nodes", [&](const json::object& node) {
    const json::value* list = node.if_contains("http");
    if (list == nullptr || !list->is_array()) return;
    for (const json::value& url : list->get_array()) {
      if (url.is_string()) urls.emplace_back(url.get_string());
    }
  });
  return urls;
}

LookupAnswer read_lookup(json::object object) {
  LookupAnswer answer;
  answer.key = text(object, "key");
  answer.took_ms = real(object, "took_ms").value_or(0);
  answer.nearest = contacts(object, "nearest");
  answer.nearer_than_self = number(object, "nearer_than_self");
  for_each_object(object, "hops", [&](const json::object& item) {
    answer.hops.push_back({text(item, "id"), text(item, "endpoint"), text(item, "told_by"),
                           text(item, "state"), number(item, "hop"), number(item, "shared_bits"),
                           real(item, "asked_after_ms").value_or(0), real(item, "took_ms")});
  });
  answer.json = std::move(object);
  return answer;
}

core::Result<UploadAnswer> read_upload(const json::object& object) {
  const json::value* song = object.if_contains("song");
  if (song == nullptr || !song->is_object()) {
    return core::fail(core::Errc::kInvalidArgument, "The server's answer to the upload names no song.");
  }
  UploadAnswer answer;
  KADENZA_TRY(answer.song, read_song(song->get_object()));
  answer.added = flag(object, "added", false);
  answer.same_audio = flag(object, "same_audio", true);
  answer.searchable = flag(object, "searchable", true);
  return answer;
}

core::Result<LogIn> read_log_in(const json::object& object) {
  LogIn log_in{.token = text(object, "token"), .user = text(object, "user"), .role = text(object, "role")};
  if (log_in.token.empty()) {
    return core::fail(core::Errc::kInvalidArgument, "The server's answer to the log-in holds no token.");
  }
  return log_in;
}

}  // namespace kadenza::middleware
