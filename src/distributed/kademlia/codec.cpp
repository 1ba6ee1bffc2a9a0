// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/codec.hpp"

#include <string>

#include "core/check.hpp"
#include "kademlia.pb.h"

namespace kadenza::distributed::kademlia {
namespace {

namespace wire = ::kadenza::kademlia::v1;

constexpr std::uint32_t kTableVersion = 1;

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

void append(std::string& out, const Contact& contact) {
  std::uint8_t record[Contact::kWireBytes];
  contact.encode(record);
  out.append(reinterpret_cast<const char*>(record), sizeof record);
}

std::optional<Contact> contact_at(const std::string& records, std::size_t index) {
  return Contact::decode(bytes_of(records).subspan(index * Contact::kWireBytes).first<Contact::kWireBytes>());
}

/// Nothing is written for zero, as almost always.
void encode_distance(const Distance& distance, std::string& out) {
  out.clear();
  if (distance == Distance{}) return;
  for (const std::uint64_t word : distance.words) {
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(word >> shift & 0xff));
  }
}

bool decode_distance(const std::string& in, Distance& distance) {
  if (in.empty()) return true;
  if (in.size() != Key::kBytes) return false;
  for (std::size_t i = 0; i < 4; ++i) distance.words[i] = big_endian_word(bytes_of(in).data() + 8 * i);
  return true;
}

std::optional<Body> decode_nodes(const std::string& records) {
  if (records.size() % Contact::kWireBytes != 0) return std::nullopt;
  const std::size_t count = records.size() / Contact::kWireBytes;
  if (count > kAnswerContactsMax) return std::nullopt;
  Body body(std::in_place_type<Nodes>);
  for (std::size_t i = 0; i < count; ++i) {
    const auto contact = contact_at(records, i);
    if (!contact || !contact->routable()) return std::nullopt;
    std::get<Nodes>(body).contacts.push_back(*contact);
  }
  return body;
}

std::optional<Body> decode_body(const wire::Datagram& datagram) {
  switch (datagram.body_case()) {
    case wire::Datagram::kPing:
      return Ping{};
    case wire::Datagram::kPong:
      return Pong{};
    case wire::Datagram::kFindNode: {
      const auto target = Key::from_bytes(bytes_of(datagram.find_node().target()));
      if (!target) return std::nullopt;
      FindNode find{*target};
      if (!decode_distance(datagram.find_node().from(), find.from)) return std::nullopt;
      return find;
    }
    case wire::Datagram::kNodes:
      return decode_nodes(datagram.nodes().contacts());
    case wire::Datagram::BODY_NOT_SET:
      return std::nullopt;
  }
  return std::nullopt;
}

void encode_body(const Body& body, wire::Datagram& datagram) {
  struct Visitor {
    wire::Datagram& datagram;
    void operator()(const Ping&) const { datagram.mutable_ping(); }
    void operator()(const Pong&) const { datagram.mutable_pong(); }
    void operator()(const FindNode& find) const {
      wire::FindNode& out = *datagram.mutable_find_node();
      out.set_target(find.target.bytes.data(), find.target.bytes.size());
      encode_distance(find.from, *out.mutable_from());
    }
    void operator()(const Nodes& nodes) const {
      std::string& records = *datagram.mutable_nodes()->mutable_contacts();
      records.clear();
      for (const Contact& contact : nodes.contacts) append(records, contact);
    }
  };
  std::visit(Visitor{datagram}, body);
}

}  // namespace

/// One per kind: clearing a oneof would free what it holds.
struct Codec::Buffers {
  wire::Datagram out[std::variant_size_v<Body>];
  wire::Datagram in;
};

Codec::Codec() : buffers_(std::make_unique<Buffers>()) {}
Codec::~Codec() = default;

std::size_t Codec::encode(const Message& message, std::span<std::uint8_t, kMessageBytesMax> out) {
  wire::Datagram& datagram = buffers_->out[message.body.index()];
  datagram.set_version(kWireVersion);
  datagram.set_transaction(message.transaction);
  datagram.set_attempt(message.attempt);
  datagram.mutable_sender()->clear();
  append(*datagram.mutable_sender(), message.sender);
  encode_body(message.body, datagram);
  const std::size_t size = datagram.ByteSizeLong();
  KADENZA_CHECK(size <= out.size());
  datagram.SerializeWithCachedSizesToArray(out.data());
  return size;
}

std::optional<Message> Codec::decode(std::span<const std::uint8_t> bytes) {
  wire::Datagram& datagram = buffers_->in;
  if (bytes.size() > kMessageBytesMax) return std::nullopt;
  if (!datagram.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
  if (datagram.version() != kWireVersion || datagram.attempt() > 1) return std::nullopt;
  if (datagram.sender().size() != Contact::kWireBytes) return std::nullopt;
  const auto sender = contact_at(datagram.sender(), 0);
  if (!sender || !(sender->endpoint.unspecified() || sender->endpoint.usable())) return std::nullopt;
  auto body = decode_body(datagram);
  if (!body) return std::nullopt;
  return Message{datagram.transaction(), static_cast<std::uint8_t>(datagram.attempt()), *sender, *body};
}

std::vector<std::uint8_t> encode_saved_table(std::span<const Contact> contacts) {
  wire::SavedTable table;
  table.set_version(kTableVersion);
  constexpr std::size_t kContactsMax = (kSavedTableBytesMax - 16) / Contact::kWireBytes;
  for (const Contact& contact : contacts.first(std::min(contacts.size(), kContactsMax))) {
    append(*table.mutable_contacts(), contact);
  }
  std::vector<std::uint8_t> bytes(table.ByteSizeLong());
  table.SerializeWithCachedSizesToArray(bytes.data());
  return bytes;
}

std::optional<std::vector<Contact>> decode_saved_table(std::span<const std::uint8_t> bytes) {
  wire::SavedTable table;
  if (bytes.size() > kSavedTableBytesMax) return std::nullopt;
  if (!table.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
  if (table.version() != kTableVersion || table.contacts().size() % Contact::kWireBytes != 0)
    return std::nullopt;
  std::vector<Contact> contacts;
  for (std::size_t i = 0; i < table.contacts().size() / Contact::kWireBytes; ++i) {
    const auto contact = contact_at(table.contacts(), i);
    if (contact && contact->routable()) contacts.push_back(*contact);
  }
  return contacts;
}

}  // namespace kadenza::distributed::kademlia
