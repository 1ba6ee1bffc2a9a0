// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/streaming_process.hpp"

#include <utility>

namespace kadenza::sim {

using core::Errc;
using core::Result;
using core::Task;
using distributed::kademlia::Contact;
using distributed::placement::Directory;

namespace {

std::unexpected<core::Error> ended() {
  return core::fail(Errc::kCancelled, "this process ended");
}

Directory::Options places(const StreamingProcess::Parts& parts) {
  Directory::Options options;
  options.self = parts.self;
  options.candidates = parts.settings.candidates;
  return options;
}

}  // namespace

class StreamingProcess::Calls final : public distributed::peers::Peers {
 public:
  explicit Calls(const StreamingProcess& process) : process_(process) {}

  Task<Result<std::string>> call(Contact to, std::string_view path, std::string request,
                                 core::Deadline deadline) override {
    if (!process_.alive_) co_return ended();
    auto answer = co_await process_.parts_.peers.call(to, path, std::move(request), deadline);
    if (!process_.alive_) co_return ended();
    co_return answer;
  }

 private:
  const StreamingProcess& process_;
};

class StreamingProcess::Lookups final : public distributed::placement::Routing {
 public:
  explicit Lookups(const StreamingProcess& process) : process_(process) {}

  Task<SwarmLookups::Found> nearest(distributed::kademlia::Key key, std::size_t count,
                                    core::Deadline deadline) override {
    if (!process_.alive_) co_return ended();
    co_return co_await process_.parts_.lookups.nearest(process_.parts_.host, key, count, deadline);
  }

 private:
  const StreamingProcess& process_;
};

StreamingProcess::StreamingProcess(Parts parts)
    : parts_(std::move(parts)),
      calls_(std::make_unique<Calls>(*this)),
      lookups_(std::make_unique<Lookups>(*this)),
      songs_(parts_.disk, parts_.clock, parts_.timers),
      directory_(Directory::create(places(parts_), parts_.executor, parts_.clock, *lookups_)),
      peers_(*calls_, *directory_),
      replicas_(peers_),
      demand_(parts_.clock, parts_.settings),
      holder_({songs_, offers_, replicas_, parts_.clock, parts_.timers, parts_.executor, nullptr,
               directory_.get(), &demand_}),
      remote_songs_(std::make_shared<distributed::streaming::RemoteSongs>(
          distributed::streaming::RemoteSongs::Parts{*directory_, replicas_, parts_.clock, parts_.timers,
                                                     nullptr, parts_.executor, parts_.settings})) {
  holder_.add_methods(handlers_);
}

StreamingProcess::~StreamingProcess() = default;

Task<void> StreamingProcess::greet(Contact other, core::Deadline deadline) {
  (void)co_await peers_.call(other, "", "", deadline);
}

}  // namespace kadenza::sim
