// SPDX-License-Identifier: AGPL-3.0-or-later
#include "distributed/control/control_server.hpp"

#include <cerrno>
#include <map>
#include <system_error>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "core/await_on.hpp"
#include "core/unique_fd.hpp"

namespace kadenza::distributed::control {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using asio::local::stream_protocol;
using core::Errc;
using core::fail;
using core::Result;
using core::Task;

constexpr int kVersion = 1;
constexpr std::size_t kRequestBytesMax = 256 * 1024;
constexpr std::size_t kConnectionsMax = 16;
constexpr std::chrono::seconds kRequestPatience{10};
constexpr const char* kSocketName = "control.sock";

/// The path of a socket has at most 107 bytes; that of its folder's descriptor is short.
stream_protocol::endpoint endpoint_in(const core::UniqueFd& folder) {
  return {fmt::format("/proc/self/fd/{}/{}", folder.get(), kSocketName)};
}

core::UniqueFd open_folder(const std::filesystem::path& path) {
  return core::UniqueFd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

Result<json::value> to_request(std::string_view line, std::string& method, json::object& params) {
  try {
    json::value request = json::parse(line);
    if (request.at("version").as_int64() != kVersion) {
      return fail(Errc::kInvalidArgument, "this node speaks version 1 of the control protocol");
    }
    method = request.at("method").as_string();
    if (auto* given = request.as_object().if_contains("params")) params = std::move(given->as_object());
  } catch (const std::exception&) {
    return fail(Errc::kInvalidArgument, R"(a request is one line: {"version":1,"method":"…","params":{…}})");
  }
  return json::value();
}

json::object to_answer(Result<json::value> result) {
  json::object answer;
  if (result) {
    answer["result"] = std::move(*result);
  } else {
    answer["error"] = {{"code", core::to_string(result.error().code)}, {"detail", result.error().detail}};
  }
  return answer;
}

}  // namespace

bool is_served(const std::filesystem::path& path) {
  const core::UniqueFd folder = open_folder(path);
  if (!folder) return false;
  asio::io_context io;
  stream_protocol::socket probe(io);
  boost::system::error_code error;
  probe.connect(endpoint_in(folder), error);
  return !error;
}

struct ControlServer::State : std::enable_shared_from_this<State> {
  explicit State(asio::any_io_executor executor)
      : strand(asio::make_strand(std::move(executor))), acceptor(strand), ended(strand) {
    ended.expires_at(asio::steady_timer::time_point::max());
  }

  Result<void> listen(const std::filesystem::path& folder);
  Task<void> accept();
  Task<void> converse(stream_protocol::socket accepted);
  Task<Result<json::value>> answer(std::string_view line);
  Task<void> stop();

  asio::strand<asio::any_io_executor> strand;
  stream_protocol::acceptor acceptor;
  std::map<std::string, Handler, std::less<>> handlers;
  std::size_t connections = 0;
  asio::steady_timer ended;  ///< cancelled when the last connection ends
  core::UniqueFd folder;
  bool stopping = false;
};

Result<void> ControlServer::State::listen(const std::filesystem::path& path) {
  const auto failed = [&](std::string_view what, const std::string& why) {
    return fail(Errc::kInternal,
                fmt::format("Cannot {} the control socket in {}: {}.", what, path.string(), why));
  };
  folder = open_folder(path);
  if (!folder) return failed("open", std::generic_category().message(errno));
  if (is_served(path)) {
    return fail(
        Errc::kConflict,
        fmt::format("Another node is running with the data folder {}. Stop it first.", path.string()));
  }
  const stream_protocol::endpoint endpoint = endpoint_in(folder);
  boost::system::error_code error;
  ::unlinkat(folder.get(), kSocketName, 0);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.bind(endpoint, error);
  if (error) return failed("bind", error.message());
  if (::fchmodat(folder.get(), kSocketName, 0600, 0) != 0) {
    return failed("protect", std::generic_category().message(errno));
  }
  acceptor.listen(kConnectionsMax, error);
  if (error) return failed("listen on", error.message());
  return {};
}

Task<void> ControlServer::State::accept() {
  const auto self = shared_from_this();
  while (!stopping) {
    auto [error, socket] = co_await acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
    if (error == asio::error::operation_aborted || stopping) co_return;
    if (error || connections == kConnectionsMax) continue;
    ++connections;
    asio::co_spawn(strand, converse(std::move(socket)), [self](const std::exception_ptr&) {
      if (--self->connections == 0) self->ended.cancel();
    });
  }
}

Task<void> ControlServer::State::converse(stream_protocol::socket accepted) {
  const auto socket = std::make_shared<stream_protocol::socket>(std::move(accepted));
  asio::steady_timer patience(strand, kRequestPatience);
  patience.async_wait([weak = std::weak_ptr(socket)](const boost::system::error_code& cancelled) {
    const auto alive = weak.lock();
    if (!cancelled && alive) alive->cancel();
  });
  std::string line;
  const auto [error, length] = co_await asio::async_read_until(
      *socket, asio::dynamic_buffer(line, kRequestBytesMax), '\n', asio::as_tuple(asio::use_awaitable));
  patience.cancel();
  Result<json::value> result;
  if (error == asio::error::not_found) {
    result = fail(Errc::kTooLarge, "the request is too long");
  } else if (error) {
    co_return;
  } else {
    result = co_await answer(std::string_view(line).substr(0, length - 1));
  }
  const std::string reply = json::serialize(to_answer(std::move(result))) + '\n';
  co_await asio::async_write(*socket, asio::buffer(reply), asio::as_tuple(asio::use_awaitable));
}

Task<Result<json::value>> ControlServer::State::answer(std::string_view line) {
  std::string method;
  json::object params;
  KADENZA_CO_TRY(json::value request, to_request(line, method, params));
  const auto found = handlers.find(method);
  if (found == handlers.end()) {
    co_return fail(Errc::kNotFound, fmt::format("this node knows no request “{}”", method));
  }
  try {
    co_return co_await found->second(std::move(params));
  } catch (const std::exception& error) {
    co_return fail(Errc::kInternal, error.what());
  }
}

Task<void> ControlServer::State::stop() {
  stopping = true;
  boost::system::error_code ignored;
  if (acceptor.is_open()) {
    acceptor.close(ignored);
    ::unlinkat(folder.get(), kSocketName, 0);
  }
  while (connections > 0) co_await ended.async_wait(asio::as_tuple(asio::use_awaitable));
}

ControlServer::ControlServer(asio::any_io_executor executor)
    : state_(std::make_shared<State>(std::move(executor))) {}

ControlServer::~ControlServer() = default;

void ControlServer::add(std::string method, Handler handler) {
  state_->handlers[std::move(method)] = std::move(handler);
}

Result<void> ControlServer::start(const std::filesystem::path& folder) {
  KADENZA_TRY_VOID(state_->listen(folder));
  asio::co_spawn(state_->strand, state_->accept(), asio::detached);
  return {};
}

Task<void> ControlServer::stop() {
  auto stopping = [state = state_] { return state->stop(); };
  co_await core::await_on(state_->strand, std::move(stopping));
}

}  // namespace kadenza::distributed::control
