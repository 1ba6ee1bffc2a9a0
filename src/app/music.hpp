// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/music_library.hpp"
#include "core/network.hpp"
#include "core/task.hpp"
#include "distributed/kademlia/contact.hpp"

namespace kadenza::distributed::rpc {
class KademliaDriver;
}
namespace kadenza::services::accounts {
class PasswordAccounts;
}
namespace kadenza::services::library {
class LocalLibrary;
}

namespace kadenza::app {

class Cluster;

/// The music that the members of a cluster share, and the accounts of its listeners: placement, replication,
/// streaming and the common catalogue, put together. Owned by Node, which stops it before the cluster.
/// Members on the main thread.
class Music {
 public:
  struct Options {
    Cluster& cluster;
    services::library::LocalLibrary& local;
    std::shared_ptr<distributed::rpc::KademliaDriver> kademlia;
    distributed::kademlia::Contact self;  ///< this node as others reach it
    std::filesystem::path data;
    std::uint64_t capacity = 0;     ///< bytes that the node's owner gives for storing
    std::chrono::seconds grace{};   ///< until a silent node's copies are made again
    std::uint64_t repair_rate = 0;  ///< bytes per second
    std::chrono::seconds scrub_every{};
    std::string version;
    boost::asio::any_io_executor io;
    boost::asio::any_io_executor blocking;
    const core::Clock* clock = nullptr;
    std::function<void()> on_drained;  ///< all that this node held is kept by others: it may end
  };

  /// Adds its methods to the cluster's, which must not serve yet. Blocking.
  static core::Result<std::unique_ptr<Music>> open(Options options);
  ~Music();

  /// The cluster serves now.
  void start();
  core::Task<void> stop();

  core::MusicLibrary& library();
  core::Network& network();
  services::accounts::PasswordAccounts& accounts();
  /// The founder's first user's, on its very first start only.
  std::optional<std::string> take_generated_password();

  /// Where this node's listeners are, for the other members to know.
  void announce_http(std::vector<std::string> urls);

 private:
  struct Parts;
  explicit Music(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace kadenza::app
