// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/library/analyser.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include "core/await_on.hpp"
#include "core/blocking.hpp"
#include "core/error.hpp"
#include "core/song.hpp"
#include "services/blobs/blob_store.hpp"
#include "services/catalogue/database.hpp"
#include "services/catalogue/record_store.hpp"
#include "services/media/media_service.hpp"

namespace kadenza::services::library {
namespace asio = boost::asio;
using core::Errc;

namespace {
using SteadyClock = asio::steady_timer::clock_type;
constexpr auto kPauseAfterFailure = std::chrono::seconds(30);
/// How long no song must have been arriving before one is analysed, and how long that is waited for.
constexpr auto kQuiet = std::chrono::milliseconds(500);
constexpr auto kPatience = std::chrono::seconds(10);
constexpr std::size_t kBatch = 16;
}  // namespace

struct Analyser::State {
  explicit State(Parts given)
      : parts(std::move(given)), strand(asio::make_strand(parts.io)), wakeup(strand), ended(strand) {
    ended.expires_at(asio::steady_timer::time_point::max());
  }

  core::Task<void> run();
  core::Task<void> stop();
  core::Task<bool> analyse(core::SongId id);
  core::Task<void> wait_until(SteadyClock::time_point when);
  core::Task<void> step_aside();

  Parts parts;
  std::atomic<SteadyClock::time_point> last_arrival{SteadyClock::time_point::min()};
  asio::strand<asio::any_io_executor> strand;
  // All below belongs to the strand.
  asio::steady_timer wakeup;
  asio::steady_timer ended;  // cancelled when run() has returned
  asio::cancellation_signal cancel;
  bool running = false;
  bool stopping = false;
  bool notified = false;
  bool idle = false;  // the queue was empty; otherwise news do not shorten a pause after a failure
};

/// True when the song has its facts (or is gone); false when it must be tried again later.
core::Task<bool> Analyser::State::analyse(core::SongId id) {
  auto blob = co_await core::run_on(parts.blocking, [this, id]() -> core::Result<core::UniqueFd> {
    KADENZA_TRY(const auto record, parts.records.get(id));
    if (!record) return core::fail(Errc::kInternal, "the record vanished");
    return parts.blobs.open_blob(record->song.audio);
  });
  core::Result<core::DerivedFacts> facts;
  if (blob) {
    facts = co_await parts.media.analyse(blob->get(), core::Deadline::max());
  } else {
    facts = std::unexpected(blob.error());
  }
  if (!facts) {
    switch (facts.error().code) {
      case Errc::kUnsupportedMedia:
      case Errc::kDamagedMedia:
      case Errc::kNotFound:
        facts = core::DerivedFacts{.damaged = facts.error().detail};
        break;
      default:
        if (!stopping) spdlog::warn("cannot analyse song {}: {}", id.text(), facts.error().detail);
        co_return false;
    }
  }
  const auto stored = co_await core::run_on(parts.blocking, [this, id, &facts] {
    return parts.database.write([&](catalogue::Transaction& transaction) {
      return parts.records.put_facts(transaction, id, *facts);
    });
  });
  if (!stored) spdlog::warn("cannot store the analysis of song {}: {}", id.text(), stored.error().detail);
  co_return stored.has_value();
}

core::Task<void> Analyser::State::wait_until(SteadyClock::time_point when) {
  if (stopping) co_return;
  wakeup.expires_at(when);
  boost::system::error_code woken;
  co_await wakeup.async_wait(asio::redirect_error(asio::use_awaitable, woken));
}

/// Until no song is arriving, or it has been waited for long enough.
core::Task<void> Analyser::State::step_aside() {
  const auto latest = SteadyClock::now() + kPatience;
  while (!stopping) {
    const auto now = SteadyClock::now();
    if (now >= latest || now - kQuiet >= last_arrival.load()) co_return;
    co_await wait_until(std::min(last_arrival.load() + kQuiet, latest));
  }
}

core::Task<void> Analyser::State::run() {
  // A cancelled step answers kCancelled; the coroutine itself goes on to its orderly end.
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!stopping) {
    notified = false;
    const auto ids =
        co_await core::run_on(parts.blocking, [this] { return parts.records.unanalysed(kBatch); });
    bool failed = !ids;
    if (ids) {
      for (const auto id : *ids) {
        co_await step_aside();
        if (stopping) break;
        failed = !co_await analyse(id);
        if (failed) break;
      }
    }
    if (failed) {
      co_await wait_until(SteadyClock::now() + kPauseAfterFailure);
    } else if (ids->empty() && !notified) {
      idle = true;
      co_await wait_until(SteadyClock::time_point::max());
      idle = false;
    }
  }
}

Analyser::Analyser(Parts parts) : state_(std::make_shared<State>(std::move(parts))) {}
Analyser::~Analyser() = default;

void Analyser::start() {
  asio::dispatch(state_->strand, [state = state_] {
    if (state->running || state->stopping) return;
    state->running = true;
    auto ended = [state](const std::exception_ptr& error) {
      state->running = false;
      state->ended.cancel();
      if (error) std::rethrow_exception(error);
    };
    asio::co_spawn(state->strand, state->run(), asio::bind_cancellation_slot(state->cancel.slot(), ended));
  });
}

void Analyser::notify() {
  asio::post(state_->strand, [state = state_] {
    state->notified = true;
    if (state->idle) state->wakeup.cancel();
  });
}

void Analyser::note_arrival() noexcept {
  state_->last_arrival = SteadyClock::now();
}

core::Task<void> Analyser::State::stop() {
  stopping = true;
  wakeup.cancel();
  cancel.emit(asio::cancellation_type::terminal);
  while (running) {
    boost::system::error_code cancelled;
    co_await ended.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }
}

core::Task<void> Analyser::stop() {
  auto stopping = [state = state_] { return state->stop(); };
  co_await core::await_on(state_->strand, std::move(stopping));
}

}  // namespace kadenza::services::library
