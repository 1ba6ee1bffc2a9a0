// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <map>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "core/timers.hpp"
#include "distributed/catalogue/change_signal.hpp"
#include "distributed/catalogue/row_intake.hpp"
#include "distributed/peers/handlers.hpp"
#include "services/library/row_store.hpp"

namespace kadenza::v1 {
class PutRowsRequest;
class PutRowsReply;
class ChangesRequest;
class ChangesReply;
class DigestsRequest;
class DigestsReply;
class VersionsRequest;
class VersionsReply;
class RowsRequest;
class RowsReply;
}  // namespace kadenza::v1

namespace kadenza::distributed::catalogue {

/// Answers other nodes that ask for this node's rows or bring some: the service Catalogue of
/// proto/catalogue.proto. On one strand.
class CatalogueService {
 public:
  struct Parts {
    services::library::RowStore& rows;
    RowIntake& intake;
    ChangeSignal& changed;  ///< raised after every change of `rows`
    const core::Clock& clock;
    core::Timers& timers;
    /// A change waits so long for others, so that a burst of uploads makes few answers.
    core::Duration gather;
  };
  explicit CatalogueService(Parts parts) : parts_(parts) {}

  core::Task<core::Result<v1::PutRowsReply>> put_rows(v1::PutRowsRequest request);
  core::Task<core::Result<v1::ChangesReply>> changes(peers::Caller caller, v1::ChangesRequest request);
  core::Task<core::Result<v1::DigestsReply>> digests(v1::DigestsRequest request);
  core::Task<core::Result<v1::VersionsReply>> versions(v1::VersionsRequest request);
  core::Task<core::Result<v1::RowsReply>> find_rows(v1::RowsRequest request);

 private:
  const Parts parts_;
  std::map<core::NodeId, std::size_t> waiting_;
};

}  // namespace kadenza::distributed::catalogue
