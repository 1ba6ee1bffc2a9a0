// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/error.hpp"

namespace kadenza::distributed::rpc::http2 {

// How gRPC writes calls into HTTP/2 (its document "gRPC over HTTP2"): texts, numbers and prefixes.

inline constexpr std::string_view kContentType = "application/grpc";
/// The field, beside gRPC's own, that carries the exact core::Errc of a failure.
inline constexpr std::string_view kErrorField = "kadenza-error";
/// Longest explanation that is sent or believed.
inline constexpr std::size_t kDetailBytesMax = 1024;

/// Before each message: not compressed, and its length.
inline constexpr std::size_t kPrefixBytes = 5;
std::array<std::uint8_t, kPrefixBytes> message_prefix(std::uint32_t length) noexcept;

/// "250m" for a quarter of a second; rounded up to a unit in which it has at most eight digits.
std::string timeout_text(core::Duration timeout);
std::optional<core::Duration> parse_timeout(std::string_view text);

/// gRPC's number for a code, for callers that know gRPC only.
unsigned status_of(core::Errc code) noexcept;
/// The nearest code for a status without kErrorField.
core::Errc errc_of(unsigned status) noexcept;

/// A detail as it travels in a header field: UTF-8, what is not printable ASCII percent-encoded; cut to
/// kDetailBytesMax.
std::string encode_detail(std::string_view detail);
/// The inverse, for text that a stranger may have written: control characters become spaces.
std::string decode_detail(std::string_view text);

}  // namespace kadenza::distributed::rpc::http2
