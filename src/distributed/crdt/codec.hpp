// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "distributed/crdt/add_wins_set.hpp"
#include "distributed/crdt/counter.hpp"
#include "distributed/crdt/final_map.hpp"
#include "distributed/crdt/lww_map.hpp"
#include "distributed/crdt/ordered_list.hpp"

/// States as bytes (proto/crdt.proto): equal states have equal bytes, and bytes are accepted in this one form
/// only.
namespace kadenza::distributed::crdt {

/// What decode() accepts; whoever writes keeps within these.
inline constexpr std::size_t kKeyBytesMax = 256;
inline constexpr std::size_t kValueBytesMax = 16u << 10;
inline constexpr std::size_t kEntriesMax = 65'536;
inline constexpr std::size_t kWritersMax = 65'536;
inline constexpr std::size_t kStateBytesMax = 4u << 20;

std::string encode(const LwwMap& map);
std::string encode(const FinalMap& map);
std::string encode(const AddWinsSet& set);
std::string encode(const Counter& counter);
std::string encode(const OrderedList& list);

/// kCorrupted with what is wrong.
template <class State>
core::Result<State> decode(std::string_view bytes) = delete;
template <>
core::Result<LwwMap> decode(std::string_view bytes);
template <>
core::Result<FinalMap> decode(std::string_view bytes);
template <>
core::Result<AddWinsSet> decode(std::string_view bytes);
template <>
core::Result<Counter> decode(std::string_view bytes);
template <>
core::Result<OrderedList> decode(std::string_view bytes);

}  // namespace kadenza::distributed::crdt
