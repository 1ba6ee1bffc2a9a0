// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>

#include "core/music_library.hpp"
#include "core/song.hpp"
#include "views/json_writer.hpp"

namespace kadenza::views {

// The JSON shapes of the API (docs/openapi.yaml). Absent numbers and ids are null, absent texts "". Pure.

void write(JsonWriter& json, const core::Song& song);
void write(JsonWriter& json, const core::Album& album);
void write(JsonWriter& json, const core::Artist& artist);
void write(JsonWriter& json, const core::Genre& genre);

std::string to_json(const core::Song& song);
std::string to_json(const core::AlbumDetail& detail);
std::string to_json(const core::ArtistDetail& detail);
std::string to_json(const core::Genre& genre);
std::string to_json(const core::LibraryTotals& totals);
std::string to_json(const core::DerivedFacts& facts);
std::string to_json(const core::UploadOutcome& outcome);
/// Highlights count Unicode code points here, not bytes.
std::string to_json(const core::SearchResults& results);

template <class T>
void write_all(JsonWriter& json, std::string_view name, const std::vector<T>& items) {
  json.key(name).begin_array();
  for (const auto& item : items) write(json, item);
  json.end_array();
}

inline void write_cursor(JsonWriter& json, const std::string& next, bool partial) {
  json.key("next");
  next.empty() ? json.null() : json.value(next);
  json.member("partial", partial);
}

template <class T>
std::string to_json(const core::Page<T>& page) {
  JsonWriter json;
  json.reserve(64 + page.items.size() * 512);
  json.begin_object();
  write_all(json, "items", page.items);
  write_cursor(json, page.next, page.partial);
  json.end_object();
  return json.take();
}

}  // namespace kadenza::views
