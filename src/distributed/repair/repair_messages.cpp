// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/repair/repair_messages.hpp"

#include <algorithm>

#include "distributed/messages/packed.hpp"
#include "distributed/messages/song_message.hpp"
#include "repair.pb.h"

namespace kadenza::distributed::repair {
namespace {

using core::Errc;
using core::Result;

constexpr std::size_t kSongBytes = core::SongId::kBytes + 8 + 8;

}  // namespace

void to_message(const Branch& branch, const Summary& summary, v1::Branch& message) {
  message.set_first(messages::bytes_of(branch.first));
  message.set_digits(branch.digits);
  message.set_count(summary.songs.count);
  message.set_sum(summary.songs.sum.data(), summary.songs.sum.size());
  message.set_bytes(summary.bytes);
}

Result<NamedSummary> branch_from(const v1::Branch& message) {
  NamedSummary named;
  KADENZA_TRY(named.branch.first, messages::id_from<core::SongId>(message.first()));
  named.branch.digits = message.digits();
  auto& songs = named.summary.songs;
  if (!named.branch.is_valid() || message.sum().size() != songs.sum.size()) {
    return core::fail(Errc::kInvalidArgument, "a branch in a message cannot be");
  }
  std::ranges::copy(message.sum(), songs.sum.begin());
  songs.count = message.count();
  named.summary.bytes = message.bytes();
  return named;
}

std::string pack(const std::vector<HeldCopy>& songs) {
  std::string packed;
  packed.reserve(songs.size() * kSongBytes);
  for (const auto& song : songs) {
    packed += messages::bytes_of(song.version.id);
    messages::append_word(packed, song.version.version);
    messages::append_word(packed, song.bytes);
  }
  return packed;
}

Result<std::vector<HeldCopy>> unpack_songs(std::string_view packed, const Branch& branch) {
  if (packed.size() % kSongBytes != 0 || packed.size() / kSongBytes > kSongsPerLeaf) {
    return core::fail(Errc::kInvalidArgument, "a list of songs in a message has a wrong length");
  }
  std::vector<HeldCopy> songs;
  for (auto rest = messages::bytes_in(packed); !rest.empty(); rest = rest.subspan(kSongBytes)) {
    HeldCopy song;
    song.version.id = *core::SongId::from_bytes(rest.first(core::SongId::kBytes));
    song.version.version = messages::word_at(rest, core::SongId::kBytes);
    song.bytes = messages::word_at(rest, core::SongId::kBytes + 8);
    const bool follows = songs.empty() || songs.back().version.id < song.version.id;
    if (!follows || !branch.contains(song.version.id)) {
      return core::fail(Errc::kInvalidArgument, "a list of songs in a message is not in order");
    }
    songs.push_back(song);
  }
  return songs;
}

}  // namespace kadenza::distributed::repair
