// SPDX-License-Identifier: AGPL-3.0-or-later
#include <cerrno>
#include <csignal>
#include <system_error>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "core/ids.hpp"
#include "interface/client_command.hpp"
#include "interface/i18n.hpp"
#include "interface/progress.hpp"
#include "interface/song_file.hpp"

namespace kadenza::interface {
namespace {

constexpr std::size_t kPieceBytes = 256u << 10;
constexpr std::string_view kStandardOutput = "-";

/// Ends the process as the system ends one that writes to a pipe which nobody reads any more.
void end_by_broken_pipe() {
  std::signal(SIGPIPE, SIG_DFL);
  ::raise(SIGPIPE);
}

core::Result<void> write_out(Console& console, std::span<const std::uint8_t> piece) {
  errno = 0;
  console.out.write(reinterpret_cast<const char*>(piece.data()), static_cast<std::streamsize>(piece.size()));
  console.out.flush();
  if (console.out) return {};
  const int why = errno;
  if (why == EPIPE) end_by_broken_pipe();
  const core::Errc code = why == ENOSPC ? core::Errc::kNoSpace : core::Errc::kInternal;
  return core::fail(
      code, fmt::format("Cannot write to standard output: {}.", std::generic_category().message(why)));
}

/// To a pipe that a player reads; the song goes out as it comes in.
core::Task<core::Result<void>> pipe_song(middleware::Client& client, Console& console, std::string id) {
  middleware::Download download = client.audio(id, 0);
  std::vector<std::uint8_t> piece(kPieceBytes);
  while (true) {
    KADENZA_CO_TRY(const std::size_t count, co_await download.read(piece));
    if (count == 0) co_return core::Result<void>();
    KADENZA_CO_TRY_VOID(write_out(console, std::span(piece).first(count)));
  }
}

core::Task<core::Result<void>> fill(middleware::Client& client, Console& console,
                                    const middleware::SongInfo& song, SongFile& file) {
  if (file.size() > song.size) KADENZA_CO_TRY_VOID(file.clear());
  Progress progress(console, song.size, 0);
  progress.skipped(file.size());
  middleware::Download download = client.audio(song.id, file.size());
  std::vector<std::uint8_t> piece(kPieceBytes);
  while (file.size() < song.size) {
    KADENZA_CO_TRY(const std::size_t count, co_await download.read(piece));
    if (count == 0) break;
    KADENZA_CO_TRY_VOID(file.append(std::span(piece).first(count)));
    progress.moved(static_cast<std::int64_t>(count));
  }
  co_return core::Result<void>();
}

core::Result<std::filesystem::path> choose_target(const GetOptions& options,
                                                  const middleware::SongInfo& song) {
  if (!options.output.empty()) return std::filesystem::path(options.output);
  std::filesystem::path target = file_name_for(song);
  std::error_code unreadable;
  if (std::filesystem::exists(target, unreadable)) {
    return core::fail(core::Errc::kConflict,
                      fmt::format("{} is there already. Name another file with -o.", target.string()));
  }
  return target;
}

core::Task<core::Result<std::filesystem::path>> save_song(middleware::Client& client, Console& console,
                                                          const GetOptions& options,
                                                          middleware::SongInfo song) {
  KADENZA_CO_TRY(const std::filesystem::path target, choose_target(options, song));
  KADENZA_CO_TRY(SongFile file, SongFile::open(target));
  const bool continued = file.size() > 0;
  KADENZA_CO_TRY_VOID(co_await fill(client, console, song, file));
  core::Result<void> finished = file.finish(song.audio_hash);
  if (!finished && finished.error().code == core::Errc::kCorrupted && continued) {
    // What an earlier run left was of another song.
    KADENZA_CO_TRY_VOID(co_await fill(client, console, song, file));
    finished = file.finish(song.audio_hash);
  }
  if (!finished) co_return std::unexpected(std::move(finished).error());
  co_return target;
}

}  // namespace

ExitCode run_get(const CommandLine& line, Console& console, const middleware::TokenStore& tokens) {
  const GetOptions& options = line.get_options;
  const bool json = line.client.json;
  if (!core::SongId::parse(options.id)) {
    print_error(
        console,
        {core::Errc::kInvalidArgument, "A song's id has 52 letters and digits; kadenza search shows it."},
        json);
    return ExitCode::kUsage;
  }
  middleware::SongInfo song;
  std::filesystem::path target;
  const auto ended =
      run_client(line.client, tokens, [&](middleware::Client& client) -> core::Task<core::Result<void>> {
        if (options.output == kStandardOutput) co_return co_await pipe_song(client, console, options.id);
        KADENZA_CO_TRY(song, co_await client.song(options.id));
        KADENZA_CO_TRY(target, co_await save_song(client, console, options, song));
        co_return core::Result<void>();
      });
  const bool piped = options.output == kStandardOutput;
  if (!ended) {
    print_error(console, ended.error(), json && !piped);
    return exit_code(ended.error().code);
  }
  if (piped) return ExitCode::kOk;
  if (json) {
    boost::json::object object;
    object["path"] = target.string();
    object["song"] = song.json;
    console.out << boost::json::serialize(object) << '\n';
  } else {
    console.out << printable(target.string()) << '\n';
  }
  return ExitCode::kOk;
}

}  // namespace kadenza::interface
