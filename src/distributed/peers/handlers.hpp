// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/task.hpp"
#include "distributed/peers/peers.hpp"

namespace kadenza::distributed::peers {

/// Who calls, as proved by its certificate, and until when it waits.
struct Caller {
  core::NodeId id;
  core::Deadline deadline = core::Deadline::max();
};

/// The methods that a node offers to others. Filled by the composition root before anything is served, then
/// read only; handlers run as coroutines on the server's executor, many at once.
class Handlers {
 public:
  using Raw = std::function<core::Task<core::Result<std::string>>(Caller, std::string)>;

  /// `serve`: core::Task<core::Result<Reply>>(Caller, Request). It is copied into every call.
  template <class Request, class Serve>
  void add(Serve serve) {
    using Reply = typename MethodOf<Request>::Reply;
    raw_[std::string(MethodOf<Request>::kPath)] =
        [serve = std::move(serve)](Caller caller,
                                   std::string encoded) -> core::Task<core::Result<std::string>> {
      Request request;
      if (!request.ParseFromString(encoded)) {
        co_return core::fail(core::Errc::kInvalidArgument, "the request cannot be read");
      }
      encoded = {};
      core::Result<Reply> reply = co_await serve(caller, std::move(request));
      if (!reply) co_return std::unexpected(std::move(reply).error());
      co_return reply->SerializeAsString();
    };
  }

  /// Null for a method that this node does not know.
  const Raw* find(std::string_view path) const {
    const auto found = raw_.find(path);
    return found == raw_.end() ? nullptr : &found->second;
  }

 private:
  std::map<std::string, Raw, std::less<>> raw_;
};

}  // namespace kadenza::distributed::peers
