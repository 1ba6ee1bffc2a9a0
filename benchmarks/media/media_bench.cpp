// SPDX-License-Identifier: AGPL-3.0-or-later
// What receiving and checking a file costs: probes, and a 40 MB upload beside the bare write, fsync and
// SHA-256 of the same bytes. Prints n, median and 99th percentile. Usage: media_bench KADENZA_MEDIA FILE
// FOLDER
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <random>
#include <vector>

#include <boost/asio.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/sha256.hpp"
#include "services/blobs/blob_store.hpp"
#include "services/media/media_service.hpp"

namespace asio = boost::asio;
namespace core = kadenza::core;
using kadenza::services::blobs::BlobStore;
using kadenza::services::media::MediaOptions;
using kadenza::services::media::MediaService;
using Samples = std::vector<double>;

namespace {

constexpr std::size_t kLargeBytes = 40'000'000;
constexpr std::size_t kPieceBytes = 256 * 1024;

double seconds_of(const std::function<void()>& action) {
  const auto start = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double percentile(Samples samples, double share) {
  std::ranges::sort(samples);
  return samples[static_cast<std::size_t>(share * static_cast<double>(samples.size() - 1))];
}

void print(const char* what, const Samples& seconds) {
  fmt::print("{:44} n={:5}  median {:9.3f} ms  p99 {:9.3f} ms\n", what, seconds.size(),
             percentile(seconds, 0.5) * 1e3, percentile(seconds, 0.99) * 1e3);
}

/// CPU seconds that this process and those it has waited for have used.
double cpu_of(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void probe_one_by_one(MediaService& service, int file, int count, Samples& seconds) {
  asio::io_context io;
  asio::co_spawn(
      io,
      [&]() -> core::Task<void> {
        for (int i = 0; i < count; ++i) {
          const auto start = std::chrono::steady_clock::now();
          const auto probed = co_await service.probe(file, core::Deadline::max());
          if (!probed) fmt::print(stderr, "{}\n", probed.error().detail);
          seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        }
      },
      asio::detached);
  io.run();
}

void bench_probes(const char* program, const char* path) {
  const core::SystemClock clock;
  const core::UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
  const double cpu_before = cpu_of(RUSAGE_SELF);
  constexpr int kProbes = 1000;
  Samples seconds, together;
  double elapsed = 0;
  {
    MediaOptions options;
    options.program = program;
    MediaService service(clock, options);
    probe_one_by_one(service, file.get(), 20, together);  // starts the process
    probe_one_by_one(service, file.get(), kProbes, seconds);
    asio::io_context io;
    for (int i = 0; i < kProbes; ++i)
      asio::co_spawn(io, service.probe(file.get(), core::Deadline::max()), asio::detached);
    elapsed = seconds_of([&] { io.run(); });
  }
  print("probe, one after the other", seconds);
  fmt::print("{:44} {:.0f} files/s\n", "probe, 4 at once", kProbes / elapsed);
  fmt::print("{:44} {:.3f} ms a probe, forks included\n", "CPU time of the media process and its workers",
             cpu_of(RUSAGE_CHILDREN) / (2 * kProbes + 20) * 1e3);
  fmt::print("{:44} {:.3f} ms a probe\n", "CPU time of the node",
             (cpu_of(RUSAGE_SELF) - cpu_before) / (2 * kProbes + 20) * 1e3);
}

std::vector<std::uint8_t> random_bytes(std::size_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i + 8 <= size; i += 8) {
    const auto word = random();
    std::copy_n(reinterpret_cast<const std::uint8_t*>(&word), 8,
                bytes.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return bytes;
}

void receive_bare(const std::filesystem::path& path, std::span<const std::uint8_t> bytes) {
  const core::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  core::Sha256 hash;
  for (auto rest = bytes; !rest.empty(); rest = rest.subspan(std::min(kPieceBytes, rest.size()))) {
    const auto piece = rest.first(std::min(kPieceBytes, rest.size()));
    if (::write(file.get(), piece.data(), piece.size()) < 0) std::perror("write");
    hash.update(piece);
  }
  hash.finish();
  ::fsync(file.get());
}

void receive_staged(BlobStore& blobs, std::span<const std::uint8_t> bytes) {
  auto staging = blobs.stage(bytes.size());
  for (auto rest = bytes; !rest.empty(); rest = rest.subspan(std::min(kPieceBytes, rest.size())))
    static_cast<void>(staging->append(rest.first(std::min(kPieceBytes, rest.size()))));
  const auto info = staging->commit();
  if (!info) fmt::print(stderr, "{}\n", info.error().detail);
}

void bench_staging(const std::filesystem::path& folder) {
  auto blobs = BlobStore::open({.folder = folder / "blobs"});
  Samples bare, staged, ratio, small;
  for (unsigned pair = 0; pair < 15; ++pair) {
    const auto bytes = random_bytes(kLargeBytes, pair);
    bare.push_back(seconds_of([&] { receive_bare(folder / "bare", bytes); }));
    staged.push_back(seconds_of([&] { receive_staged(*blobs, bytes); }));
    ratio.push_back(staged.back() / bare.back());
  }
  for (unsigned i = 0; i < 1000; ++i) {
    const auto bytes = random_bytes(8'000, 1000 + i);
    small.push_back(seconds_of([&] { static_cast<void>(blobs->put(bytes)); }));
  }
  print("40 MB: write, fsync, one SHA-256", bare);
  print("40 MB: staged and committed", staged);
  fmt::print("{:44} median {:.2f}  p99 {:.2f}  (at most 1.3)\n", "40 MB: ratio of each pair",
             percentile(ratio, 0.5), percentile(ratio, 0.99));
  print("8 kB: stored durably", small);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    fmt::print(stderr, "usage: media_bench KADENZA_MEDIA FILE FOLDER\n");
    return 2;
  }
  bench_staging(arguments[3]);
  bench_probes(arguments[1], arguments[2]);
}
