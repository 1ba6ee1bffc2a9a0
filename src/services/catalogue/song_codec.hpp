// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/song.hpp"

namespace kadenza::services::catalogue {

/// The binary forms of songs and derived facts in library.db, described in docs/formats/library-db.md. Each
/// begins with its version. Decoding never trusts the bytes: none for anything that is not well formed.
std::vector<std::uint8_t> encode_song(const core::Song& song);
std::optional<core::Song> decode_song(std::span<const std::uint8_t> bytes);

std::vector<std::uint8_t> encode_facts(const core::DerivedFacts& facts);
std::optional<core::DerivedFacts> decode_facts(std::span<const std::uint8_t> bytes);

/// Lists of short texts as one: each preceded by its length.
std::vector<std::uint8_t> encode_texts(const std::vector<std::string>& texts);
std::optional<std::vector<std::string>> decode_texts(std::span<const std::uint8_t> bytes);

}  // namespace kadenza::services::catalogue
