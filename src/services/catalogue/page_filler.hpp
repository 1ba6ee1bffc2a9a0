// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/error.hpp"
#include "core/music_library.hpp"
#include "services/catalogue/cursor.hpp"

namespace kadenza::services::catalogue {

/// Rows that one page may pass over because a second filter leaves them out; then the page ends short, with
/// a cursor.
inline constexpr std::size_t kPassedOverMax = 5000;

/// Collects one page from rows that come in the list's order. `request` names the list for its cursors.
template <class T>
class PageFiller {
 public:
  PageFiller(std::string_view request, std::uint32_t limit) : request_(request), limit_(limit) {}

  /// Whether the page has what it may have; ask before looking for a further row.
  bool full() const { return page_.items.size() == limit_ || passed_over_ == kPassedOverMax; }
  void take(T item, const Cursor& here) {
    page_.items.push_back(std::move(item));
    last_ = here;
  }
  void pass_over(const Cursor& here) {
    ++passed_over_;
    last_ = here;
  }
  core::Page<T> finish(bool more_rows) {
    if (more_rows) page_.next = last_.text(request_);
    return std::move(page_);
  }

 private:
  std::string_view request_;
  std::uint32_t limit_;
  std::size_t passed_over_ = 0;
  Cursor last_;
  core::Page<T> page_;
};

/// kInvalidArgument for a page of no rows or of too many.
core::Result<void> check_limit(const core::PageRequest& page);

/// Where in a random list the next page begins, and of how many rows: rows added since its first page stay
/// out.
struct RandomPlace {
  std::uint64_t place = 0;
  std::uint64_t size = 0;

  Cursor cursor() const;
  /// From the page's cursor, or the start of a list that has `size` rows now.
  static core::Result<RandomPlace> of(const core::PageRequest& page, std::string_view request,
                                      std::uint64_t size);
};

}  // namespace kadenza::services::catalogue
