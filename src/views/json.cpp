// SPDX-License-Identifier: AGPL-3.0-or-later
#include "views/json.hpp"

#include "views/http_date.hpp"
#include "views/url.hpp"

namespace kadenza::views {

namespace {

void number_or_null(JsonWriter& json, std::string_view name, std::integral auto number) {
  json.key(name);
  number == 0 ? json.null() : json.value(number);
}

template <class Tag>
void id_or_null(JsonWriter& json, std::string_view name, const std::optional<core::Id<Tag>>& id) {
  json.key(name);
  id ? json.value(id->text()) : json.null();
}

void texts(JsonWriter& json, std::string_view name, const std::vector<std::string>& values) {
  json.key(name).begin_array();
  for (const auto& value : values) json.value(value);
  json.end_array();
}

void write_tags(JsonWriter& json, const core::Song& song) {
  const auto& tags = song.tags;
  json.member("title", tags.title).member("artist", tags.artist).member("album", tags.album);
  json.member("album_artist", tags.album_artist);
  id_or_null(json, "album_id", song.album_id());
  json.member("artist_id", song.artist_id().text());
  number_or_null(json, "track", tags.track);
  number_or_null(json, "track_total", tags.track_total);
  number_or_null(json, "disc", tags.disc);
  number_or_null(json, "disc_total", tags.disc_total);
  number_or_null(json, "year", tags.year);
  texts(json, "genres", tags.genres);
  texts(json, "composers", tags.composers);
  number_or_null(json, "bpm", tags.bpm);
  json.member("isrc", tags.isrc).member("musicbrainz_recording", tags.musicbrainz_recording);
  json.member("compilation", tags.compilation);
}

void write_properties(JsonWriter& json, const core::AudioProperties& properties) {
  json.member("duration_ms", properties.duration.count());
  json.member("format", core::to_string(properties.format));
  json.member("content_type", core::content_type(properties.format));
  number_or_null(json, "bit_rate", properties.bit_rate);
  number_or_null(json, "sample_rate", properties.sample_rate);
  number_or_null(json, "channels", properties.channels);
  number_or_null(json, "bits_per_sample", properties.bits_per_sample);
}

void write_members(JsonWriter& json, const core::Song& song) {
  json.member("id", song.id.text());
  write_tags(json, song);
  write_properties(json, song.properties);
  json.member("size", song.size).member("audio_hash", song.audio.text());
  id_or_null(json, "cover_hash", song.cover);
  json.member("first_stored", rfc3339(song.first_stored));
}

void write_members(JsonWriter& json, const core::Album& album) {
  json.member("id", album.id.text()).member("title", album.title).member("artist", album.artist);
  json.member("artist_id", album.artist_id.text());
  number_or_null(json, "year", album.year);
  texts(json, "genres", album.genres);
  json.member("song_count", album.song_count).member("duration_ms", album.duration.count());
  id_or_null(json, "cover_song", album.cover_song);
  json.member("newest", rfc3339(album.newest));
}

void write_members(JsonWriter& json, const core::Artist& artist) {
  json.member("id", artist.id.text()).member("name", artist.name);
  json.member("album_count", artist.album_count).member("song_count", artist.song_count);
  id_or_null(json, "cover_song", artist.cover_song);
}

using Field = core::Highlight::Field;

std::string_view highlighted(const core::Song& song, Field field) {
  return field == Field::kTitle    ? song.tags.title
         : field == Field::kArtist ? song.tags.artist
                                   : song.tags.album;
}
std::string_view highlighted(const core::Album& album, Field field) {
  return field == Field::kArtist ? album.artist : album.title;
}
std::string_view highlighted(const core::Artist& artist, Field) {
  return artist.name;
}

std::string_view name_of(Field field) {
  return field == Field::kTitle ? "title" : field == Field::kArtist ? "artist" : "album";
}

template <class T>
void write(JsonWriter& json, const core::Match<T>& match) {
  json.begin_object();
  write_members(json, match.item);
  json.member("score", match.score);
  json.key("highlights").begin_array();
  for (const auto& highlight : match.highlights) {
    const auto text = highlighted(match.item, highlight.field);
    const auto offset = code_points(text, highlight.offset);
    json.begin_object().member("field", name_of(highlight.field)).member("offset", offset);
    json.member("length", code_points(text, highlight.offset + highlight.length) - offset).end_object();
  }
  json.end_array().end_object();
}

template <class T>
void write_matches(JsonWriter& json, std::string_view name, const std::vector<core::Match<T>>& matches) {
  json.key(name).begin_array();
  for (const auto& match : matches) write(json, match);
  json.end_array();
}

template <class T>
std::string object(const T& item) {
  JsonWriter json;
  write(json, item);
  return json.take();
}

}  // namespace

void write(JsonWriter& json, const core::Song& song) {
  json.begin_object();
  write_members(json, song);
  json.end_object();
}

void write(JsonWriter& json, const core::Album& album) {
  json.begin_object();
  write_members(json, album);
  json.end_object();
}

void write(JsonWriter& json, const core::Artist& artist) {
  json.begin_object();
  write_members(json, artist);
  json.end_object();
}

void write(JsonWriter& json, const core::Genre& genre) {
  json.begin_object().member("name", genre.name).member("song_count", genre.song_count);
  json.member("album_count", genre.album_count).end_object();
}

std::string to_json(const core::Song& song) {
  return object(song);
}

std::string to_json(const core::Genre& genre) {
  return object(genre);
}

std::string to_json(const core::AlbumDetail& detail) {
  JsonWriter json;
  json.begin_object();
  write_members(json, detail.album);
  write_all(json, "songs", detail.songs);
  json.member("partial", detail.partial).end_object();
  return json.take();
}

std::string to_json(const core::ArtistDetail& detail) {
  JsonWriter json;
  json.begin_object();
  write_members(json, detail.artist);
  write_all(json, "albums", detail.albums);
  write_all(json, "appears_on", detail.appears_on);
  json.member("partial", detail.partial).end_object();
  return json.take();
}

std::string to_json(const core::LibraryTotals& totals) {
  JsonWriter json;
  json.begin_object().member("songs", totals.songs).member("albums", totals.albums);
  json.member("artists", totals.artists).member("genres", totals.genres).member("bytes", totals.bytes);
  json.member("duration_ms", totals.duration.count()).end_object();
  return json.take();
}

std::string to_json(const core::DerivedFacts& facts) {
  JsonWriter json;
  json.begin_object().key("loudness");
  if (facts.loudness) {
    json.begin_object().member("integrated_lufs", facts.loudness->integrated_lufs);
    json.member("true_peak", facts.loudness->true_peak).member("range_lu", facts.loudness->range_lu);
    json.member("track_gain_db", facts.loudness->track_gain_db()).end_object();
  } else {
    json.null();
  }
  json.key("waveform").begin_array();
  for (const auto point : facts.waveform) json.value(static_cast<unsigned>(point));
  json.end_array().key("damaged");
  facts.damaged ? json.value(*facts.damaged) : json.null();
  json.end_object();
  return json.take();
}

std::string to_json(const core::UploadOutcome& outcome) {
  JsonWriter json;
  json.begin_object().key("song");
  write(json, outcome.song);
  json.member("added", outcome.added).member("same_audio", outcome.same_audio);
  json.member("searchable", outcome.searchable).end_object();
  return json.take();
}

std::string to_json(const core::SearchResults& results) {
  JsonWriter json;
  json.reserve(256 + results.songs.size() * 1024);
  json.begin_object();
  write_matches(json, "songs", results.songs);
  write_matches(json, "albums", results.albums);
  write_matches(json, "artists", results.artists);
  write_cursor(json, results.next, results.partial);
  json.end_object();
  return json.take();
}

}  // namespace kadenza::views
