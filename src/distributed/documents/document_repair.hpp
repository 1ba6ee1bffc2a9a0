// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "core/background.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/network.hpp"
#include "core/random.hpp"
#include "core/task.hpp"
#include "core/timers.hpp"
#include "distributed/cluster/settings.hpp"
#include "distributed/documents/copies.hpp"
#include "distributed/kademlia/contact.hpp"
#include "distributed/peers/handlers.hpp"
#include "distributed/peers/peers.hpp"
#include "distributed/placement/directory.hpp"
#include "distributed/repair/comparison.hpp"
#include "distributed/repair/duties.hpp"
#include "distributed/repair/occasions.hpp"
#include "distributed/repair/promises.hpp"

namespace kadenza::v1 {
class CompareDocumentsReply;
class CompareDocumentsRequest;
class MergeDocumentReply;
class MergeDocumentRequest;
class ReadDocumentReply;
class ReadDocumentRequest;
}  // namespace kadenza::v1

namespace kadenza::distributed::documents {

/// Keeps documents on as many nodes as shall hold them, by the trees, duties and promises with which songs
/// are kept (docs/repair.md): what the other holders have is merged, what others shall hold is handed over
/// and let go of when R of them have promised to keep it. Also this node's side of the others' calls.
///
/// Lives until stop() has answered. Served methods and state() on any thread; all else on a strand of its
/// own.
class DocumentRepair {
 public:
  /// All outlive it.
  struct Parts {
    placement::Directory& directory;
    peers::Peers& peers;
    Copies& copies;
    services::documents::DocumentStore& store;
    const core::Clock& clock;
    core::Timers& timers;
    core::Random& random;  ///< used on the strand only
    boost::asio::any_io_executor executor;
    cluster::Settings settings;
    repair::Schedule schedule;
    std::function<std::size_t()> enrolled;  ///< members of the cluster, this one included
  };
  explicit DocumentRepair(Parts parts);
  DocumentRepair(const DocumentRepair&) = delete;
  DocumentRepair& operator=(const DocumentRepair&) = delete;

  void add_methods(peers::Handlers& handlers);
  void start();
  core::Task<void> stop() { return background_.stop(); }

  core::DocumentsState state() const;

 private:
  using Held = repair::HeldCopy;
  core::Task<core::Result<v1::ReadDocumentReply>> serve_read(v1::ReadDocumentRequest request);
  core::Task<core::Result<v1::MergeDocumentReply>> serve_merge(v1::MergeDocumentRequest request,
                                                               core::Deadline deadline);
  core::Task<core::Result<v1::CompareDocumentsReply>> serve_compare(peers::Caller caller,
                                                                    v1::CompareDocumentsRequest request);

  core::Task<void> run();
  core::Task<core::Result<void>> look_at_absence();
  core::Task<void> settle_absence(core::WallTime since);
  core::Task<bool> somebody_was_here(core::WallTime since, std::size_t& absent);
  core::Task<void> note_presence();
  core::Task<bool> compare_with(std::vector<kademlia::Contact> others);
  core::Task<bool> compare_with(kademlia::Contact other);
  core::Task<bool> fetch(kademlia::Contact source, core::DocumentId id);
  core::Task<void> hand_over();
  core::Task<bool> hand_over_one(Held held);
  core::Task<repair::Duty> duty_for(core::DocumentId id, core::Deadline deadline);

  const Parts parts_;
  repair::Duties duties_;
  repair::Promises promises_;
  repair::Occasions occasions_;
  core::Background background_;
  std::atomic<core::WallTime::rep> present_since_{0};  ///< in milliseconds since 1970
  std::atomic<std::uint64_t> merged_{0}, handed_over_{0}, surplus_{0};
  std::atomic<std::uint64_t> safe_{0};  ///< of this node's copies, while it leaves
};

}  // namespace kadenza::distributed::documents
