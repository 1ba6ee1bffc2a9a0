// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/kademlia/node.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "core/planted_bugs.hpp"

namespace kadenza::distributed::kademlia {

KademliaNode::KademliaNode(const Contact& self, const Config& config, core::Random& random)
    : self_(self),
      config_(config),
      random_(random),
      table_(self.id, config),
      limiter_(config, random.next()),
      maintenance_(config),
      dead_(config, random.next()),
      second_chances_(config) {
  KADENZA_CHECK(config.bucket_size > 0 && config.bucket_size <= kBucketSizeMax);
  KADENZA_CHECK(std::has_single_bit(config.rate_sources) && config.rate_sources >= 4);
}

// ------------------------------------------------------------------------------------------------ events in

void KademliaNode::bootstrap(std::span<const Contact> saved, std::span<const Endpoint> seeds, Instant now,
                             Outbox& outbox) {
  now_ = std::max(now_, now);
  maintenance_.bootstrap(saved, seeds, now_);
  maintain(outbox);
}

void KademliaNode::receive(const Endpoint& from, const Message& message, Instant now, Outbox& outbox) {
  now_ = std::max(now_, now);
  if (message.is_request()) {
    on_request(from, message, outbox);
  } else {
    on_reply(from, message, outbox);
  }
}

void KademliaNode::unreachable(const Endpoint& to, Instant now, Outbox& outbox) {
  now_ = std::max(now_, now);
  // Only what waits now: a failure may send a new request to the same place.
  for (std::size_t left = book_.size(); left > 0; --left) {
    const RequestBook::Slot slot = book_.waiting_for(to);
    if (slot == RequestBook::kNone) return;
    const bool probing = book_[slot].purpose == Purpose::kProbe;
    fail_request(slot, true, outbox);
    if (probing) return;
  }
}

void KademliaNode::tick(Instant now, Outbox& outbox) {
  now_ = std::max(now_, now);
  for (RequestBook::Slot slot; (slot = book_.due(now_)) != RequestBook::kNone;) {
    if (book_[slot].slow) {
      fail_request(slot, false, outbox);
    } else {
      on_soft_timeout(slot, outbox);
    }
  }
  maintain(outbox);
}

Instant KademliaNode::next_wakeup() const {
  return std::min({book_.next_deadline(), maintenance_.next_wakeup(), second_chances_.next()});
}

std::optional<LookupId> KademliaNode::start(const Key& target, const LookupGoal& goal, Instant now,
                                            Outbox& outbox) {
  now_ = std::max(now_, now);
  if (lookups_.size() >= config_.lookups_max) {
    ++counters_.lookups_refused;
    return std::nullopt;
  }
  return begin_lookup(target, goal, false, outbox);
}

void KademliaNode::cancel(LookupId id) {
  const std::size_t index = find_lookup(id);
  if (index == lookups_.size()) return;
  lookups_[index] = std::move(lookups_.back());
  lookups_.pop_back();
}

// ------------------------------------------------------------------------------------- requests and replies

void KademliaNode::on_request(const Endpoint& from, const Message& message, Outbox& outbox) {
  ++counters_.requests_received;
  if (message.sender.id == self_.id) return;
  if (!limiter_.allow(from, now_)) {
    ++counters_.requests_over_rate;
    return;
  }
  Send& reply = outbox.sends.emplace_back();
  reply.to = from;
  reply.message.transaction = message.transaction;
  reply.message.attempt = message.attempt;
  reply.message.sender = self_;
  if (const auto* find = std::get_if<FindNode>(&message.body)) {
    table_.nearest(find->target, kAnswerContactsMax, message.sender.id,
                   reply.message.body.emplace<Nodes>().contacts, find->from);
  } else {
    reply.message.body.emplace<Pong>();
  }
  ++counters_.replies_sent;

  Contact sender = message.sender;
  if (sender.endpoint.unspecified()) sender.endpoint = from;
  if (table_.find(sender.id)) {
    table_.on_request(sender, now_);
    const Entry* entry = table_.find(sender.id);
    if (entry && entry->failures > 0 && maintenance_.may_probe(now_)) probe(sender, outbox);
  } else if (table_.on_heard(sender, now_) && maintenance_.may_probe(now_)) {
    probe(sender, outbox);
  }
}

void KademliaNode::on_reply(const Endpoint& from, const Message& message, Outbox& outbox) {
  const RequestBook::Slot slot = book_.find(message.transaction);
  const auto* nodes = std::get_if<Nodes>(&message.body);
  if (slot == RequestBook::kNone ||
      (core::planted(core::PlantedBug::kLateRepliesIgnored) && book_[slot].slow) ||
      book_[slot].to.endpoint != from || book_[slot].wants_nodes != (nodes != nullptr)) {
    ++counters_.replies_unexpected;
    return;
  }
  const Request request = book_[slot];
  Contact sender = message.sender;
  sender.endpoint = from;
  maintenance_.on_heard(now_);
  if (request.purpose != Purpose::kSeed && sender.id != request.to.id) {
    // Another node lives there now: the one that we asked is gone, this one has proven that it is there.
    ++counters_.replies_unexpected;
    fail_request(slot, true, outbox);
    dead_.forget(from);
    on_proof_of_life(sender, std::nullopt);
    return;
  }
  book_.close(slot);
  ++counters_.replies_accepted;
  dead_.forget(from);
  const Duration rtt = now_ - request.sent[message.attempt == 0 || !request.slow ? 0 : 1];
  network_rtt_.add(rtt);
  round_trips_.add(rtt);
  on_proof_of_life(sender, rtt);
  if (!nodes) return;
  for (const Contact& contact : nodes->contacts) on_hearsay(contact);
  const std::size_t index = find_lookup(request.lookup);
  if (index == lookups_.size()) return;
  const Distance horizon = nodes->contacts.full()
                               ? distance(request.find.target, nodes->contacts[kAnswerContactsMax - 1].id)
                               : Distance::max();
  ContactArray<kAnswerContactsMax> alive;
  for (const Contact& contact : nodes->contacts) {
    if (!dead_.contains(contact.endpoint, now_)) alive.push_back(contact);
  }
  lookups_[index].lookup->on_nodes(request.to.id, alive.span(), horizon, now_);
  advance(index, outbox);
}

void KademliaNode::on_proof_of_life(const Contact& contact, std::optional<Duration> rtt) {
  if (contact.id == self_.id) return;  // we are among our own seeds
  table_.on_reply(contact, rtt, now_);
}

void KademliaNode::on_hearsay(const Contact& contact) {
  if (dead_.contains(contact.endpoint, now_)) return;
  if (table_.on_heard(contact, now_)) maintenance_.want_candidates(now_);
}

void KademliaNode::on_soft_timeout(RequestBook::Slot slot, Outbox& outbox) {
  Request& request = book_[slot];
  request.slow = true;
  request.sent[1] = now_;
  if (!core::planted(core::PlantedBug::kNoRetransmission)) emit(request, 1, outbox);
  ++counters_.repetitions_sent;
  const NodeId id = request.to.id;
  const std::size_t index = find_lookup(request.lookup);
  book_.postpone(slot, std::max(request.hard_deadline, now_ + Duration(1)));
  if (index == lookups_.size()) return;
  lookups_[index].lookup->count_sent();
  lookups_[index].lookup->on_slow(id);
  advance(index, outbox);
}

void KademliaNode::fail_request(RequestBook::Slot slot, bool certain, Outbox& outbox) {
  const Request request = book_[slot];
  book_.close(slot);
  ++counters_.requests_failed;
  const bool blamed = certain || maintenance_.on_failure(request.sent[0]);
  if (blamed) dead_.add(request.to.endpoint, now_);
  if (request.purpose != Purpose::kSeed) {
    if (!certain && !table_.find(request.to.id))
      second_chances_.note_silence(request.to, request.chance, now_);
    blame(request.to, blamed, outbox);
  }
  if (table_.size() == table_.excluded() || maintenance_.link_suspected()) maintenance_.want_seeds(now_);
  const std::size_t index = find_lookup(request.lookup);
  if (index == lookups_.size()) return;
  lookups_[index].lookup->on_failure(request.to.id, now_);
  advance(index, outbox);
}

void KademliaNode::blame(const Contact& contact, bool certain, Outbox& outbox) {
  const Entry* entry = table_.find(contact.id);
  const bool first = entry && entry->failures == 0 && entry->contact.endpoint == contact.endpoint;
  table_.on_failure(contact.id, contact.endpoint, now_, certain);
  if (first) probe(contact, outbox);
  if (first && !certain && !maintenance_.link_suspected()) {
    if (const Entry* witness = table_.last_heard(contact.id)) probe(witness->contact, outbox);
  }
  entry = table_.find(contact.id);
  if (entry && entry->excluded()) maintenance_.want_candidates(now_);
}

bool KademliaNode::send_request(Request request, Outbox& outbox) {
  if (book_.size() >= config_.requests_max) return false;
  const TimeOuts after = time_outs_for(request.to);
  request.sent[0] = now_;
  request.deadline = now_ + after.soft;
  request.hard_deadline = now_ + after.hard;
  emit(book_[book_.open(request, random_)], 0, outbox);
  ++counters_.requests_sent;
  return true;
}

void KademliaNode::emit(const Request& request, std::uint8_t attempt, Outbox& outbox) const {
  Send& send = outbox.sends.emplace_back();
  send.to = request.to.endpoint;
  send.message.transaction = request.transaction;
  send.message.attempt = attempt;
  send.message.sender = self_;
  if (request.wants_nodes) send.message.body.emplace<FindNode>(request.find);
}

void KademliaNode::probe(const Contact& contact, Outbox& outbox) {
  send_request({.to = contact, .purpose = Purpose::kProbe}, outbox);
}

KademliaNode::TimeOuts KademliaNode::time_outs_for(const Contact& contact) const {
  const Entry* entry = table_.find(contact.id);
  const bool known = entry && entry->rtt.known() && entry->contact.endpoint == contact.endpoint;
  const Duration usual = network_rtt_.soft_timeout(config_);
  const Duration soft = known ? entry->rtt.soft_timeout(config_) : usual;
  const Duration hard = std::max({config_.hard_timeout_factor * soft, soft + 2 * usual,
                                  known ? Duration() : config_.hard_timeout_stranger});
  return {soft, std::min(hard, config_.hard_timeout_max)};
}

// ---------------------------------------------------------------------------------------------- maintenance

void KademliaNode::maintain(Outbox& outbox) {
  if (maintenance_.seeds_due(now_, random_)) look_for_anyone(outbox);
  if (maintenance_.lookup_due(now_, random_)) refresh_region(outbox);
  if (maintenance_.candidates_due(now_)) try_candidate(outbox);
  if (maintenance_.refresh_due(now_, random_)) refresh_contact(outbox);
  give_second_chances(outbox);
}

void KademliaNode::look_for_anyone(Outbox& outbox) {
  if (joined() && !link_suspected() && table_.size() > table_.excluded()) {
    maintenance_.somebody_is_there();
    return;
  }
  for (const Contact& contact : maintenance_.saved_turn()) probe(contact, outbox);
  for (const Endpoint& seed : maintenance_.seeds_turn()) {
    send_request({.to = {.endpoint = seed}, .purpose = Purpose::kSeed}, outbox);
  }
}

void KademliaNode::try_candidate(Outbox& outbox) {
  const std::optional<Contact> candidate = table_.take_candidate();
  if (!candidate) return;
  probe(*candidate, outbox);
  maintenance_.want_candidates(now_);
}

void KademliaNode::refresh_contact(Outbox& outbox) {
  const Entry* entry = table_.longest_unheard();
  if (entry && now_ - entry->checked >= config_.refresh_age) probe(entry->contact, outbox);
}

void KademliaNode::give_second_chances(Outbox& outbox) {
  while (const auto due = second_chances_.take_due(now_)) {
    if (table_.find(due->contact.id) || !maintenance_.may_probe(now_)) continue;
    send_request({.to = due->contact, .purpose = Purpose::kProbe, .chance = due->number}, outbox);
  }
}

void KademliaNode::refresh_region(Outbox& outbox) {
  if (table_.size() == 0) return maintenance_.lookup_finished(1, false, now_);
  const std::optional<std::size_t> region = maintenance_.next_region(table_.buckets().size(), random_);
  if (!region) {
    begin_lookup(self_.id, LookupGoal::nearest(), true, outbox);
  } else {
    begin_lookup(random_key_at(self_.id, static_cast<int>(*region), random_), LookupGoal::read(), true,
                 outbox);
  }
}

// -------------------------------------------------------------------------------------------------- lookups

LookupId KademliaNode::begin_lookup(const Key& target, const LookupGoal& goal, bool internal,
                                    Outbox& outbox) {
  const LookupId id{++last_lookup_};
  const bool far = !internal && network_rtt_.smoothed() > config_.far;
  auto lookup = std::make_unique<Lookup>(self_.id, target, goal, now_, far);
  ContactArray<kLookupNodesMax> known;
  table_.nearest(target, std::max<std::size_t>(lookup->goal().count, kAnswerContactsMax), self_.id, known);
  for (const Contact& contact : known) lookup->add_known(contact);
  lookups_.push_back({id, internal, std::move(lookup)});
  ++counters_.lookups_started;
  advance(lookups_.size() - 1, outbox);
  return id;
}

void KademliaNode::advance(std::size_t index, Outbox& outbox) {
  Lookup& lookup = *lookups_[index].lookup;
  while (const std::optional<Lookup::Question> next = lookup.next(config_, now_)) {
    if (send_request({.to = next->to,
                      .purpose = Purpose::kLookup,
                      .wants_nodes = true,
                      .lookup = lookups_[index].id,
                      .find = {lookup.target(), next->from}},
                     outbox)) {
      lookup.count_sent();
    } else {
      lookup.on_failure(next->to.id, now_);
    }
  }
  if (lookup.done()) finish(index, outbox);
}

void KademliaNode::finish(std::size_t index, Outbox& outbox) {
  Running running = std::move(lookups_[index]);
  lookups_[index] = std::move(lookups_.back());
  lookups_.pop_back();
  ++counters_.lookups_finished;
  LookupResult& result = outbox.finished.emplace_back();
  running.lookup->finish(now_, result);
  result.id = running.id;
  const bool complete = running.lookup->goal().kind == LookupGoal::Kind::kNearest;
  if (complete) size_.observe(result.target, result.contacts.span());
  if (!running.internal) return;
  outbox.finished.pop_back();
  maintenance_.lookup_finished(table_.buckets().size(), table_.size() > 0, now_);
}

std::size_t KademliaNode::find_lookup(LookupId id) const noexcept {
  const auto found = std::find_if(lookups_.begin(), lookups_.end(),
                                  [&](const Running& running) { return running.id == id; });
  return static_cast<std::size_t>(found - lookups_.begin());
}

}  // namespace kadenza::distributed::kademlia
