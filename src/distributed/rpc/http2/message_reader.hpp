// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "distributed/rpc/http2/grpc_form.hpp"

namespace kadenza::distributed::rpc::http2 {

/// Puts one message together from the DATA frames of a call.
class MessageReader {
 public:
  enum class Fault : std::uint8_t { kNone, kCompressed, kTooLong, kMoreThanOne };

  explicit MessageReader(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  /// Once it has answered with a fault, what else arrives does not matter.
  Fault add(std::span<const std::uint8_t> bytes);
  bool complete() const noexcept { return prefix_size_ == kPrefixBytes && message_.size() == length_; }
  bool empty() const noexcept { return prefix_size_ == 0; }
  std::size_t held() const noexcept { return message_.size(); }
  std::string take() noexcept { return std::move(message_); }

 private:
  std::size_t bytes_max_;
  std::array<std::uint8_t, kPrefixBytes> prefix_{};
  std::size_t prefix_size_ = 0;
  std::size_t length_ = 0;
  std::string message_;
};

}  // namespace kadenza::distributed::rpc::http2
