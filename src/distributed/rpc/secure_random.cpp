// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/secure_random.hpp"

#include <cstring>

#include <sodium.h>

#include "core/check.hpp"

namespace kadenza::distributed::rpc {

void SecureRandom::fill(std::span<std::uint8_t> out) {
  KADENZA_CHECK(out.size() <= block_.size());
  if (used_ + out.size() > block_.size()) {
    randombytes_buf(block_.data(), block_.size());
    used_ = 0;
  }
  std::memcpy(out.data(), block_.data() + used_, out.size());
  sodium_memzero(block_.data() + used_, out.size());  // what was given out must not be found here later
  used_ += out.size();
}

std::uint64_t SecureRandom::next() {
  std::array<std::uint8_t, 8> bytes{};
  fill(bytes);
  std::uint64_t value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

}  // namespace kadenza::distributed::rpc
