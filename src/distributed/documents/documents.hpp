// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/strand.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/random.hpp"
#include "core/task.hpp"
#include "distributed/cluster/settings.hpp"
#include "distributed/crdt/stamp.hpp"
#include "distributed/documents/copies.hpp"
#include "distributed/documents/document.hpp"
#include "distributed/documents/gather.hpp"
#include "distributed/documents/steps.hpp"
#include "distributed/peers/handlers.hpp"
#include "distributed/peers/peers.hpp"
#include "distributed/placement/directory.hpp"

namespace kadenza::distributed::documents {

/// Reads and changes the cluster's documents from this node (docs/documents.md): min(W, M) durable copies
/// before an acknowledgement, so many copies read that one of them has seen the last write, whatever is read
/// merged and written back where it was out of date. No node is asked for leave: two that change a document
/// at the same time both succeed, and the changes merge. Thread-safe; all work runs on a strand of its own.
class Documents : public std::enable_shared_from_this<Documents> {
 public:
  struct Parts {
    placement::Directory& directory;
    peers::Peers& peers;
    Copies& copies;
    const core::Clock& clock;
    std::uint64_t seed;  ///< unpredictable in production: writers are named by it
    boost::asio::any_io_executor executor;
    cluster::Settings settings;
    std::function<std::size_t()> enrolled;  ///< members of the cluster, this one included
  };
  /// All it is given must outlive the executor's work: calls go on after their caller has his answer.
  static std::shared_ptr<Documents> create(Parts parts);

  /// Makes a change to the document, with as many stamps as it likes. What it returns is handed on.
  using Change = std::function<core::Result<void>(Document&, const NextStamp&)>;

  struct Seen {
    Document document;
    std::size_t copies = 0;  ///< read, or written durably
  };
  /// An empty document when nobody has one. kNotFound: it was removed. kUnavailable: too few nodes answer.
  core::Task<core::Result<Seen>> get(core::DocumentId id, core::Deadline deadline);

  /// All of `change` or nothing. Errors as of get(), those of `change`, kTooLarge. After kUnavailable and
  /// kDeadlineExceeded the change may have been stored by some, and then comes to be: it says so.
  core::Task<core::Result<Seen>> edit(core::DocumentId id, Change change, core::Deadline deadline);

  /// Get and Edit of proto/documents.proto.
  void add_methods(peers::Handlers& handlers);

 private:
  using Strand = boost::asio::strand<boost::asio::any_io_executor>;
  using Held = std::optional<Document>;
  /// A document on its way to several nodes.
  struct Outgoing {
    Document document;
    std::string state;  ///< encoded
  };
  static std::shared_ptr<const Outgoing> outgoing(Document document);
  /// Edits of one document from this node follow each other; documents share locks.
  using Lock = boost::asio::experimental::channel<Strand, void(boost::system::error_code)>;
  static constexpr std::size_t kLocks = 64;
  static constexpr std::size_t kWritersMax = 10'000;

  explicit Documents(Parts parts);

  core::Task<core::Result<Seen>> get_here(core::DocumentId id, core::Deadline deadline);
  core::Task<core::Result<Seen>> edit_here(core::DocumentId id, Change change, core::Deadline deadline);
  core::Task<core::Result<Seen>> edit_locked(core::DocumentId id, Change change, core::Deadline deadline);
  core::Task<placement::Order> order_of(core::DocumentId id, core::Deadline deadline);
  core::Result<crdt::Stamp> apply_change(core::DocumentId id, const Change& change, Document& document);
  core::Task<core::Result<std::size_t>> write(core::DocumentId id, std::shared_ptr<const Outgoing> document,
                                              core::Deadline deadline);
  core::Task<core::Result<Held>> read_copy(placement::Candidate from, core::DocumentId id,
                                           core::Deadline deadline);
  core::Task<core::Result<bool>> merge_copy(placement::Candidate to, core::DocumentId id,
                                            std::shared_ptr<const Outgoing> document,
                                            core::Deadline deadline);
  void write_back(core::DocumentId id, const Document& merged, const std::vector<Answer<Held>>& answers);

  crdt::Writer writer_for(core::DocumentId id, const Document& base);

  const Parts parts_;
  const Strand strand_;
  // On the strand:
  core::SeededRandom random_;
  crdt::HybridClock clock_{0};
  std::map<core::DocumentId, crdt::Stamp> last_writes_;  ///< of this node's writers
  std::array<std::unique_ptr<Lock>, kLocks> locks_;
};

}  // namespace kadenza::distributed::documents
