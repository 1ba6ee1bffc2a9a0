// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/crdt/codec.hpp"

#include <utility>

#include "crdt.pb.h"
#include "distributed/crdt/position.hpp"

namespace kadenza::distributed::crdt {
namespace {

namespace proto = kadenza::crdt::v1;
using core::Result;

constexpr std::uint32_t kVersion = 1;

std::unexpected<core::Error> corrupted(std::string what) {
  return core::fail(core::Errc::kCorrupted, "a replicated state cannot be understood: " + std::move(what));
}

template <class Message>
Result<Message> parse(std::string_view bytes) {
  Message message;
  if (bytes.size() > kStateBytesMax) return corrupted("it is too large");
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return corrupted("broken bytes");
  if (message.version() != kVersion) return corrupted("its version is unknown");
  return message;
}

/// Appends in ascending order only.
template <class Map>
bool append(Map& map, typename Map::key_type key, typename Map::mapped_type value) {
  if (!map.empty() && !(std::prev(map.end())->first < key)) return false;
  map.emplace_hint(map.end(), std::move(key), std::move(value));
  return true;
}

void put_entries(auto& message, const LwwMap::Entries& entries) {
  for (const auto& [key, entry] : entries) {
    auto& out = *message.add_entries();
    out.set_key(key);
    if (entry.value) out.set_value(*entry.value);
    out.set_removed(!entry.value);
    out.set_time(entry.stamp.time);
    out.set_writer(entry.stamp.writer);
  }
}

Result<LwwMap::Entries> entries_of(auto& message) {
  if (message.entries_size() > static_cast<int>(kEntriesMax)) return corrupted("too many entries");
  LwwMap::Entries entries;
  for (auto& in : *message.mutable_entries()) {
    if (in.key().size() > kKeyBytesMax || in.value().size() > kValueBytesMax)
      return corrupted("a long entry");
    if (in.removed() && !in.value().empty()) return corrupted("a tombstone with a value");
    LwwMap::Entry entry{{in.time(), in.writer()}, std::nullopt};
    if (!in.removed()) entry.value = std::move(*in.mutable_value());
    if (!append(entries, std::move(*in.mutable_key()), std::move(entry))) return corrupted("unordered keys");
  }
  return entries;
}

void put_seen(auto& message, const CausalContext& context) {
  for (const auto& [writer, time] : context.times()) {
    auto& out = *message.add_seen();
    out.set_writer(writer);
    out.set_time(time);
  }
}

Result<CausalContext> context_of(const auto& message) {
  if (message.seen_size() > static_cast<int>(kWritersMax)) return corrupted("too many writers");
  CausalContext::Times times;
  for (const auto& in : message.seen()) {
    if (in.time() == 0 || !append(times, in.writer(), in.time())) return corrupted("unordered writers");
  }
  return CausalContext(std::move(times));
}

}  // namespace

std::string encode(const LwwMap& map) {
  proto::LwwMap message;
  message.set_version(kVersion);
  put_entries(message, map.entries());
  return message.SerializeAsString();
}

template <>
Result<LwwMap> decode(std::string_view bytes) {
  KADENZA_TRY(auto message, parse<proto::LwwMap>(bytes));
  KADENZA_TRY(auto entries, entries_of(message));
  return LwwMap(std::move(entries));
}

std::string encode(const FinalMap& map) {
  proto::FinalMap message;
  message.set_version(kVersion);
  put_entries(message, map.entries());
  for (const auto& [key, stamp] : map.removals()) {
    auto& out = *message.add_removals();
    out.set_key(key);
    out.set_time(stamp.time);
    out.set_writer(stamp.writer);
  }
  return message.SerializeAsString();
}

template <>
Result<FinalMap> decode(std::string_view bytes) {
  KADENZA_TRY(auto message, parse<proto::FinalMap>(bytes));
  KADENZA_TRY(auto entries, entries_of(message));
  for (const auto& [key, entry] : entries) {
    if (!entry.value) return corrupted("a tombstone among final removals");
  }
  if (message.removals_size() > static_cast<int>(kEntriesMax)) return corrupted("too many removals");
  FinalMap::Removals removals;
  for (auto& in : *message.mutable_removals()) {
    if (in.key().size() > kKeyBytesMax) return corrupted("a long key");
    if (entries.contains(in.key())) return corrupted("an entry that was removed");
    if (!append(removals, std::move(*in.mutable_key()), {in.time(), in.writer()})) {
      return corrupted("unordered removals");
    }
  }
  return FinalMap(LwwMap(std::move(entries)), std::move(removals));
}

std::string encode(const AddWinsSet& set) {
  proto::AddWinsSet message;
  message.set_version(kVersion);
  for (const auto& [name, dots] : set.elements()) {
    auto& out = *message.add_elements();
    out.set_name(name);
    for (const Stamp dot : dots) {
      out.add_times(dot.time);
      out.add_writers(dot.writer);
    }
  }
  put_seen(message, set.context());
  return message.SerializeAsString();
}

template <>
Result<AddWinsSet> decode(std::string_view bytes) {
  KADENZA_TRY(auto message, parse<proto::AddWinsSet>(bytes));
  if (message.elements_size() > static_cast<int>(kEntriesMax)) return corrupted("too many elements");
  KADENZA_TRY(auto context, context_of(message));
  AddWinsSet::Elements elements;
  for (auto& in : *message.mutable_elements()) {
    if (in.name().size() > kKeyBytesMax) return corrupted("a long element");
    if (in.times_size() == 0 || in.times_size() != in.writers_size()) return corrupted("an element's dots");
    AddWinsSet::Dots dots;
    for (int i = 0; i < in.times_size(); ++i) {
      const Stamp dot{in.times(i), in.writers(i)};
      if (!dots.empty() && dot <= *dots.rbegin()) return corrupted("unordered dots");
      if (!context.covers(dot)) return corrupted("a dot that was not seen");
      dots.insert(dots.end(), dot);
    }
    if (!append(elements, std::move(*in.mutable_name()), std::move(dots)))
      return corrupted("unordered elements");
  }
  return AddWinsSet(std::move(elements), std::move(context));
}

std::string encode(const Counter& counter) {
  proto::Counter message;
  message.set_version(kVersion);
  for (const auto& [writer, sums] : counter.by_writer()) {
    auto& out = *message.add_sums();
    out.set_writer(writer);
    out.set_up(sums.up);
    out.set_down(sums.down);
  }
  return message.SerializeAsString();
}

template <>
Result<Counter> decode(std::string_view bytes) {
  KADENZA_TRY(auto message, parse<proto::Counter>(bytes));
  if (message.sums_size() > static_cast<int>(kWritersMax)) return corrupted("too many writers");
  Counter::ByWriter sums;
  for (const auto& in : message.sums()) {
    if (in.up() > Counter::kSumMax || in.down() > Counter::kSumMax) return corrupted("a sum is too large");
    if (!append(sums, in.writer(), {in.up(), in.down()})) return corrupted("unordered writers");
  }
  return Counter(std::move(sums));
}

std::string encode(const OrderedList& list) {
  proto::OrderedList message;
  message.set_version(kVersion);
  for (const auto& [id, item] : list.items()) {
    auto& out = *message.add_items();
    out.set_time(id.time);
    out.set_writer(id.writer);
    out.set_value(item.value);
    out.set_position(item.position);
    out.set_moved_time(item.moved.time);
    out.set_moved_writer(item.moved.writer);
  }
  put_seen(message, list.context());
  return message.SerializeAsString();
}

template <>
Result<OrderedList> decode(std::string_view bytes) {
  KADENZA_TRY(auto message, parse<proto::OrderedList>(bytes));
  if (message.items_size() > static_cast<int>(kEntriesMax)) return corrupted("too many items");
  KADENZA_TRY(auto context, context_of(message));
  OrderedList::Items items;
  for (auto& in : *message.mutable_items()) {
    const Stamp id{in.time(), in.writer()};
    if (in.value().size() > kValueBytesMax || !is_position(in.position())) return corrupted("an item");
    if (!context.covers(id)) return corrupted("an item that was not seen");
    OrderedList::Item item{std::move(*in.mutable_value()),
                           std::move(*in.mutable_position()),
                           {in.moved_time(), in.moved_writer()}};
    if (!append(items, id, std::move(item))) return corrupted("unordered items");
  }
  return OrderedList(std::move(items), std::move(context));
}

}  // namespace kadenza::distributed::crdt
