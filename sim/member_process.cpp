// SPDX-License-Identifier: AGPL-3.0-or-later
#include "sim/member_process.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "distributed/replication/replicated_upload.hpp"
#include "distributed/streaming/failover_stream.hpp"

namespace kadenza::sim {

using core::Result;
using core::Task;
using distributed::kademlia::Contact;
using services::library::SongStore;

namespace {

constexpr std::size_t kUploadPiece = 64 << 10;
constexpr auto kLookupTime = std::chrono::milliseconds(200);

/// A song from the disk of the process itself.
class DiskStream final : public core::AudioStream {
 public:
  DiskStream(SongStore& songs, core::SongId id, core::ByteRange range)
      : songs_(songs), id_(id), left_(range) {}

  Task<Result<std::size_t>> read(std::span<std::uint8_t> out, core::Deadline) override {
    const auto size = std::min<std::uint64_t>(out.size(), left_.length);
    if (size == 0) co_return std::size_t{0};
    const auto bytes = co_await songs_.read(id_, {left_.offset, size});
    if (!bytes) co_return std::unexpected(bytes.error());
    std::ranges::copy(*bytes, out.begin());
    left_.offset += size;
    left_.length -= size;
    co_return size;
  }

 private:
  SongStore& songs_;
  const core::SongId id_;
  core::ByteRange left_;
};

}  // namespace

class MemberProcess::Rows final : public services::library::RowStore {
 public:
  explicit Rows(const MemberProcess& process) : process_(process) {}

  Task<Result<Merged>> merge(std::vector<core::Song> songs) override {
    if (!process_.alive_) co_return process_ended();
    co_return co_await rows().merge(std::move(songs));
  }
  Task<Result<std::vector<services::catalogue::RowsDigest>>> digests() override { return rows().digests(); }
  Task<Result<std::vector<services::catalogue::RowVersion>>> versions(std::uint32_t shard, core::SongId after,
                                                                      std::size_t limit) override {
    return rows().versions(shard, after, limit);
  }
  Task<Result<std::vector<core::Song>>> rows(std::vector<core::SongId> ids) override {
    return rows().rows(std::move(ids));
  }
  Task<Result<Changes>> changes(std::uint64_t after, std::vector<std::uint32_t> shards,
                                std::size_t limit) override {
    return rows().changes(after, std::move(shards), limit);
  }
  Task<Result<Head>> head() override { return rows().head(); }
  void on_change(std::function<void()> listener) override {
    if (process_.alive_) rows().on_change(std::move(listener));
  }

 private:
  MemoryRowStore& rows() const { return process_.parts_.rows; }

  const MemberProcess& process_;
};

/// What is written takes the disk its time; when the process ends meanwhile, it may be there or not.
class MemberProcess::Documents final : public services::documents::DocumentStore {
 public:
  explicit Documents(const MemberProcess& process) : process_(process) {}

  Task<Result<State>> find(core::DocumentId id) override { return store().find(id); }
  Task<Result<void>> update(core::DocumentId id, Change change) override {
    const auto& parts = process_.parts_;
    const MemoryDisk::Syncing syncing(parts.disk, [&] { (void)store().apply(id, change); });
    co_await parts.timers.sleep_until(parts.engine.now() + parts.disk.sync);
    if (!process_.alive_) co_return process_ended();
    co_return store().apply(id, change);
  }
  Task<Result<std::vector<Stored>>> page(std::optional<core::DocumentId> after, std::size_t limit) override {
    return store().page(after, limit);
  }
  Task<Result<void>> discard_all() override {
    if (!process_.alive_) co_return process_ended();
    co_return co_await store().discard_all();
  }
  Task<Result<std::optional<Presence>>> presence() override { return store().presence(); }
  Task<Result<void>> note_presence(core::WallTime now) override {
    if (!process_.alive_) co_return process_ended();
    co_return co_await store().note_presence(now);
  }

 private:
  MemoryDocumentStore& store() const { return process_.parts_.documents; }

  const MemberProcess& process_;
};

class MemberProcess::Lookups final : public distributed::placement::Routing {
 public:
  explicit Lookups(const MemberProcess& process) : process_(process) {}

