// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/node_socket.hpp"

#include <cerrno>
#include <cstring>
#include <string>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "core/unique_fd.hpp"
#include "interface/i18n.hpp"

namespace kadenza::interface {
namespace {

namespace json = boost::json;
using core::Errc;
using core::fail;

constexpr int kVersion = 1;
constexpr std::size_t kAnswerBytesMax = 64 << 20;

std::unexpected<core::Error> no_node(const std::filesystem::path& data) {
  if (errno == EACCES || errno == EPERM) {
    return fail(
        Errc::kForbidden,
        trf("The node of {} belongs to another account. Run this command as that one.", data.string()));
  }
  return fail(Errc::kUnavailable,
              trf("No node runs with the data folder {}. Start it (kadenza serve --data {}), or give the "
                  "right folder with --data.",
                  data.string(), data.string()));
}

/// The path of a socket has at most 107 bytes; that of its folder's descriptor is short.
core::Result<core::UniqueFd> connect_to(const std::filesystem::path& data) {
  const core::UniqueFd folder(::open(data.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return no_node(data);
  core::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = fmt::format("/proc/self/fd/{}/control.sock", folder.get());
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (!socket || ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return no_node(data);
  }
  return socket;
}

bool send_all(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// Up to the end of the line; empty when there is none.
std::string receive_line(int socket) {
  std::string line;
  char piece[16384];
  while (line.size() < kAnswerBytesMax) {
    const ssize_t received = ::recv(socket, piece, sizeof piece, 0);
    if (received < 0 && errno == EINTR) continue;
    if (received <= 0) return {};
    line.append(piece, static_cast<std::size_t>(received));
    if (line.back() == '\n') return line;
  }
  return {};
}

core::Result<json::value> parse_answer(const std::string& line) {
  try {
    json::value answer = json::parse(line);
    if (auto* result = answer.as_object().if_contains("result")) return std::move(*result);
    const json::value& error = answer.at("error");
    return fail(core::parse_errc(error.at("code").as_string()).value_or(Errc::kInternal),
                std::string(error.at("detail").as_string()));
  } catch (const std::exception&) {
    return fail(Errc::kUnavailable, tr("The node ended before it answered."));
  }
}

}  // namespace

core::Result<json::value> ask_node(const std::filesystem::path& data, std::string_view method,
                                   json::object params) {
  KADENZA_TRY(const core::UniqueFd socket, connect_to(data));
  const json::value request{{"version", kVersion}, {"method", method}, {"params", std::move(params)}};
  if (!send_all(socket.get(), json::serialize(request) + "\n")) {
    return fail(Errc::kUnavailable, tr("The node ended before it answered."));
  }
  return parse_answer(receive_line(socket.get()));
}

}  // namespace kadenza::interface
