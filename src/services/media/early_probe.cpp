// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/media/early_probe.hpp"

#include <utility>

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <sys/socket.h>

#include "services/media/job_reply.hpp"
#include "services/media/messages.hpp"

namespace kadenza::services::media {

namespace asio = boost::asio;
using core::Errc;

namespace {

constexpr core::Duration kLongest = std::chrono::hours(24);

}  // namespace

EarlyProbe::EarlyProbe(JobGate::Slot place, core::UniqueFd reply, const core::Clock& clock,
                       core::Instant give_up_at)
    : place_(std::move(place)), reply_(std::move(reply)), clock_(clock), give_up_at_(give_up_at) {}

void EarlyProbe::grown() {
  if (!reply_) return;
  if (clock_.now() > give_up_at_) {
    reply_.reset();
    place_.reset();
    return;
  }
  // A full buffer is news enough, and a worker that has gone needs none.
  static_cast<void>(::send(reply_.get(), "", 1, MSG_DONTWAIT | MSG_NOSIGNAL));
}

core::Task<core::Result<Probe>> EarlyProbe::result(core::Deadline deadline) {
  using namespace asio::experimental::awaitable_operators;
  if (!reply_) co_return core::fail(Errc::kUnavailable, "the file came too slowly to be parsed meanwhile");
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_after(deadline == core::Deadline::max() ? kLongest : deadline - clock_.now());
  auto reply = read_reply(std::move(reply_));
  auto expiry = timer.async_wait(asio::as_tuple(asio::use_awaitable));
  auto first = co_await (std::move(reply) || std::move(expiry));
  const auto cancelled = (co_await asio::this_coro::cancellation_state).cancelled();
  if (cancelled != asio::cancellation_type::none)
    co_return core::fail(Errc::kCancelled, "the call was cancelled");
  auto* const body = std::get_if<0>(&first);
  if (body == nullptr) co_return core::fail(Errc::kDeadlineExceeded, "there was no time left for the file");
  if (!*body) co_return std::unexpected(std::move(*body).error());
  co_return decode_probe(**body);
}

}  // namespace kadenza::services::media
