// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/task.hpp"
#include "sim/connections.hpp"
#include "sim/coroutines.hpp"
#include "sim/network.hpp"
#include "sim/pool.hpp"
#include "sim/suspension.hpp"

namespace kadenza::sim {

/// Typed calls between simulated processes over connections: what gRPC is in production. A call is a request,
/// a response and a deadline; cancelling the caller's coroutine, or its deadline, cancels the coroutine that
/// serves it one network delay later. A host has at most one process; a crash cancels whatever it was doing.
/// Single-threaded, deterministic; must go before the Coroutines it runs on.
template <class Request, class Response>
class Calls final : public EventHandler {
 public:
  using Handler = std::function<core::Task<core::Result<Response>>(HostId from, Request request)>;
  using Outcome = core::Result<Response>;

  Calls(Engine& engine, Coroutines& coroutines, Network& network)
      : engine_(engine),
        coroutines_(coroutines),
        network_(network),
        connections_(network),
        id_(engine.add_handler(*this)) {}

  /// Starts a process on the host: calls to it are answered by `handler` from now on.
  void start(HostId host, Handler handler) {
    if (processes_.size() <= host) processes_.resize(host + 1);
    processes_[host].handler = std::move(handler);
  }

  /// Ends the host's process at once: what it serves is cancelled, what it waits for ends with kCancelled,
  /// and nothing that was on the way to it is delivered to a later process.
  void crash(HostId host);

  /// Errors: what the handler answered; kDeadlineExceeded; kCancelled (the caller was cancelled or crashed);
  /// kUnavailable (no process there, or nothing came back for kTransportTimeout).
  core::Task<Outcome> call(HostId from, HostId to, Request request, core::Deadline deadline) {
    const Handle handle = begin(from, to, std::move(request), deadline);
    co_return co_await Suspension<Outcome>::suspend(
        [this, handle](Suspension<Outcome> suspension) {
          calls_[handle.slot].caller = std::move(suspension);
        },
        [this, handle] { give_up(handle, core::fail(core::Errc::kCancelled)); });
  }

  void on_event(std::uint32_t slot) override;

 private:
  enum class Kind : std::uint8_t { kArrive, kReply, kFailed, kDeadline, kAbandon };
  struct Handle {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
  };
  struct Call {
    HostId from = 0, to = 0;
    std::uint32_t from_incarnation = 0, to_incarnation = 0;
    std::uint32_t generation = 0;
    Request request{};
    Suspension<Outcome> caller;  // empty: nobody waits any more
    std::shared_ptr<boost::asio::cancellation_signal>
        serving;  // shared with the coroutine that listens to it
  };
  struct Event {
    Kind kind = Kind::kArrive;
    Handle handle;
    std::optional<Outcome> outcome;
  };
  struct Process {
    Handler handler;  // empty: no process
    std::uint32_t incarnation = 0;
  };

  Process& process(HostId host) {
    if (processes_.size() <= host) processes_.resize(host + 1);
    return processes_[host];
  }
  Call* find(Handle handle) {
    Call& call = calls_[handle.slot];
    return call.generation == handle.generation ? &call : nullptr;
  }
  void later(core::Instant at, Kind kind, Handle handle, std::optional<Outcome> outcome = std::nullopt) {
    engine_.schedule(at, id_, events_.put(Event{kind, handle, std::move(outcome)}));
  }

  static std::size_t bytes_of(const Response& response) {
    if constexpr (requires { response.size(); }) {
      return response.size();
    } else {
      return sizeof response;
    }
  }

  /// A coroutine that was cancelled leaves its next wait by an exception; any other one is a fault of the
  /// code.
  static Outcome cancelled_or_rethrow(std::exception_ptr thrown) {
    try {
      std::rethrow_exception(std::move(thrown));
    } catch (const boost::system::system_error& error) {
      if (error.code() != boost::asio::error::operation_aborted) throw;
      return core::fail(core::Errc::kCancelled, "the call was cancelled");
    }
  }

  Handle begin(HostId from, HostId to, Request request, core::Deadline deadline);
  void arrive(Handle handle, Call& call);
  void served(Handle handle, Outcome outcome);
  void settle(Handle handle, Outcome outcome);
  void give_up(Handle handle, Outcome outcome);
  void release(Handle handle);

