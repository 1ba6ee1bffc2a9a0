// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/library_run.hpp"

#include <chrono>
#include <exception>
#include <memory>

#include "sim/library_checks.hpp"
#include "sim/library_documents.hpp"
#include "sim/library_faults.hpp"
#include "sim/library_work.hpp"
#include "sim/library_world.hpp"

namespace kadenza::sim {
namespace {

using namespace std::chrono_literals;

constexpr core::Duration kForming = 10s;
constexpr core::Duration kLastAnswers = 2min;  // the deadlines of uploads and reads under way
constexpr core::Duration kFinalPlays = 5min;

void form(LibraryWorld& world) {
  const auto first = world.options().hosts - world.options().late_hosts;
  for (std::uint32_t i = 0; i < first; ++i) world.start(world.hosts()[i]);
  world.run_for(kForming);
}

void safety_phase(LibraryWorld& world, LibraryFaults& faults, LibraryWork& work,
                  LibraryDocuments& documents) {
  const auto until = world.now() + world.options().safety;
  work.begin(until);
  documents.begin(until);
  faults.begin(until);
  while (world.now() < until) {
    world.run_for(5s);
    work.check_all_end();
    documents.check_nothing_lost();
  }
}

/// How long it took.
core::Duration wait_until_whole(LibraryWorld& world, LibraryDocuments& documents) {
  const auto begun = world.now();
  const auto look = [&] {
    auto missing = what_is_missing(world);
    return missing ? missing : documents.what_is_missing();
  };
  auto missing = look();
  while (missing && world.now() - begun < world.options().healing) {
    world.run_for(1s);
    missing = look();
  }
  if (missing) world.violation("not whole: {}", *missing);
  return world.now() - begun;
}

void final_plays(LibraryWorld& world, LibraryWork& work) {
  work.begin_to_play_everything();
  for (const auto end = world.now() + kFinalPlays; !work.everything_played() && world.now() < end;) {
    world.run_for(1s);
  }
  if (!work.everything_played()) world.violation("the last plays do not end");
}

void mix_disks(LibraryWorld& world) {
  for (auto& host : world.hosts()) {
    for (const auto& id : host.disk.ids()) world.engine().trace().mix(id.bytes[0]);
    world.engine().trace().mix(host.disk.used_bytes());
  }
}

LibraryReport run_phases(LibraryWorld& world, LibraryFaults& faults, LibraryWork& work,
                         LibraryDocuments& documents) {
  LibraryReport report;
  try {
    form(world);
    safety_phase(world, faults, work, documents);
    faults.end();
    world.run_for(kLastAnswers);
    work.check_all_end();
    if (!work.has_ended()) world.violation("an upload or a stream never ends");
    if (!documents.has_ended()) world.violation("a change of a document never ends");
    report.healed = wait_until_whole(world, documents);
    if (world.violations().empty()) final_plays(world, work);
  } catch (const std::exception& error) {
    world.violation("a coroutine ended by an exception: {}", error.what());
  }
  mix_disks(world);
  report.trace_hash = world.engine().trace().value();
  report.events = world.engine().events();
  const auto hours = std::chrono::duration<double, std::ratio<3600>>(world.now().time_since_epoch()).count();
  report.node_hours = hours * world.options().hosts;
  report.happened = world.events();
  report.violations = world.violations();
  return report;
}

}  // namespace

LibraryReport run_library(std::uint64_t seed, const LibraryOptions& options) {
  // They outlive the world, whose coroutines refer to them.
  std::unique_ptr<LibraryFaults> faults;
  std::unique_ptr<LibraryWork> work;
  std::unique_ptr<LibraryDocuments> documents;
  LibraryWorld world(seed, options);
  faults = std::make_unique<LibraryFaults>(world);
  work = std::make_unique<LibraryWork>(world);
  documents = std::make_unique<LibraryDocuments>(world);
  return run_phases(world, *faults, *work, *documents);
}

}  // namespace kadenza::sim
