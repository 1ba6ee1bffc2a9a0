// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/documents/codec.hpp"

#include <utility>

#include "distributed/crdt/codec.hpp"
#include "documents.pb.h"

namespace kadenza::distributed::documents {
namespace {

using core::Result;

constexpr std::uint32_t kVersion = 1;

std::unexpected<core::Error> corrupted(std::string what) {
  return core::fail(core::Errc::kCorrupted, "a document cannot be understood: " + std::move(what));
}

Result<crdt::CausalContext> writes_of(const v1::Document& message) {
  if (message.writers_size() != message.written_size() ||
      message.writers_size() > static_cast<int>(crdt::kWritersMax)) {
    return corrupted("its writers");
  }
  crdt::CausalContext::Times times;
  for (int i = 0; i < message.writers_size(); ++i) {
    if (message.written(i) == 0 || (!times.empty() && message.writers(i) <= times.rbegin()->first)) {
      return corrupted("unordered writers");
    }
    times.emplace_hint(times.end(), message.writers(i), message.written(i));
  }
  return crdt::CausalContext(std::move(times));
}

Result<Document::Counters> counters_of(const v1::Document& message) {
  Document::Counters counters;
  for (const auto& in : message.counters()) {
    if (in.name().size() > crdt::kKeyBytesMax) return corrupted("a long name");
    if (!counters.empty() && in.name() <= counters.rbegin()->first) return corrupted("unordered counters");
    KADENZA_TRY(auto counter, crdt::decode<crdt::Counter>(in.counter()));
    counters.emplace_hint(counters.end(), in.name(), std::move(counter));
  }
  return counters;
}

}  // namespace

std::string encode(const Document& document) {
  v1::Document message;
  message.set_version(kVersion);
  if (document.removed) {
    message.set_removed_time(document.removed->time);
    message.set_removed_writer(document.removed->writer);
    return message.SerializeAsString();
  }
  message.set_fields(crdt::encode(document.fields));
  message.set_members(crdt::encode(document.members));
  for (const auto& [name, counter] : document.counters) {
    auto& out = *message.add_counters();
    out.set_name(name);
    out.set_counter(crdt::encode(counter));
  }
  message.set_items(crdt::encode(document.items));
  for (const auto& [writer, time] : document.writes.times()) {
    message.add_writers(writer);
    message.add_written(time);
  }
  return message.SerializeAsString();
}

Result<Document> decode(std::string_view bytes) {
  v1::Document message;
  if (bytes.size() > kDocumentBytesMax) return corrupted("it is too large");
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return corrupted("broken bytes");
  if (message.version() != kVersion) return corrupted("its version is unknown");
  Document document;
  if (message.removed_time() != 0) {
    document.removed = {message.removed_time(), message.removed_writer()};
    return document;
  }
  KADENZA_TRY(document.fields, crdt::decode<crdt::LwwMap>(message.fields()));
  KADENZA_TRY(document.members, crdt::decode<crdt::AddWinsSet>(message.members()));
  KADENZA_TRY(document.counters, counters_of(message));
  KADENZA_TRY(document.items, crdt::decode<crdt::OrderedList>(message.items()));
  KADENZA_TRY(document.writes, writes_of(message));
  return document;
}

}  // namespace kadenza::distributed::documents