  Engine& engine_;
  Coroutines& coroutines_;
  Network& network_;
  Connections connections_;
  Engine::HandlerId id_;
  std::vector<Process> processes_;
  std::vector<Call> calls_;
  std::vector<std::uint32_t> free_;
  Pool<Event> events_;
};

template <class Request, class Response>
auto Calls<Request, Response>::begin(HostId from, HostId to, Request request, core::Deadline deadline)
    -> Handle {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(calls_.size()));
    calls_.emplace_back();
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  Call& call = calls_[slot];
  call.from = from;
  call.to = to;
  call.from_incarnation = process(from).incarnation;
  call.to_incarnation = process(to).incarnation;
  call.request = std::move(request);
  const Handle handle{slot, call.generation};
  if (const auto arrival = connections_.request(from, to, engine_.now())) {
    later(*arrival, Kind::kArrive, handle);
  } else {
    later(engine_.now() + kTransportTimeout, Kind::kFailed, handle,
          core::fail(core::Errc::kUnavailable, "the other node does not answer"));
  }
  if (deadline != core::Deadline::max()) {
    later(deadline, Kind::kDeadline, handle, core::fail(core::Errc::kDeadlineExceeded));
  }
  return handle;
}

template <class Request, class Response>
void Calls<Request, Response>::on_event(std::uint32_t slot) {
  Event event = events_.take(slot);
  Call* call = find(event.handle);
  if (!call) return;
  switch (event.kind) {
    case Kind::kArrive:
      return arrive(event.handle, *call);
    case Kind::kReply:
    case Kind::kFailed:
      return settle(event.handle, std::move(*event.outcome));
    case Kind::kDeadline:
      return give_up(event.handle, std::move(*event.outcome));
    case Kind::kAbandon:
      if (call->serving) call->serving->emit(boost::asio::cancellation_type::terminal);
      return release(event.handle);
  }
}

template <class Request, class Response>
void Calls<Request, Response>::arrive(Handle handle, Call& call) {
  const Process& server = process(call.to);
  if (!network_.connected(call.from, call.to)) {
    connections_.drop(call.from, call.to);
    return later(engine_.now() + kTransportTimeout, Kind::kFailed, handle,
                 core::fail(core::Errc::kUnavailable, "the connection broke"));
  }
  if (!server.handler || server.incarnation != call.to_incarnation) {
    connections_.drop(call.from, call.to);
    return later(engine_.now() + network_.round_trip(call.from, call.to) / 2, Kind::kFailed, handle,
                 core::fail(core::Errc::kUnavailable, "nobody listens there"));
  }
  call.serving = std::make_shared<boost::asio::cancellation_signal>();
  auto finished = [this, handle, alive = call.serving](std::exception_ptr thrown, Outcome outcome) {
    if (thrown) outcome = cancelled_or_rethrow(thrown);
    served(handle, std::move(outcome));
  };
  core::Task<Outcome> task = server.handler(call.from, std::move(call.request));
  boost::asio::co_spawn(coroutines_.context(), std::move(task),
                        boost::asio::bind_cancellation_slot(call.serving->slot(), std::move(finished)));
}

template <class Request, class Response>
void Calls<Request, Response>::served(Handle handle, Outcome outcome) {
  Call* call = find(handle);
  if (!call || !call->serving) return;
  call->serving.reset();
  if (process(call->to).incarnation != call->to_incarnation)
    outcome = core::fail(core::Errc::kUnavailable, "it crashed");
  if (const auto arrival =
          connections_.response(call->from, call->to, engine_.now(), outcome ? bytes_of(*outcome) : 0)) {
    return later(*arrival, Kind::kReply, handle, std::move(outcome));
  }
  later(engine_.now() + kTransportTimeout, Kind::kFailed, handle,
        core::fail(core::Errc::kUnavailable, "the connection broke"));
}

template <class Request, class Response>
void Calls<Request, Response>::settle(Handle handle, Outcome outcome) {
  auto caller = std::move(calls_[handle.slot].caller);
  release(handle);
  if (caller) caller.resume(std::move(outcome));
}

/// The caller stops waiting; the record stays until the server has heard of it.
template <class Request, class Response>
void Calls<Request, Response>::give_up(Handle handle, Outcome outcome) {
  Call* call = find(handle);
  if (!call || !call->caller) return;
  auto caller = std::exchange(call->caller, {});
  const auto arrival = connections_.request(call->from, call->to, engine_.now());
  later(arrival.value_or(engine_.now() + kTransportTimeout), Kind::kAbandon, handle);
  caller.resume(std::move(outcome));
}

template <class Request, class Response>
void Calls<Request, Response>::release(Handle handle) {
  Call& call = calls_[handle.slot];
  ++call.generation;
  call.request = {};
  call.caller = {};
  call.serving.reset();
  free_.push_back(handle.slot);
}

template <class Request, class Response>
void Calls<Request, Response>::crash(HostId host) {
  Process& crashed = process(host);
  crashed.handler = nullptr;
  ++crashed.incarnation;
  connections_.drop_all(host);
  for (std::uint32_t slot = 0; slot < calls_.size(); ++slot) {
    Call& call = calls_[slot];
    if (call.to == host && call.serving) call.serving->emit(boost::asio::cancellation_type::terminal);
    if (call.from == host && call.caller) {
      std::exchange(call.caller, {}).resume(core::fail(core::Errc::kCancelled, "this process crashed"));
    }
  }
}

}  // namespace kadenza::sim
