// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/documents/steps.hpp"

#include <charconv>

#include <fmt/format.h>

#include "distributed/crdt/codec.hpp"
#include "documents.pb.h"

namespace kadenza::distributed::documents {
namespace {

using core::Errc;
using core::Result;

constexpr std::size_t kStampDigits = 16;

Result<void> check_name(std::string_view what, const std::string& name) {
  if (!name.empty() && name.size() <= crdt::kKeyBytesMax) return {};
  return core::fail(Errc::kInvalidArgument,
                    fmt::format("{} has 1 to {} bytes, not {}", what, crdt::kKeyBytesMax, name.size()));
}

Result<void> check_value(const std::string& value) {
  if (value.size() <= crdt::kValueBytesMax) return {};
  return core::fail(Errc::kTooLarge,
                    fmt::format("a value has at most {} bytes, not {}", crdt::kValueBytesMax, value.size()));
}

Result<void> set_field(const v1::DocumentStep::SetField& step, Document& document, const NextStamp& next) {
  KADENZA_TRY_VOID(check_name("a field's name", step.name()));
  KADENZA_TRY_VOID(check_value(step.value()));
  document.fields.put(step.name(), step.value(), next());
  return {};
}

Result<void> remove_field(const std::string& name, Document& document, const NextStamp& next) {
  KADENZA_TRY_VOID(check_name("a field's name", name));
  if (document.fields.find(name) != nullptr) document.fields.remove(name, next());
  return {};
}

Result<void> add_member(const std::string& name, Document& document, const NextStamp& next) {
  KADENZA_TRY_VOID(check_name("a member", name));
  document.members.add(name, next());
  return {};
}

Result<void> count(const v1::DocumentStep::Count& step, Document& document, const NextStamp& next) {
  KADENZA_TRY_VOID(check_name("a counter's name", step.name()));
  auto& counter = document.counters[step.name()];
  const auto writer = next().writer;
  if (step.by() >= 0) {
    counter.add(writer, static_cast<std::uint64_t>(step.by()));
  } else {
    counter.subtract(writer, ~static_cast<std::uint64_t>(step.by()) + 1);
  }
  return {};
}

Result<void> insert_item(const v1::DocumentStep::InsertItem& step, Document& document,
                         const NextStamp& next) {
  KADENZA_TRY_VOID(check_value(step.value()));
  document.items.insert(step.index(), step.value(), next());
  return {};
}

Result<void> move_item(const v1::DocumentStep::MoveItem& step, Document& document, const NextStamp& next) {
  KADENZA_TRY(const auto id, parse_item_id(step.id()));
  if (document.items.move(id, step.index(), next())) return {};
  return core::fail(Errc::kNotFound, fmt::format("the document has no item {}", step.id()));
}

Result<void> remove_item(const std::string& text, Document& document) {
  KADENZA_TRY(const auto id, parse_item_id(text));
  document.items.remove(id);
  return {};
}

bool parse_hex(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number, 16);
  return error == std::errc() && end == text.end();
}

}  // namespace

Result<void> apply(const v1::DocumentStep& step, Document& document, const NextStamp& next) {
  using Step = v1::DocumentStep;
  switch (step.step_case()) {
    case Step::kSetField:
      return set_field(step.set_field(), document, next);
    case Step::kRemoveField:
      return remove_field(step.remove_field(), document, next);
    case Step::kAddMember:
      return add_member(step.add_member(), document, next);
    case Step::kRemoveMember:
      document.members.remove(step.remove_member());
      return {};
    case Step::kCount:
      return count(step.count(), document, next);
    case Step::kInsertItem:
      return insert_item(step.insert_item(), document, next);
    case Step::kMoveItem:
      return move_item(step.move_item(), document, next);
    case Step::kRemoveItem:
      return remove_item(step.remove_item(), document);
    case Step::kRemoveDocument:
      if (!step.remove_document()) break;
      document.remove(next());
      return {};
    case Step::STEP_NOT_SET:
      break;
  }
  return core::fail(Errc::kInvalidArgument, "a step of the change says nothing that this version knows");
}

std::string item_id(crdt::Stamp stamp) {
  return fmt::format("{:016x}{:016x}", stamp.time, stamp.writer);
}

Result<crdt::Stamp> parse_item_id(std::string_view text) {
  crdt::Stamp stamp;
  if (text.size() == 2 * kStampDigits && parse_hex(text.substr(0, kStampDigits), stamp.time) &&
      parse_hex(text.substr(kStampDigits), stamp.writer)) {
    return stamp;
  }
  return core::fail(Errc::kInvalidArgument,
                    fmt::format("'{}' is no item's id: these are 32 hexadecimal digits", text));
}

}  // namespace kadenza::distributed::documents
