// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/sort_key.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <unicode/coll.h>
#include <unicode/unistr.h>

#include "core/check.hpp"

namespace kadenza::services::catalogue {
namespace {

constexpr std::size_t kNameBytesMax = 96;

std::unique_ptr<icu::Collator> root_collator() {
  UErrorCode status = U_ZERO_ERROR;
  std::unique_ptr<icu::Collator> collator(icu::Collator::createInstance(icu::Locale::getRoot(), status));
  KADENZA_CHECK(U_SUCCESS(status));
  return collator;
}

}  // namespace

std::vector<std::uint8_t> sort_key(std::string_view name) {
  static const auto collator = root_collator();
  // A name cut inside a character ends in U+FFFD, which orders as well as anything.
  const auto length = static_cast<int32_t>(std::min(name.size(), kNameBytesMax));
  const auto text = icu::UnicodeString::fromUTF8(icu::StringPiece(name.data(), length));
  std::array<std::uint8_t, 4 * kNameBytesMax> key;
  const auto needed = collator->getSortKey(text, key.data(), static_cast<int32_t>(key.size()));
  const auto kept = std::min({static_cast<std::size_t>(needed), kSortKeyBytesMax, key.size()});
  return {key.begin(), key.begin() + static_cast<std::ptrdiff_t>(kept)};
}

}  // namespace kadenza::services::catalogue
