// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/http2/message_reader.hpp"

#include <algorithm>

namespace kadenza::distributed::rpc::http2 {
namespace {

/// What a length alone may make us set aside, before its bytes have come.
constexpr std::size_t kReserveMax = 512 << 10;

}  // namespace

MessageReader::Fault MessageReader::add(std::span<const std::uint8_t> bytes) {
  if (prefix_size_ < kPrefixBytes) {
    const auto count = std::min(bytes.size(), kPrefixBytes - prefix_size_);
    std::copy_n(bytes.begin(), count, prefix_.begin() + prefix_size_);
    prefix_size_ += count;
    bytes = bytes.subspan(count);
    if (prefix_size_ < kPrefixBytes) return Fault::kNone;
    if (prefix_[0] != 0) return Fault::kCompressed;
    for (std::size_t i = 1; i < kPrefixBytes; ++i) length_ = length_ << 8 | prefix_[i];
    if (length_ > bytes_max_) return Fault::kTooLong;
    message_.reserve(std::min(length_, kReserveMax));
  }
  if (bytes.size() > length_ - message_.size()) return Fault::kMoreThanOne;
  message_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return Fault::kNone;
}

}  // namespace kadenza::distributed::rpc::http2
