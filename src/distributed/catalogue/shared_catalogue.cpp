// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/catalogue/shared_catalogue.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include "core/await_on.hpp"
#include "distributed/catalogue/catalogue_methods.hpp"
#include "services/catalogue/row_version.hpp"

namespace kadenza::distributed::catalogue {

using core::Result;

SharedCatalogue::SharedCatalogue(Parts parts)
    : parts_(std::move(parts)),
      strand_(boost::asio::make_strand(parts_.executor)),
      intake_(parts_.rows, parts_.clock, parts_.on_superseded),
      changed_(strand_, parts_.timers),
      reconciler_(parts_.rows, intake_, parts_.peers, parts_.clock),
      service_({parts_.rows, intake_, changed_, parts_.clock, parts_.timers, parts_.options.gather}),
      follower_(
          {strand_,
           intake_,
           reconciler_,
           parts_.peers,
           parts_.directory,
           parts_.clock,
           parts_.timers,
           parts_.random,
           {parts_.options.review, parts_.options.compare, parts_.options.wait, parts_.options.pause}}) {}

std::shared_ptr<SharedCatalogue> SharedCatalogue::create(Parts parts) {
  return std::shared_ptr<SharedCatalogue>(new SharedCatalogue(std::move(parts)));
}

template <class Request, class Serve>
void SharedCatalogue::add(peers::Handlers& handlers, Serve serve) {
  using Reply = typename peers::MethodOf<Request>::Reply;
  handlers.add<Request>(
      [self = shared_from_this(), serve](peers::Caller caller, Request request) -> core::Task<Result<Reply>> {
        auto work = [self, serve, caller, request = std::move(request)]() mutable {
          return serve(self->service_, caller, std::move(request));
        };
        co_return co_await core::await_on(self->strand_, std::move(work));
      });
}

void SharedCatalogue::serve(peers::Handlers& handlers) {
  add<v1::PutRowsRequest>(handlers,
                          [](CatalogueService& service, const peers::Caller&, v1::PutRowsRequest request) {
                            return service.put_rows(std::move(request));
                          });
  add<v1::ChangesRequest>(
      handlers, [](CatalogueService& service, const peers::Caller& caller, v1::ChangesRequest request) {
        return service.changes(caller, std::move(request));
      });
  add<v1::DigestsRequest>(handlers,
                          [](CatalogueService& service, const peers::Caller&, v1::DigestsRequest request) {
                            return service.digests(std::move(request));
                          });
  add<v1::VersionsRequest>(handlers,
                           [](CatalogueService& service, const peers::Caller&, v1::VersionsRequest request) {
                             return service.versions(std::move(request));
                           });
  add<v1::RowsRequest>(handlers,
                       [](CatalogueService& service, const peers::Caller&, v1::RowsRequest request) {
                         return service.find_rows(std::move(request));
                       });
}

void SharedCatalogue::start() {
  parts_.rows.on_change([weak = weak_from_this(), strand = strand_] {
    boost::asio::post(strand, [weak] {
      if (const auto self = weak.lock()) self->changed_.raise();
    });
  });
  boost::asio::post(strand_, [self = shared_from_this()] { self->follower_.start(self); });
}

core::Task<void> SharedCatalogue::stop() {
  parts_.rows.on_change({});
  auto work = [self = shared_from_this()] { return self->follower_.stop(); };
  co_await core::await_on(strand_, std::move(work));
}

core::Task<bool> SharedCatalogue::announce(core::Song song, core::Deadline deadline) {
  auto work = [self = shared_from_this(), song = std::move(song), deadline] {
    return self->announce_here(song, deadline);
  };
  co_return co_await core::await_on(strand_, std::move(work));
}

core::Task<bool> SharedCatalogue::announce_here(core::Song song, core::Deadline deadline) {
  std::vector<core::Song> row{song};
  if (const auto merged = co_await intake_.merge(std::move(row)); !merged) {
    spdlog::error("cannot add a song to the catalogue: {}", merged.error().detail);
  }
  const auto shard = services::catalogue::shard_of(song);
  auto holders = co_await parts_.directory.order(placement::partition_of_shard(shard), deadline);
  std::erase_if(holders, [](const auto& candidate) { return candidate.silent; });
  if (holders.size() > parts_.settings.replicas) holders.resize(parts_.settings.replicas);
  const auto needed = std::min<std::size_t>(parts_.settings.write_quorum, holders.size());

  using Outcomes = boost::asio::experimental::channel<void(boost::system::error_code, bool)>;
  const auto outcomes = std::make_shared<Outcomes>(strand_, holders.size());
  for (const auto& holder : holders) {
    auto work = [self = shared_from_this(), song, holder, deadline, outcomes]() -> core::Task<void> {
      const bool there = co_await self->bring(song, holder, deadline);
      outcomes->try_send(boost::system::error_code(), there);
    };
    boost::asio::co_spawn(strand_, std::move(work), boost::asio::detached);
  }
  std::size_t confirmed = 0;
  for (auto left = holders.size(); left > 0 && confirmed < needed; --left) {
    const auto [error, there] =
        co_await outcomes->async_receive(boost::asio::as_tuple(boost::asio::use_awaitable));
    if (error) throw boost::system::system_error(boost::asio::error::operation_aborted);
    if (there) ++confirmed;
  }
  co_return needed > 0 && confirmed >= needed;
}

core::Task<bool> SharedCatalogue::bring(core::Song song, placement::Candidate to, core::Deadline deadline) {
  std::vector<core::Song> row{std::move(song)};
  if (to.self) {
    const auto merged = co_await intake_.merge(std::move(row));
    co_return merged.has_value();
  }
  const auto done = co_await reconciler_.put(to.contact, std::move(row), deadline);
  if (!done &&
      (done.error().code == core::Errc::kUnavailable || done.error().code == core::Errc::kDeadlineExceeded)) {
    parts_.directory.failed(to.contact.id);
  }
  co_return done.has_value();
}

}  // namespace kadenza::distributed::catalogue
