// SPDX-License-Identifier: AGPL-3.0-or-later
#include "middleware/client.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "middleware/json_answers.hpp"

namespace kadenza::middleware {
namespace {

namespace http = boost::beast::http;
namespace json = boost::json;

constexpr std::size_t kAnswerBytesMax = 16u << 20;

/// A short body that is in memory.
class TextBody final : public RequestBody {
 public:
  explicit TextBody(std::string text) : text_(std::move(text)) {}
  std::uint64_t size() const override { return text_.size(); }
  core::Task<core::Result<std::size_t>> read(std::span<std::uint8_t> into) override {
    const std::size_t count = text_.copy(reinterpret_cast<char*>(into.data()), into.size(), offset_);
    offset_ += count;
    co_return count;
  }
  core::Result<void> rewind() override {
    offset_ = 0;
    return {};
  }

 private:
  std::string text_;
  std::size_t offset_ = 0;
};

}  // namespace

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (const unsigned char c : text) {
    if (std::isalnum(c) != 0 ||
        std::string_view("-._~").find(static_cast<char>(c)) != std::string_view::npos) {
      encoded += static_cast<char>(c);
    } else {
      encoded += fmt::format("%{:02X}", c);
    }
  }
  return encoded;
}

Client::Client(std::vector<Server> servers, HttpClient::Config config)
    : nodes_(std::move(servers), std::move(config)) {}

core::Task<core::Result<json::object>> Client::ask(Request& request, Endpoint* answered) {
  request.head.set(http::field::accept, "application/json");
  KADENZA_CO_TRY(Response response, co_await nodes_.send(request));
  if (response.status() >= 400) {
    KADENZA_CO_TRY(core::Error problem, co_await read_problem(response));
    co_return std::unexpected(std::move(problem));
  }
  KADENZA_CO_TRY(const std::string body, co_await response.read_all(kAnswerBytesMax));
  boost::system::error_code malformed;
  json::value value = json::parse(body, malformed);
  if (malformed || !value.is_object()) {
    co_return core::fail(
        core::Errc::kUnavailable,
        fmt::format("{} did not answer in Kadenza's JSON: is it a Kadenza node?", response.endpoint().url()));
  }
  if (answered != nullptr) *answered = response.endpoint();
  co_return std::move(value.get_object());
}

core::Task<core::Result<UploadAnswer>> Client::upload(RequestBody& body) {
  Request request(http::verb::post, "/api/v1/songs");
  request.head.set(http::field::content_type, "application/octet-stream");
  request.body = &body;
  request.repeatable = true;  // the song's id comes from its tags: sent twice, it is there once
  KADENZA_CO_TRY(const json::object answer, co_await ask(request));
  co_return read_upload(answer);
}

core::Task<core::Result<SearchAnswer>> Client::search(std::string query, unsigned songs, unsigned others) {
  const std::string target = fmt::format("/api/v1/search?q={}&songs={}&albums={}&artists={}",
                                         percent_encoded(query), songs, others, others);
  Request request(http::verb::get, target);
  KADENZA_CO_TRY(json::object answer, co_await ask(request));
  co_return read_search(std::move(answer));
}

core::Task<core::Result<SongInfo>> Client::song(std::string id) {
  const std::string target = "/api/v1/songs/" + percent_encoded(id);
  Request request(http::verb::get, target);
  KADENZA_CO_TRY(const json::object answer, co_await ask(request));
  co_return read_song(answer);
}

core::Task<core::Result<NetworkAnswer>> Client::network() {
  Request request(http::verb::get, "/api/v1/network");
  KADENZA_CO_TRY(json::object answer, co_await ask(request));
  co_return read_network(std::move(answer));
}

core::Task<core::Result<LookupAnswer>> Client::lookup(std::string key) {
  const std::string target = "/api/v1/network/lookup/" + percent_encoded(key);
  Request request(http::verb::get, target);
  KADENZA_CO_TRY(json::object answer, co_await ask(request));
  co_return read_lookup(std::move(answer));
}

Download Client::audio(std::string_view id, std::uint64_t offset) {
  return {nodes_, "/api/v1/songs/" + percent_encoded(id) + "/audio", offset};
}

core::Task<core::Result<LogIn>> Client::open_session(std::string text) {
  TextBody body(std::move(text));
  Request request(http::verb::post, "/api/v1/session");
  request.head.set(http::field::content_type, "application/json");
  request.body = &body;
  Endpoint endpoint;
  KADENZA_CO_TRY(const json::object answer, co_await ask(request, &endpoint));
  KADENZA_CO_TRY(LogIn log_in, read_log_in(answer));
  nodes_.set_token(endpoint, log_in.token);
  log_in.endpoint = std::move(endpoint);
  co_return log_in;
}

core::Task<core::Result<LogIn>> Client::log_in(std::string user, std::string password) {
  json::object body;
  body["user"] = user;
  body["password"] = password;
  co_return co_await open_session(json::serialize(body));
}

core::Task<core::Result<LogIn>> Client::redeem(std::string code) {
  json::object body;
  body["code"] = code;
  co_return co_await open_session(json::serialize(body));
}

}  // namespace kadenza::middleware
