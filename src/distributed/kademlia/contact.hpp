// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "distributed/kademlia/distance.hpp"
#include "distributed/kademlia/endpoint.hpp"

namespace kadenza::distributed::kademlia {

/// What one node knows of another so that it can reach and weigh it.
struct Contact {
  /// id (32), address (16), port (2, big-endian), capacity class (1), zero (1). The format is on wires and
  /// disks; never change it.
  static constexpr std::size_t kWireBytes = 52;
  static constexpr std::uint8_t kClassMax = 16;

  NodeId id;
  Endpoint endpoint;
  /// Powers of two of configured space, 1 … 16. Class 0 stores nothing and is in nobody's routing table.
  std::uint8_t capacity_class = 1;

  void encode(std::span<std::uint8_t, kWireBytes> out) const noexcept;
  /// Nothing when the class is out of range or the last byte is not zero. The endpoint may be unspecified.
  static std::optional<Contact> decode(std::span<const std::uint8_t, kWireBytes> in) noexcept;

  /// May be somebody's routing table entry: stores something and can be reached.
  bool routable() const noexcept { return capacity_class != 0 && endpoint.usable(); }

  friend bool operator==(const Contact&, const Contact&) = default;
};
static_assert(sizeof(Contact) == 52);

/// The capacity class of a node that was given `bytes` of space: 1 below 2 GiB, and one more with each
/// doubling, up to 16 from 32 TiB on.
std::uint8_t capacity_class(std::uint64_t bytes) noexcept;

/// Up to N contacts in place. Copies move only what is used.
template <std::size_t N>
class ContactArray {
 public:
  ContactArray() noexcept {}  // NOLINT(modernize-use-equals-default): leaves the places uninitialised
  ContactArray(const ContactArray& other) noexcept { assign(other.begin(), other.end()); }
  ContactArray& operator=(const ContactArray& other) noexcept {
    if (this != &other) assign(other.begin(), other.end());
    return *this;
  }
  ~ContactArray() = default;

  static constexpr std::size_t capacity() noexcept { return N; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  bool full() const noexcept { return size_ == N; }
  const Contact* begin() const noexcept { return places_.contacts; }
  const Contact* end() const noexcept { return places_.contacts + size_; }
  const Contact& operator[](std::size_t index) const noexcept { return places_.contacts[index]; }
  std::span<const Contact> span() const noexcept { return {begin(), size_}; }

  /// The caller makes sure that there is room.
  void push_back(const Contact& contact) noexcept { places_.contacts[size_++] = contact; }
  void clear() noexcept { size_ = 0; }

  friend bool operator==(const ContactArray& a, const ContactArray& b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  void assign(const Contact* first, const Contact* last) noexcept {
    size_ = static_cast<std::size_t>(last - first);
    std::copy(first, last, places_.contacts);
  }

  union Places {
    Places() noexcept {}
    Contact contacts[N];
  };
  Places places_;
  std::size_t size_ = 0;
};

}  // namespace kadenza::distributed::kademlia
