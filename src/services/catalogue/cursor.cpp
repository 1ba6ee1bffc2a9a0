// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/catalogue/cursor.hpp"

#include <algorithm>
#include <span>

#include "core/base32.hpp"
#include "core/sha256.hpp"

namespace kadenza::services::catalogue {
namespace {

// Bytes: the mark of the request, the value (big-endian), the id.
constexpr std::size_t kMarkBytes = 4, kValueBytes = 8;
using Bytes = std::array<std::uint8_t, kMarkBytes + kValueBytes + 32>;

void put_mark(Bytes& bytes, std::string_view request) {
  std::ranges::copy_n(core::sha256(request).bytes.begin(), kMarkBytes, bytes.begin());
}

}  // namespace

std::string Cursor::text(std::string_view request) const {
  Bytes bytes{};
  put_mark(bytes, request);
  for (std::size_t i = 0; i < kValueBytes; ++i)
    bytes[kMarkBytes + i] = static_cast<std::uint8_t>(value >> (8 * (kValueBytes - 1 - i)));
  std::ranges::copy(id, bytes.begin() + kMarkBytes + kValueBytes);
  return core::base32_encode(bytes);
}

core::Result<Cursor> Cursor::parse(std::string_view text, std::string_view request) {
  Bytes bytes{}, expected{};
  put_mark(expected, request);
  if (!core::base32_decode(text, bytes) ||
      !std::equal(bytes.begin(), bytes.begin() + kMarkBytes, expected.begin())) {
    return core::fail(core::Errc::kInvalidArgument,
                      "the cursor does not belong to this list; start again without one");
  }
  Cursor cursor;
  for (std::size_t i = 0; i < kValueBytes; ++i) cursor.value = cursor.value << 8 | bytes[kMarkBytes + i];
  std::ranges::copy(std::span(bytes).subspan(kMarkBytes + kValueBytes), cursor.id.begin());
  return cursor;
}

}  // namespace kadenza::services::catalogue
