// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/media/worker/worker.hpp"

#include <cerrno>
#include <new>
#include <span>

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/media/job_socket.hpp"
#include "services/media/worker/jobs.hpp"

namespace kadenza::services::media {
namespace {

void send_reply(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const auto put = ::write(kReplyDescriptor, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) ::_exit(1);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

template <class T>
std::vector<std::uint8_t> encode(const core::Result<T>& result) {
  return result ? encode_reply(*result) : encode_failure(result.error());
}

std::vector<std::uint8_t> do_job(const Job& job, FileSource& source) try {
  switch (job.kind) {
    case JobKind::kProbe:
      return encode(probe(source));
    case JobKind::kAnalyse:
      return encode(analyse(source));
    case JobKind::kResize:
      return encode(resize(source, job.pixels));
  }
  return encode_failure({core::Errc::kInternal, "this kind of job is not known"});
} catch (const std::bad_alloc&) {
  return encode_failure({core::Errc::kDamagedMedia,
                         "the file needs more memory to parse than is allowed; it is broken or malicious"});
} catch (const std::exception&) {
  return encode_failure({core::Errc::kDamagedMedia, "the file's parser gave up; it is broken or malicious"});
}

void yield_to_everyone() {
  const sched_param none{};
  ::sched_setscheduler(0, SCHED_IDLE, &none);
  ::setpriority(PRIO_PROCESS, 0, 19);
}

/// Leaves the file and the reply socket at their fixed places, and the job socket above them.
core::UniqueFd arrange_descriptors(core::UniqueFd jobs, ReceivedJob& received) {
  constexpr int kAbove = kReplyDescriptor + 1;
  core::UniqueFd kept(::fcntl(jobs.get(), F_DUPFD_CLOEXEC, kAbove));
  core::UniqueFd file(::fcntl(received.file.get(), F_DUPFD_CLOEXEC, kAbove));
  core::UniqueFd reply(::fcntl(received.reply.get(), F_DUPFD_CLOEXEC, kAbove));
  jobs.reset();
  received.file.reset();
  received.reply.reset();
  ::dup2(file.get(), kFileDescriptor);
  ::dup2(reply.get(), kReplyDescriptor);
  return kept;
}

}  // namespace

void work(core::UniqueFd jobs, const Sandbox& sandbox) {
  auto received = receive_job(jobs.get());
  if (!received) ::_exit(0);
  const auto job = received->job;
  const auto kept = arrange_descriptors(std::move(jobs), *received);
  struct stat status {};
  ::fstat(kFileDescriptor, &status);
  if (job.kind == JobKind::kAnalyse) yield_to_everyone();

  const auto confined = sandbox.enter({job.memory_bytes, (job.limit_ms + 999) / 1000});
  std::vector<std::uint8_t> body;
  if (confined || job.allow_unconfined) {
    auto source = job.arriving_bytes > 0
                      ? FileSource(kFileDescriptor, job.arriving_bytes, kReplyDescriptor)
                      : FileSource(kFileDescriptor, static_cast<std::uint64_t>(status.st_size));
    body = do_job(job, source);
  } else {
    body = encode_failure(confined.error());
  }
  send_reply(encode_header(body.size()));
  send_reply(body);
  ::_exit(0);
}

}  // namespace kadenza::services::media
