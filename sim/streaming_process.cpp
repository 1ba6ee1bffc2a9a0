// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/streaming_process.hpp"

#include <utility>

namespace kadenza::sim {

using core::Result;
using core::Task;
using distributed::kademlia::Contact;
using distributed::placement::Directory;

namespace {

Directory::Options places(const StreamingProcess::Parts& parts) {
  Directory::Options options;
  options.self = parts.self;
  options.candidates = parts.settings.candidates;
  return options;
}

}  // namespace

class StreamingProcess::Lookups final : public distributed::placement::Routing {
 public:
  explicit Lookups(const StreamingProcess& process) : process_(process) {}

  Task<SwarmLookups::Found> nearest(distributed::kademlia::Key key, std::size_t count,
                                    core::Deadline deadline) override {
    if (!process_.alive_) co_return process_ended();
    co_return co_await process_.parts_.lookups.nearest(process_.parts_.host, key, count, deadline);
  }

 private:
  const StreamingProcess& process_;
};

StreamingProcess::StreamingProcess(Parts parts)
    : parts_(std::move(parts)),
      calls_(parts_.peers, alive_),
      lookups_(std::make_unique<Lookups>(*this)),
      songs_(parts_.disk, parts_.clock, parts_.timers),
      directory_(Directory::create(places(parts_), parts_.executor, parts_.clock, *lookups_)),
      peers_(calls_, *directory_),
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
