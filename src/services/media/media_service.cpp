// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/media/media_service.hpp"

#include <algorithm>
#include <cerrno>
#include <span>
#include <system_error>
#include <utility>

#include <boost/asio.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/unique_fd.hpp"
#include "services/media/early_probe.hpp"
#include "services/media/job_gate.hpp"
#include "services/media/job_reply.hpp"
#include "services/media/media_process.hpp"
#include "services/media/messages.hpp"

namespace kadenza::services::media {
namespace {

namespace asio = boost::asio;
using core::Errc;
using Bytes = std::vector<std::uint8_t>;

constexpr std::chrono::hours kLongest{24};

core::Result<core::UniqueFd> in_memory_file(std::span<const std::uint8_t> bytes) {
  core::UniqueFd file(::memfd_create("image", MFD_CLOEXEC));
  std::size_t written = 0;
  while (file && written < bytes.size()) {
    const auto put = ::write(file.get(), bytes.data() + written, bytes.size() - written);
    if (put < 0 && errno != EINTR) break;
    written += static_cast<std::size_t>(std::max<ssize_t>(put, 0));
  }
  if (!file || written < bytes.size()) {
    return core::fail(Errc::kUnavailable, fmt::format("no memory is left to resize a picture: {}",
                                                      std::generic_category().message(errno)));
  }
  return file;
}

}  // namespace

class MediaService::Impl {
 public:
  Impl(const core::Clock& clock, MediaOptions options)
      : clock_(clock),
        options_(std::move(options)),
        process_(options_.program, options_.idle_exit),
        foreground_(options_.foreground_jobs, options_.waiting_jobs),
        early_(options_.early_jobs, 0),
        background_(options_.background_jobs, options_.waiting_jobs) {}

  /// Does one job and gives the body of its reply.
  core::Task<core::Result<Bytes>> run(JobKind kind, int file, std::uint32_t pixels, core::Deadline deadline) {
    const bool background = kind == JobKind::kAnalyse;
    KADENZA_CO_TRY(const auto slot,
                   co_await (background ? background_ : foreground_).enter(time_left(deadline)));
    // A second time when the media process was just ending, being idle, or was killed.
    for (int attempt = 0; attempt < 2; ++attempt) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(time_left(deadline));
      if (left.count() <= 0)
        co_return core::fail(Errc::kDeadlineExceeded, "there was no time left for the file");
      const auto limit = std::min(left, background ? options_.background_limit : options_.foreground_limit);
      auto job = job_of(kind, limit);
      job.pixels = pixels;
      KADENZA_CO_TRY(auto socket, process_.submit(job, file));
      KADENZA_CO_TRY(auto body, co_await read_reply(std::move(socket)));
      if (!body.empty()) co_return body;
    }
    co_return core::fail(Errc::kUnavailable, "the media process ends before it answers; its log may say why");
  }

  std::unique_ptr<EarlyProbe> probe_early(int file, std::uint64_t size) {
    auto place = early_.try_enter();
    if (!place) return nullptr;
    auto job = job_of(JobKind::kProbe, options_.foreground_limit);
    job.arriving_bytes = size;
    job.arrival_ms = static_cast<std::uint32_t>(options_.arrival_limit.count());
    auto socket = process_.submit(job, file);
    if (!socket) return nullptr;
    const auto give_up_at = clock_.now() + options_.arrival_limit;
    return std::make_unique<EarlyProbe>(std::move(*place), std::move(*socket), clock_, give_up_at);
  }

  /// A time-out is the file's fault unless the caller had less patience than the node.
  template <class T>
  core::Result<T> judged(core::Result<T> result, core::Deadline deadline) const {
    if (!result && result.error().code == Errc::kDeadlineExceeded && clock_.now() < deadline)
      result.error().code = Errc::kDamagedMedia;
    return result;
  }

 private:
  Job job_of(JobKind kind, std::chrono::milliseconds limit) const {
    return {.kind = kind,
            .allow_unconfined = options_.allow_unconfined,
            .limit_ms = static_cast<std::uint32_t>(limit.count()),
            .memory_bytes = options_.memory_bytes};
  }

  core::Duration time_left(core::Deadline deadline) const {
    const auto now = clock_.now();
    return deadline > now + kLongest ? core::Duration(kLongest) : deadline - now;
  }

  const core::Clock& clock_;
  const MediaOptions options_;
  MediaProcess process_;
  JobGate foreground_, early_, background_;
};

MediaService::MediaService(const core::Clock& clock, MediaOptions options)
    : impl_(std::make_unique<Impl>(clock, std::move(options))) {}
MediaService::~MediaService() = default;

core::Task<core::Result<Probe>> MediaService::probe(int file, core::Deadline deadline) {
  KADENZA_CO_TRY(const auto body, co_await impl_->run(JobKind::kProbe, file, 0, deadline));
  co_return impl_->judged(decode_probe(body), deadline);
}

std::unique_ptr<EarlyProbe> MediaService::probe_early(int file, std::uint64_t size) {
  return impl_->probe_early(file, size);
}

core::Task<core::Result<core::DerivedFacts>> MediaService::analyse(int file, core::Deadline deadline) {
  KADENZA_CO_TRY(const auto body, co_await impl_->run(JobKind::kAnalyse, file, 0, deadline));
  co_return impl_->judged(decode_facts(body), deadline);
}

core::Task<core::Result<core::Image>> MediaService::resize(std::vector<std::uint8_t> image,
                                                           std::uint32_t pixels, core::Deadline deadline) {
  KADENZA_CO_TRY(const auto file, in_memory_file(image));
  KADENZA_CO_TRY(const auto body, co_await impl_->run(JobKind::kResize, file.get(), pixels, deadline));
  co_return impl_->judged(decode_image(body), deadline);
}

}  // namespace kadenza::services::media
