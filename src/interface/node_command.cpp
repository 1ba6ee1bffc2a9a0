// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/node_command.hpp"

#include <cstdint>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "interface/i18n.hpp"
#include "interface/node_socket.hpp"
#include "interface/progress.hpp"

namespace kadenza::interface {
namespace {

namespace json = boost::json;

std::uint64_t number(const json::value& answer, std::string_view name) {
  const auto* object = answer.if_object();
  const auto* value = object != nullptr ? object->if_contains(name) : nullptr;
  return value != nullptr && value->is_number() ? value->to_number<std::uint64_t>() : 0;
}

bool is_done(const json::value& answer) {
  const auto* object = answer.if_object();
  const auto* done = object != nullptr ? object->if_contains("done") : nullptr;
  return done != nullptr && done->is_bool() && done->get_bool();
}

/// All that is left are songs that too few others can take.
bool is_stuck(const json::value& answer) {
  const auto homeless = number(answer, "homeless_songs");
  return homeless > 0 && number(answer, "safe_songs") + homeless == number(answer, "songs");
}

/// Begins, then asks the node how far it is, until it is done or stuck.
core::Result<json::value> drain(const CommandLine& line, Console& console) {
  Progress progress(console, 0, 0);
  KADENZA_TRY(json::value answer, ask_node(line.data_folder(), "drain", {}));
  // What was safe when this command began says nothing of the speed.
  const auto safe_before = number(answer, "safe_bytes");
  auto shown = static_cast<std::int64_t>(safe_before);
  while (!is_done(answer) && !is_stuck(answer)) {
    KADENZA_TRY(answer, ask_node(line.data_folder(), "drain.progress", {}));
    const auto safe = static_cast<std::int64_t>(number(answer, "safe_bytes"));
    progress.set_total(number(answer, "bytes") - safe_before);
    progress.moved(safe - shown);
    shown = safe;
  }
  return answer;
}

void print_outcome(Console& console, const json::value& answer) {
  const auto songs = number(answer, "songs");
  console.out << fmt::format(fmt::runtime(trn("{} song is kept by other nodes now. The node ends; its data "
                                              "folder is not needed any more.",
                                              "{} songs are kept by other nodes now. The node ends; its data "
                                              "folder is not needed any more.",
                                              songs)),
                             songs)
              << '\n';
}

core::Error no_room(const json::value& answer) {
  const auto homeless = number(answer, "homeless_songs");
  return {
      core::Errc::kNoSpace,
      fmt::format(fmt::runtime(trn("for {} song too few other nodes have room. Add nodes or room (kadenza "
                                   "serve --capacity). This node goes on trying until then; kadenza node "
                                   "drain --cancel keeps it",
                                   "for {} songs too few other nodes have room. Add nodes or room (kadenza "
                                   "serve --capacity). This node goes on trying until then; kadenza node "
                                   "drain --cancel keeps it",
                                   homeless)),
                  homeless)};
}

ExitCode cancel(const CommandLine& line, Console& console) {
  const auto answer = ask_node(line.data_folder(), "drain.cancel", {});
  if (!answer) {
    print_error(console, answer.error(), line.client.json);
    return exit_code(answer.error().code);
  }
  console.out << (line.client.json ? json::serialize(*answer) : tr("The node stays.")) << '\n';
  return ExitCode::kOk;
}

}  // namespace

ExitCode run_drain(const CommandLine& line, Console& console) {
  if (line.drain_options.cancel) return cancel(line, console);
  const auto answer = drain(line, console);
  if (!answer) {
    print_error(console, answer.error(), line.client.json);
    return exit_code(answer.error().code);
  }
  if (line.client.json) console.out << json::serialize(*answer) << '\n';
  if (!is_done(*answer)) {
    if (!line.client.json) print_error(console, no_room(*answer), false);
    return exit_code(core::Errc::kNoSpace);
  }
  if (!line.client.json) print_outcome(console, *answer);
  return ExitCode::kOk;
}

}  // namespace kadenza::interface