  Task<Result<std::vector<distributed::placement::Found>>> nearest(distributed::kademlia::Key key,
                                                                   std::size_t count,
                                                                   core::Deadline deadline) override {
    const auto& parts = process_.parts_;
    co_await parts.timers.sleep_until(std::min<core::Instant>(deadline, parts.engine.now() + kLookupTime));
    if (!process_.alive_) co_return process_ended();
    auto found = parts.reachable(key);
    if (found.size() > count) found.resize(count);
    co_return std::vector<distributed::placement::Found>(found.begin(), found.end());
  }

 private:
  const MemberProcess& process_;
};

MemberProcess::MemberProcess(Parts parts)
    : parts_(std::move(parts)),
      clock_(parts_.engine, parts_.calendar_error),
      songs_(parts_.disk, clock_, parts_.timers),
      rows_(std::make_unique<Rows>(*this)),
      documents_(std::make_unique<Documents>(*this)),
      calls_(parts_.peers, alive_),
      lookups_(std::make_unique<Lookups>(*this)),
      random_(parts_.random),
      enrolled_({.self = parts_.self.id,
                 .saved = parts_.cluster_document,
                 .alive = alive_,
                 .peers = calls_,
                 .clock = clock_,
                 .timers = parts_.timers,
                 .random = random_,
                 .executor = parts_.coroutines.context().get_executor(),
                 .contacts = [this] { return parts_.reachable(parts_.self.id); }}),
      member_({.self = parts_.self,
               .peers = calls_,
               .routing = *lookups_,
               .songs = songs_,
               .rows = *rows_,
               .documents = *documents_,
               .cache = nullptr,
               .clock = clock_,
               .timers = parts_.timers,
               .random = random_,
               .executor = parts_.coroutines.context().get_executor(),
               .blocking = parts_.coroutines.context().get_executor(),
               .settings = parts_.settings,
               .grace = parts_.grace,
               .repair = parts_.repair,
               .is_member = [this](const core::NodeId& id) { return enrolled_.is_member(id); },
               .enrolled = [this] { return enrolled_.count(); },
               .on_round = {}}) {
  enrolled_.serve(handlers_);
  member_.serve(handlers_);
}

MemberProcess::~MemberProcess() = default;

void MemberProcess::start() {
  enrolled_.start();
  member_.start();
}

void MemberProcess::kill() {
  parts_.rows.on_change({});
  alive_ = false;
  auto stopping = [this] { return stop(); };
  boost::asio::co_spawn(parts_.coroutines.context(), std::move(stopping), boost::asio::detached);
}

Task<void> MemberProcess::stop() {
  co_await member_.stop();
  co_await enrolled_.stop();
}

Task<Result<core::UploadOutcome>> MemberProcess::upload(std::vector<std::uint8_t> audio,
                                                        core::Deadline deadline) {
  const auto replicator = member_.replicator();
  KADENZA_CO_TRY_VOID(co_await replicator->check_quorum(deadline));
  auto incoming = co_await songs_.receive(audio.size(), SongStore::Purpose::kUpload, deadline);
  if (!incoming) co_return std::unexpected(std::move(incoming).error());
  distributed::replication::ReplicatedUpload upload(replicator, std::move(*incoming));
  for (std::size_t at = 0; at < audio.size(); at += kUploadPiece) {
    const auto piece = std::span(audio).subspan(at, std::min(kUploadPiece, audio.size() - at));
    KADENZA_CO_TRY_VOID(co_await upload.write(piece, deadline));
  }
  core::TagOverrides no_overrides;
  co_return co_await upload.finish(std::move(no_overrides), deadline);
}

Task<Result<std::unique_ptr<core::AudioStream>>> MemberProcess::open(core::SongId id, core::ByteRange range,
                                                                     core::Deadline deadline) {
  const auto record = co_await songs_.record(id);
  if (record && range.offset + range.length <= (*record)->song.size) {
    co_return std::make_unique<distributed::streaming::FailoverStream>(
        std::make_unique<DiskStream>(songs_, id, range), member_.remote_songs(), id, range);
  }
  co_return co_await member_.remote_songs()->open(id, range, deadline);
}

}  // namespace kadenza::sim
