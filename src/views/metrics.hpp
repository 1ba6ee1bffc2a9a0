// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <atomic>
#include <chrono>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "core/music_library.hpp"

namespace kadenza::views {

/// What the HTTP layer counts, and what /metrics answers (Prometheus text format). Thread-safe.
class Metrics {
 public:
  Metrics(std::shared_ptr<prometheus::Registry> registry, std::string_view version);

  void request_done(std::string_view method, std::string_view route, unsigned status,
                    std::chrono::nanoseconds took, std::uint64_t bytes_sent);
  void upload_done(std::string_view outcome);  ///< "added", "already_there" or an error's code
  void log_in_failed() { log_in_failures_.Increment(); }
  /// Shown from the first call on.
  void certificate_read(std::time_t ends);
  void connection_opened() { connections_.Increment(); }
  void connection_closed() { connections_.Decrement(); }
  void connection_refused() { refused_.Increment(); }

  /// Whether the totals shown are older than `age`; true for one caller at a time.
  bool totals_due(std::chrono::steady_clock::time_point now, std::chrono::seconds age);
  void set_totals(const core::LibraryTotals& totals);

  /// Reads this process' figures and writes everything.
  std::string text();

 private:
  struct OfRoute {
    std::map<unsigned, prometheus::Counter*> by_status;
    prometheus::Histogram* latency = nullptr;
  };

  void measure_process();

  std::shared_ptr<prometheus::Registry> registry_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Histogram>& latencies_;
  prometheus::Family<prometheus::Counter>& uploads_;
  prometheus::Family<prometheus::Gauge>& library_;
  prometheus::Counter& bytes_sent_;
  prometheus::Counter& log_in_failures_;
  prometheus::Counter& refused_;
  prometheus::Gauge& connections_;
  prometheus::Gauge& cpu_seconds_;
  prometheus::Gauge& resident_bytes_;
  prometheus::Gauge& open_descriptors_;

  /// Lets a request find its method and route without copying them.
  struct ByText {
    using is_transparent = void;
    using View = std::pair<std::string_view, std::string_view>;
    bool operator()(const View& a, const View& b) const { return a < b; }
  };
  std::mutex routes_mutex_;  ///< guards routes_
  std::map<std::pair<std::string, std::string>, OfRoute, ByText> routes_;
  std::atomic<std::chrono::steady_clock::rep> totals_read_at_{0};
};

}  // namespace kadenza::views
