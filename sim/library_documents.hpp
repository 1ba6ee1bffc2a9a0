// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "distributed/documents/document.hpp"
#include "sim/library_world.hpp"
#include "sim/random.hpp"

namespace kadenza::sim {

/// The people's documents: few of them, so that several change the same one at the same time through
/// different nodes. Checks that no acknowledged change is ever lost, and that all holders agree at last.
/// Lives as long as the world runs.
class LibraryDocuments {
 public:
  explicit LibraryDocuments(LibraryWorld& world);

  void begin(core::Instant until);
  bool has_ended() const { return under_way_ == 0; }

  /// What must be on some disk at every moment.
  void check_nothing_lost();
  /// Why the documents are not whole yet: some holder lacks one, holders differ, or a change is not there.
  std::optional<std::string> what_is_missing();

 private:
  using Document = distributed::documents::Document;
  enum class Fate : std::uint8_t {
    kUnknown,  ///< its change was not acknowledged, or it was removed by one that was not
    kThere,    ///< its addition was acknowledged
    kRemoved,  ///< its removal was, after its addition had been
  };
  struct Expected {
    std::map<std::string, Fate> members, items, fields;
    std::uint64_t counted = 0;         ///< acknowledged
    std::uint64_t may_be_counted = 0;  ///< whether acknowledged or not
  };

  core::Task<void> edit_now_and_then(core::Instant until);
  core::Task<void> edit(MemberProcess& process, core::DocumentId id);
  std::string some_token(const std::map<std::string, Fate>& tokens);
  std::optional<std::string> differs(const Expected& expected, const Document& document, bool at_last) const;
  std::optional<std::string> holders_differ(const core::DocumentId& id) const;

  LibraryWorld& world_;
  Random random_;
  std::map<core::DocumentId, Expected> expected_;
  std::uint64_t tokens_ = 0;
  std::size_t under_way_ = 0;
};

}  // namespace kadenza::sim
