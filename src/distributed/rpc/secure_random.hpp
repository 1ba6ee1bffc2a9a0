// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/random.hpp"

namespace kadenza::distributed::rpc {

/// The machine's secure randomness (libsodium), fetched in blocks: one system call serves 40 datagrams. One
/// owner, one thread at a time.
class SecureRandom final : public core::Random {
 public:
  std::uint64_t next() override;
  void fill(std::span<std::uint8_t> out);

 private:
  std::array<std::uint8_t, 1024> block_{};
  std::size_t used_ = sizeof block_;
};

}  // namespace kadenza::distributed::rpc
