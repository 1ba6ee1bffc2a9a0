// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/rpc/refusals.hpp"

namespace kadenza::distributed::rpc {

std::string_view to_string(Refusal reason) noexcept {
  static constexpr std::array<std::string_view, kRefusals> kNames = {
      "plain_text", "old_tls",     "no_certificate", "unknown_authority", "expired",    "wrong_id",
      "removed",    "not_joining", "bad_handshake",  "handshake_timeout", "over_limit", "protocol"};
  return kNames[static_cast<std::size_t>(reason)];
}

}  // namespace kadenza::distributed::rpc
