// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/http2/grpc_form.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace kadenza::distributed::rpc::http2 {
namespace {

using core::Errc;

constexpr std::int64_t kTimeoutMax = 99'999'999;  // eight digits
constexpr std::array<std::pair<char, std::int64_t>, 6> kUnits = {{
    {'n', 1},
    {'u', 1'000},
    {'m', 1'000'000},
    {'S', 1'000'000'000},
    {'M', 60'000'000'000},
    {'H', 3'600'000'000'000},
}};

constexpr std::string_view kHex = "0123456789ABCDEF";

/// No UTF-8 character is left half.
std::string_view cut(std::string_view text) {
  if (text.size() <= kDetailBytesMax) return text;
  std::size_t end = kDetailBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0u) == 0x80u) --end;
  return text.substr(0, end);
}

}  // namespace

std::array<std::uint8_t, kPrefixBytes> message_prefix(std::uint32_t length) noexcept {
  return {0, static_cast<std::uint8_t>(length >> 24), static_cast<std::uint8_t>(length >> 16),
          static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)};
}

std::string timeout_text(core::Duration timeout) {
  const auto nanoseconds = std::max<std::int64_t>(timeout.count(), 0);
  for (const auto& [unit, size] : kUnits) {
    const auto rounded_up = nanoseconds / size + (nanoseconds % size != 0);
    if (rounded_up <= kTimeoutMax) return std::to_string(rounded_up) + unit;
  }
  return std::to_string(kTimeoutMax) + kUnits.back().first;
}

std::optional<core::Duration> parse_timeout(std::string_view text) {
  if (text.size() < 2 || text.size() > 9) return std::nullopt;
  const auto unit = std::ranges::find(kUnits, text.back(), &std::pair<char, std::int64_t>::first);
  if (unit == kUnits.end()) return std::nullopt;
  std::int64_t amount = 0;
  const auto* end = text.data() + text.size() - 1;
  const auto [stopped, error] = std::from_chars(text.data(), end, amount);
  if (error != std::errc() || stopped != end || amount < 0) return std::nullopt;
  return core::Duration(std::min(amount, core::Duration::max().count() / unit->second) * unit->second);
}

unsigned status_of(Errc code) noexcept {
  switch (code) {
    case Errc::kInvalidArgument:
    case Errc::kMissingTags:
    case Errc::kUnsupportedMedia:
    case Errc::kDamagedMedia:
      return 3;  // INVALID_ARGUMENT
    case Errc::kTooLarge:
    case Errc::kNoSpace:
    case Errc::kTooManyRequests:
      return 8;  // RESOURCE_EXHAUSTED
    case Errc::kNotFound:
      return 5;
    case Errc::kUnauthenticated:
      return 16;
    case Errc::kForbidden:
      return 7;  // PERMISSION_DENIED
    case Errc::kConflict:
      return 6;  // ALREADY_EXISTS
    case Errc::kUnavailable:
      return 14;
    case Errc::kDeadlineExceeded:
      return 4;
    case Errc::kCancelled:
      return 1;
    case Errc::kCorrupted:
      return 15;  // DATA_LOSS
    case Errc::kInternal:
      break;
  }
  return 13;
}

Errc errc_of(unsigned status) noexcept {
  switch (status) {
    case 1:
      return Errc::kCancelled;
    case 3:
    case 9:   // FAILED_PRECONDITION
    case 11:  // OUT_OF_RANGE
      return Errc::kInvalidArgument;
    case 4:
      return Errc::kDeadlineExceeded;
    case 5:
      return Errc::kNotFound;
    case 6:
      return Errc::kConflict;
    case 7:
      return Errc::kForbidden;
    case 8:
      return Errc::kTooManyRequests;
    case 10:  // ABORTED
    case 12:  // UNIMPLEMENTED: another node may know the method
    case 14:
      return Errc::kUnavailable;
    case 15:
      return Errc::kCorrupted;
    case 16:
      return Errc::kUnauthenticated;
    default:
      return Errc::kInternal;
  }
}

std::string encode_detail(std::string_view detail) {
  std::string text;
  for (const char letter : cut(detail)) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte >= 0x20 && byte < 0x7f && byte != '%') {
      text += letter;
    } else {
      text += '%';
      text += kHex[byte >> 4];
      text += kHex[byte & 0xfu];
    }
  }
  return text;
}

std::string decode_detail(std::string_view text) {
  std::string detail;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = static_cast<unsigned char>(text[i]);
    if (byte == '%' && i + 2 < text.size()) {
      const auto [end, error] = std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
      if (error == std::errc() && end == text.data() + i + 3) i += 2;
    }
    detail += byte < 0x20 || byte == 0x7f ? ' ' : static_cast<char>(byte);
  }
  return std::string(cut(detail));
}

}  // namespace kadenza::distributed::rpc::http2
