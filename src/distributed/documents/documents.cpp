// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/documents/documents.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "core/await_on.hpp"
#include "core/planted_bugs.hpp"
#include "distributed/crdt/codec.hpp"
#include "distributed/documents/codec.hpp"
#include "distributed/documents/methods.hpp"
#include "distributed/documents/view.hpp"
#include "distributed/messages/song_message.hpp"

namespace kadenza::distributed::documents {
namespace {

namespace asio = boost::asio;
using core::Errc;
using core::Result;
using placement::Candidate;

/// Until another node is asked in the place of one that does not answer.
constexpr auto kCallTime = std::chrono::seconds(2);
constexpr int kStepsMax = 1000;

std::unexpected<core::Error> was_removed() {
  return core::fail(Errc::kNotFound, "the document was removed");
}

Result<core::DocumentId> id_of(const std::string& name) {
  if (!name.empty() && name.size() <= crdt::kKeyBytesMax) return document_id(name);
  return core::fail(Errc::kInvalidArgument, fmt::format("a document's name has 1 to {} bytes, not {}",
                                                        crdt::kKeyBytesMax, name.size()));
}

}  // namespace

std::shared_ptr<Documents> Documents::create(Parts parts) {
  return std::shared_ptr<Documents>(new Documents(std::move(parts)));
}

Documents::Documents(Parts parts)
    : parts_(std::move(parts)), strand_(asio::make_strand(parts_.executor)), random_(parts_.seed) {
  for (auto& lock : locks_) lock = std::make_unique<Lock>(strand_, 1);
}

core::Task<Result<Documents::Seen>> Documents::get(core::DocumentId id, core::Deadline deadline) {
  return core::await_on(strand_,
                        [self = shared_from_this(), id, deadline] { return self->get_here(id, deadline); });
}

core::Task<Result<Documents::Seen>> Documents::edit(core::DocumentId id, Change change,
                                                    core::Deadline deadline) {
  return core::await_on(strand_, [self = shared_from_this(), id, change = std::move(change), deadline] {
    return self->edit_here(id, change, deadline);
  });
}

core::Task<placement::Order> Documents::order_of(core::DocumentId id, core::Deadline deadline) {
  return parts_.directory.order(partition_of(id, parts_.settings.partition_bits), deadline);
}

std::shared_ptr<const Documents::Outgoing> Documents::outgoing(Document document) {
  auto state = encode(document);
  return std::make_shared<const Outgoing>(Outgoing{std::move(document), std::move(state)});
}

core::Task<Result<Documents::Seen>> Documents::get_here(core::DocumentId id, core::Deadline deadline) {
  auto order = placement::by_liveness(co_await order_of(id, deadline));
  const auto wanted = parts_.settings.read_quorum_of(parts_.enrolled());
  const std::function<bool(const Held&)> has_one = [](const Held& held) { return held.has_value(); };
  const std::function<core::Task<Result<Held>>(Candidate)> read = [self = shared_from_this(), id,
                                                                   deadline](Candidate from) {
    return self->read_copy(std::move(from), id, deadline);
  };
  auto gathered =
      co_await gather<Held>(strand_, std::move(order), parts_.settings.replicas, wanted, has_one, read);
  if (gathered.answers.size() < wanted) {
    co_return core::fail(Errc::kUnavailable,
                         fmt::format("a document must be read from {} nodes, and {} answer now ({})", wanted,
                                     gathered.answers.size(), gathered.last_error.detail));
  }
  Seen seen;
  for (const auto& answer : gathered.answers) {
    if (!answer.value) continue;
    seen.document.merge(*answer.value);
    ++seen.copies;
  }
  if (seen.copies > 0) write_back(id, seen.document, gathered.answers);
  co_return seen;
}

/// Brings those of the holders up to date that were read and were not (read repair).
void Documents::write_back(core::DocumentId id, const Document& merged,
                           const std::vector<Answer<Held>>& answers) {
  std::shared_ptr<const Outgoing> document;
  for (const auto& answer : answers) {
    // Who has none is a holder that is new, or no holder: repair knows which.
    if (!answer.value || answer.value == merged || answer.from.leaving) continue;
    if (!document) document = outgoing(merged);
    auto merge = [self = shared_from_this(), to = answer.from, id, document]() -> core::Task<void> {
      (void)co_await self->merge_copy(to, id, document, self->parts_.clock.now() + kCallTime);
    };
    asio::co_spawn(strand_, std::move(merge), asio::detached);
  }
}

core::Task<Result<Documents::Seen>> Documents::edit_here(core::DocumentId id, Change change,
                                                         core::Deadline deadline) {
  auto& lock = *locks_[id.bytes[0] % kLocks];
  co_await lock.async_send(boost::system::error_code(), asio::use_awaitable);
  struct Unlock {
    Lock& lock;
    ~Unlock() {
      lock.try_receive([](auto...) {});
    }
  } unlock{lock};
  co_return co_await edit_locked(id, std::move(change), deadline);
}

core::Task<Result<Documents::Seen>> Documents::edit_locked(core::DocumentId id, Change change,
                                                           core::Deadline deadline) {
  KADENZA_CO_TRY(auto seen, co_await get_here(id, deadline));
  if (seen.document.removed) co_return was_removed();
  KADENZA_CO_TRY_VOID(clock_.observe(seen.document.newest(), parts_.clock.wall_now()));
  KADENZA_CO_TRY(const auto last, apply_change(id, change, seen.document));
  auto changed = outgoing(seen.document);
  if (changed->state.size() > kDocumentBytesMax) {
    co_return core::fail(Errc::kTooLarge, fmt::format("a document has at most {} bytes, and would have more",
                                                      kDocumentBytesMax));
  }
  if (last_writes_.size() >= kWritersMax) last_writes_.clear();
  last_writes_[id] = last;
  KADENZA_CO_TRY(seen.copies, co_await write(id, std::move(changed), deadline));
  co_return seen;
}

/// The stamp of its last write.
Result<crdt::Stamp> Documents::apply_change(core::DocumentId id, const Change& change, Document& document) {
  const auto writer = writer_for(id, document);
  crdt::Stamp last;
  const NextStamp next = [&] {
    last = {clock_.tick(parts_.clock.wall_now()).time, writer};
    return last;
  };
  KADENZA_TRY_VOID(change(document, next));
  if (!document.removed) document.writes.add(next());
  return last;
}

/// Merging knows what a writer has removed by what it has seen, and what it has counted by its sum, so each
/// write must stand on all earlier ones of its writer. When what was read does not have the last of them (it
/// was not acknowledged), or nothing is known of it (a restart), somebody new writes.
crdt::Writer Documents::writer_for(core::DocumentId id, const Document& base) {
  if (core::planted(core::PlantedBug::kOneWriterForEver)) return crdt::writer_of(parts_.directory.self().id);
  const auto last = last_writes_.find(id);
  if (last != last_writes_.end() && base.writes.covers(last->second)) return last->second.writer;
  return random_.next();
}

core::Task<Result<std::size_t>> Documents::write(core::DocumentId id,
                                                 std::shared_ptr<const Outgoing> document,
                                                 core::Deadline deadline) {
  auto order = placement::for_writing(co_await order_of(id, deadline));
  const auto wanted = parts_.settings.write_quorum_of(parts_.enrolled());
  const std::function<bool(const bool&)> each = [](bool) { return true; };
  const std::function<core::Task<Result<bool>>(Candidate)> merge = [self = shared_from_this(), id, document,
                                                                    deadline](Candidate to) {
    return self->merge_copy(std::move(to), id, document, deadline);
  };
  const auto gathered =
      co_await gather<bool>(strand_, std::move(order), parts_.settings.replicas, wanted, each, merge);
  if (gathered.answers.size() >= wanted) co_return gathered.answers.size();
  co_return core::fail(Errc::kUnavailable,
                       fmt::format("a change must be stored by {} nodes, and {} could store it now ({}); {}",
                                   wanted, gathered.answers.size(), gathered.last_error.detail,
                                   gathered.answers.empty() ? "try again when more nodes are up"
                                                            : "it may come to be when more nodes are up"));
}

core::Task<Result<Documents::Held>> Documents::read_copy(Candidate from, core::DocumentId id,
                                                         core::Deadline deadline) {
  if (from.self) co_return co_await parts_.copies.read(id);
  v1::ReadDocumentRequest request;
  request.set_id(messages::bytes_of(id));
  const auto by = std::min<core::Deadline>(deadline, parts_.clock.now() + kCallTime);
  KADENZA_CO_TRY(const auto reply, co_await peers::call(parts_.peers, from.contact, std::move(request), by));
  if (reply.state().empty()) co_return Held();
  KADENZA_CO_TRY(auto document, decode(reply.state()));
  co_return Held(std::move(document));
}

core::Task<Result<bool>> Documents::merge_copy(Candidate to, core::DocumentId id,
                                               std::shared_ptr<const Outgoing> document,
                                               core::Deadline deadline) {
  if (to.self) {
    KADENZA_CO_TRY_VOID(co_await parts_.copies.merge(id, document->document));
    co_return true;
  }
  v1::MergeDocumentRequest request;
  request.set_id(messages::bytes_of(id));
  request.set_state(document->state);
  const auto by = std::min<core::Deadline>(deadline, parts_.clock.now() + kCallTime);
  KADENZA_CO_TRY_VOID(co_await peers::call(parts_.peers, to.contact, std::move(request), by));
  co_return true;
}

void Documents::add_methods(peers::Handlers& handlers) {
  handlers.add<v1::GetDocumentRequest>(
      [this](peers::Caller caller,
             v1::GetDocumentRequest request) -> core::Task<Result<v1::GetDocumentReply>> {
        KADENZA_CO_TRY(const auto id, id_of(request.name()));
        KADENZA_CO_TRY(const auto seen, co_await get(id, caller.deadline));
        if (seen.document.removed) co_return was_removed();
        v1::GetDocumentReply reply;
        to_message(seen.document, *reply.mutable_document());
        reply.set_copies_read(static_cast<std::uint32_t>(seen.copies));
        co_return reply;
      });
  handlers.add<v1::EditDocumentRequest>([this](peers::Caller caller, v1::EditDocumentRequest request)
                                            -> core::Task<Result<v1::EditDocumentReply>> {
    KADENZA_CO_TRY(const auto id, id_of(request.name()));
    if (request.steps_size() < 1 || request.steps_size() > kStepsMax) {
      co_return core::fail(Errc::kInvalidArgument, fmt::format("a change has 1 to {} steps", kStepsMax));
    }
    auto change = [request = std::move(request)](Document& document, const NextStamp& next) -> Result<void> {
      for (const auto& step : request.steps()) {
        if (document.removed) return core::fail(Errc::kInvalidArgument, "nothing can follow the removal");
        KADENZA_TRY_VOID(apply(step, document, next));
      }
      return {};
    };
    KADENZA_CO_TRY(const auto seen, co_await edit(id, std::move(change), caller.deadline));
    v1::EditDocumentReply reply;
    to_message(seen.document, *reply.mutable_document());
    reply.set_copies_written(static_cast<std::uint32_t>(seen.copies));
    co_return reply;
  });
}

}  // namespace kadenza::distributed::documents
