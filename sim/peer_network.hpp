// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "distributed/kademlia/contact.hpp"
#include "distributed/peers/handlers.hpp"
#include "distributed/peers/peers.hpp"
#include "sim/calls.hpp"

namespace kadenza::sim {

/// Nodes that call each other: what mutual TLS is in production. Hosts are added once and never reused; a
/// node may crash and start again on its host. Single-threaded.
class PeerNetwork {
 public:
  PeerNetwork(Engine& engine, Coroutines& coroutines, Network& network)
      : network_(network), calls_(engine, coroutines, network) {}

  HostId add(const core::NodeId& id) {
    const HostId host = network_.add_host();
    add(id, host);
    return host;
  }
  /// On a host of the network that is there already.
  void add(const core::NodeId& id, HostId host) {
    hosts_[id] = host;
    ids_[host] = id;
  }

  /// `handlers` must outlive the process.
  void start(HostId host, const distributed::peers::Handlers& handlers) {
    calls_.start(host, [this, &handlers](HostId from, Message request) {
      return serve(handlers, from, std::move(request));
    });
  }
  void crash(HostId host) { calls_.crash(host); }

  /// An endpoint that names the host, for contacts.
  static distributed::kademlia::Endpoint endpoint(HostId host) {
    return distributed::kademlia::Endpoint::v4(0x0a000001u + host, 4748);
  }
  distributed::kademlia::Contact contact(const core::NodeId& id, std::uint8_t capacity_class = 8) const {
    return {id, endpoint(hosts_.at(id)), capacity_class};
  }

  /// How the node on `host` calls others. Outlived by this object.
  std::unique_ptr<distributed::peers::Peers> peers_of(HostId host) {
    return std::make_unique<Side>(*this, host);
  }

  /// What the calls of one method came to so far: paths, requests and answers.
  struct Traffic {
    std::uint64_t calls = 0;
    std::uint64_t bytes = 0;
  };
  const std::map<std::string, Traffic, std::less<>>& traffic() const { return traffic_; }

 private:
  struct Message {
    std::string path;
    std::string body;
    core::Deadline deadline = core::Deadline::max();
  };

  class Side final : public distributed::peers::Peers {
   public:
    Side(PeerNetwork& all, HostId host) : all_(all), host_(host) {}

    core::Task<core::Result<std::string>> call(distributed::kademlia::Contact to, std::string_view path,
                                               std::string request, core::Deadline deadline) override {
      const auto host = all_.hosts_.find(to.id);
      if (host == all_.hosts_.end()) {
        co_return core::fail(core::Errc::kUnavailable, "no such node in this world");
      }
      Message message{std::string(path), std::move(request), deadline};
      auto& traffic = all_.traffic_[message.path];
      ++traffic.calls;
      traffic.bytes += message.path.size() + message.body.size();
      auto answer = co_await all_.calls_.call(host_, host->second, std::move(message), deadline);
      if (answer) traffic.bytes += answer->size();
      co_return answer;
    }

   private:
    PeerNetwork& all_;
    HostId host_;
  };

  core::Task<core::Result<std::string>> serve(const distributed::peers::Handlers& handlers, HostId from,
                                              Message message) {
    const auto* handler = handlers.find(message.path);
    if (!handler) co_return core::fail(core::Errc::kInvalidArgument, "no such method: " + message.path);
    co_return co_await (*handler)({ids_.at(from), message.deadline}, std::move(message.body));
  }

  Network& network_;
  Calls<Message, std::string> calls_;
  std::map<core::NodeId, HostId> hosts_;
  std::map<HostId, core::NodeId> ids_;
  std::map<std::string, Traffic, std::less<>> traffic_;
};

}  // namespace kadenza::sim
