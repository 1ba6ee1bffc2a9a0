// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>
#include <utility>

#include "core/music_library.hpp"
#include "distributed/replication/replicator.hpp"
#include "services/library/song_store.hpp"

namespace kadenza::distributed::replication {

/// An upload through this node: received here, then stored by the nodes that shall hold it.
class ReplicatedUpload final : public core::Upload {
 public:
  ReplicatedUpload(std::shared_ptr<Replicator> replicator,
                   std::unique_ptr<services::library::IncomingSong> incoming)
      : replicator_(std::move(replicator)), incoming_(std::move(incoming)) {}

  core::Task<core::Result<void>> write(std::span<const std::uint8_t> bytes,
                                       core::Deadline deadline) override {
    return incoming_->write(bytes, deadline);
  }

  core::Task<core::Result<core::UploadOutcome>> finish(core::TagOverrides overrides,
                                                       core::Deadline deadline) override {
    auto examined = co_await incoming_->examine(std::move(overrides), deadline);
    if (!examined) co_return std::unexpected(std::move(examined).error());
    auto offer = std::make_shared<const Offer>(
        Offer{std::move(examined->record), std::move(examined->cover), std::move(incoming_)});
    co_return co_await replicator_->place(std::move(offer), deadline);
  }

 private:
  const std::shared_ptr<Replicator> replicator_;
  std::shared_ptr<services::library::IncomingSong> incoming_;
};

}  // namespace kadenza::distributed::replication
