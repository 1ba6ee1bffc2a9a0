// SPDX-License-Identifier: AGPL-3.0-or-later
#include <algorithm>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "interface/client_command.hpp"
#include "interface/progress.hpp"
#include "interface/upload_report.hpp"
#include "middleware/file_body.hpp"

namespace kadenza::interface {
namespace {

namespace asio = boost::asio;

/// What the workers share; all on one thread.
struct UploadRun {
  middleware::Client& client;
  const std::vector<UploadFile>& files;
  UploadReport& report;
  Progress& progress;
  std::size_t next = 0;
};

/// After these the next file would fare no better.
bool stops_all(core::Errc code) {
  return code == core::Errc::kUnavailable || code == core::Errc::kDeadlineExceeded ||
         code == core::Errc::kUnauthenticated || code == core::Errc::kForbidden;
}

core::Task<core::Result<middleware::UploadAnswer>> upload_one(UploadRun& run, const UploadFile& file) {
  Progress& progress = run.progress;
  auto moved = [&progress](std::int64_t bytes) { progress.moved(bytes); };
  KADENZA_CO_TRY(const std::unique_ptr<middleware::FileBody> body,
                 middleware::FileBody::open(file.path, moved));
  co_return co_await run.client.upload(*body);
}

void record(UploadRun& run, const UploadFile& file, core::Result<middleware::UploadAnswer> answer) {
  UploadResult result;
  result.path = file.path;
  if (answer) {
    using Kind = UploadResult::Kind;
    result.kind = answer->added ? Kind::kAdded : answer->same_audio ? Kind::kAlreadyThere : Kind::kOtherAudio;
    result.song = std::move(answer->song);
    result.searchable = answer->searchable;
    run.report.bytes += file.size;
  } else {
    result.error = std::move(answer).error();
  }
  run.report.results.push_back(std::move(result));
  run.progress.item_done();
}

core::Task<void> work(UploadRun& run) {
  while (run.next < run.files.size() && !run.report.stopped) {
    const UploadFile& file = run.files[run.next++];
    core::Result<middleware::UploadAnswer> answer = co_await upload_one(run, file);
    if (!answer && stops_all(answer.error().code)) {
      if (!run.report.stopped) run.report.stopped = answer.error();
      co_return;
    }
    record(run, file, std::move(answer));
  }
}

core::Task<core::Result<void>> upload_all(UploadRun& run, std::size_t jobs) {
  const auto executor = co_await asio::this_coro::executor;
  using Worker = decltype(asio::co_spawn(executor, work(run), asio::deferred));
  std::vector<Worker> workers;
  for (std::size_t i = 0; i < std::min(jobs, run.files.size()); ++i) {
    workers.push_back(asio::co_spawn(executor, work(run), asio::deferred));
  }
  if (workers.empty()) co_return core::Result<void>();
  auto group = asio::experimental::make_parallel_group(std::move(workers));
  const auto ended = co_await group.async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
  for (const std::exception_ptr& thrown : std::get<1>(ended)) {
    if (thrown) std::rethrow_exception(thrown);
  }
  co_return core::Result<void>();
}

}  // namespace

ExitCode run_upload(const CommandLine& line, Console& console, const middleware::TokenStore& tokens) {
  UploadReport report;
  const std::vector<UploadFile> files = files_to_upload(line.upload_options.paths, report);
  std::uint64_t bytes = 0;
  for (const UploadFile& file : files) bytes += file.size;
  report.results.reserve(report.files);

  const auto start = Progress::Clock::now();
  core::Result<void> ended;
  {
    Progress progress(console, bytes, files.size(), start);
    ended =
        run_client(line.client, tokens, [&](middleware::Client& client) -> core::Task<core::Result<void>> {
          UploadRun run{client, files, report, progress};
          co_return co_await upload_all(run, line.upload_options.jobs);
        });
  }
  report.time = Progress::Clock::now() - start;
  if (!ended) report.stopped = ended.error();

  const bool json = line.client.json;
  json ? report.print_json(console) : report.print(console);
  if (report.stopped && !json) print_error(console, *report.stopped, false);
  return report.exit_code();
}

}  // namespace kadenza::interface
