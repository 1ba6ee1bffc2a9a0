// SPDX-License-Identifier: AGPL-3.0-or-later
#include "views/metrics.hpp"

#include <filesystem>
#include <fstream>

#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

namespace kadenza::views {

namespace {

const prometheus::Histogram::BucketBoundaries kLatencyBuckets{
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};

prometheus::Counter& counter(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Gauge& gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

double resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  double total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double open_descriptors() {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end;
       at.increment(error))
    ++count;
  return count;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

Metrics::Metrics(std::shared_ptr<prometheus::Registry> registry, std::string_view version)
    : registry_(std::move(registry)),
      requests_(prometheus::BuildCounter()
                    .Name("kadenza_http_requests_total")
                    .Help("Requests answered, by method, route and status.")
                    .Register(*registry_)),
      latencies_(prometheus::BuildHistogram()
                     .Name("kadenza_http_request_seconds")
                     .Help("From the head of a request to the last byte of its answer, by method and route.")
                     .Register(*registry_)),
      uploads_(prometheus::BuildCounter()
                   .Name("kadenza_uploads_total")
                   .Help("Uploads finished, by outcome.")
                   .Register(*registry_)),
      library_(prometheus::BuildGauge()
                   .Name("kadenza_library")
                   .Help("What the library holds.")
                   .Register(*registry_)),
      bytes_sent_(counter(*registry_, "kadenza_http_sent_bytes_total", "Bytes of answers sent.")),
      log_in_failures_(counter(*registry_, "kadenza_log_in_failures_total", "Log-ins and tokens refused.")),
      refused_(
          counter(*registry_, "kadenza_http_connections_refused_total", "Connections refused over a limit.")),
      connections_(gauge(*registry_, "kadenza_http_connections", "Connections open.")),
      cpu_seconds_(gauge(*registry_, "process_cpu_seconds_total", "Processor time used, in seconds.")),
      resident_bytes_(gauge(*registry_, "process_resident_memory_bytes", "Resident memory.")),
      open_descriptors_(gauge(*registry_, "process_open_fds", "File descriptors open.")) {
  prometheus::BuildGauge()
      .Name("kadenza_build_info")
      .Help("Constant 1, with the version as a label.")
      .Register(*registry_)
      .Add({{"version", std::string(version)}})
      .Set(1);
}

void Metrics::request_done(std::string_view method, std::string_view route, unsigned status,
                           std::chrono::nanoseconds took, std::uint64_t bytes_sent) {
  bytes_sent_.Increment(static_cast<double>(bytes_sent));
  prometheus::Histogram* latency = nullptr;
  {
    const std::lock_guard lock(routes_mutex_);
    auto found = routes_.find(ByText::View(method, route));
    if (found == routes_.end()) found = routes_.try_emplace({std::string(method), std::string(route)}).first;
    auto& of_route = found->second;
    auto& count = of_route.by_status[status];
    if (!count) {
      prometheus::Labels labels{{"method", std::string(method)}, {"route", std::string(route)}};
      if (!of_route.latency) of_route.latency = &latencies_.Add(labels, kLatencyBuckets);
      labels.emplace("status", std::to_string(status));
      count = &requests_.Add(labels);
    }
    count->Increment();
    latency = of_route.latency;
  }
  latency->Observe(std::chrono::duration<double>(took).count());
}

void Metrics::upload_done(std::string_view outcome) {
  uploads_.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::certificate_read(std::time_t ends) {
  gauge(*registry_, "kadenza_tls_certificate_expiry_timestamp_seconds",
        "When the certificate of the HTTP server expires, in seconds since 1970.")
      .Set(static_cast<double>(ends));
}

bool Metrics::totals_due(std::chrono::steady_clock::time_point now, std::chrono::seconds age) {
  auto read_at = totals_read_at_.load();
  if (read_at != 0 && now.time_since_epoch() - std::chrono::steady_clock::duration(read_at) < age)
    return false;
  return totals_read_at_.compare_exchange_strong(read_at, now.time_since_epoch().count());
}

void Metrics::set_totals(const core::LibraryTotals& totals) {
  const auto set = [this](const char* what, double value) { library_.Add({{"what", what}}).Set(value); };
  set("songs", static_cast<double>(totals.songs));
  set("albums", static_cast<double>(totals.albums));
  set("artists", static_cast<double>(totals.artists));
  set("genres", static_cast<double>(totals.genres));
  set("bytes", static_cast<double>(totals.bytes));
  set("seconds", static_cast<double>(totals.duration.count()) / 1000);
}

void Metrics::measure_process() {
  cpu_seconds_.Set(cpu_seconds());
  resident_bytes_.Set(resident_bytes());
  open_descriptors_.Set(open_descriptors());
}

std::string Metrics::text() {
  measure_process();
  return prometheus::TextSerializer().Serialize(registry_->Collect());
}

}  // namespace kadenza::views
