// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "core/task.hpp"

namespace kadenza::services::blobs {
class BlobStore;
}
namespace kadenza::services::catalogue {
class Database;
class RecordStore;
}  // namespace kadenza::services::catalogue
namespace kadenza::services::media {
class MediaService;
}

namespace kadenza::services::library {

/// Works through the songs without derived facts (loudness, waveform, damage), one after the other and
/// oldest first, for as long as the node runs. The queue is in the database, so a restart goes on with it.
/// Songs that arrive, uploaded or copied from other nodes, have the processor first: it begins none until
/// nothing has arrived for half a second, or after ten seconds when they never cease.
/// All members are thread-safe; the work runs on a strand of `io`, its disk access on `blocking`.
class Analyser {
 public:
  struct Parts {
    boost::asio::any_io_executor io;
    boost::asio::any_io_executor blocking;
    catalogue::Database& database;
    catalogue::RecordStore& records;
    blobs::BlobStore& blobs;
    media::MediaService& media;
  };

  explicit Analyser(Parts parts);
  ~Analyser();

  void start();
  /// New songs are waiting.
  void notify();
  /// A part of a song came in. Costs next to nothing.
  void note_arrival() noexcept;
  /// Cancels the analysis under way and answers when nothing runs any more.
  core::Task<void> stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace kadenza::services::library
