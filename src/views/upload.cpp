// SPDX-License-Identifier: AGPL-3.0-or-later
// POST /api/v1/songs: a raw body or a form, written to the library piece by piece.
#include <algorithm>
#include <cstring>

#include "views/answer.hpp"
#include "views/handlers.hpp"
#include "views/multipart.hpp"

namespace kadenza::views {

using core::Errc;
using core::fail;

namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;
constexpr std::size_t kFormFieldBytesMax = 8 * 1024;
constexpr std::string_view kNoAudio =
    "There is no audio in the request: send the file as the body, or as the part \"file\" of a "
    "multipart/form-data.";

class UploadSlot {
 public:
  explicit UploadSlot(Environment& environment)
      : count_(environment.uploads), max_(environment.options.limits.uploads) {
    taken_ = count_.fetch_add(1) < max_;
  }
  UploadSlot(const UploadSlot&) = delete;
  UploadSlot& operator=(const UploadSlot&) = delete;
  ~UploadSlot() { count_.fetch_sub(1); }
  bool taken() const { return taken_; }

 private:
  std::atomic<std::size_t>& count_;
  std::size_t max_;
  bool taken_ = false;
};

core::Result<void> set_override(core::TagOverrides& overrides, std::string_view name, std::string value) {
  const auto number = [&](std::optional<std::uint16_t>& field) -> core::Result<void> {
    KADENZA_TRY(const auto parsed, parse_number(name, value, 0, 65535));
    field = static_cast<std::uint16_t>(parsed);
    return {};
  };
  if (!is_clean_utf8(value))
    return fail(Errc::kInvalidArgument, "The field " + std::string(name) + " is not UTF-8.");
  if (name == "track") return number(overrides.track);
  if (name == "disc") return number(overrides.disc);
  if (name == "year") return number(overrides.year);
  if (name == "title") overrides.title = std::move(value);
  if (name == "artist") overrides.artist = std::move(value);
  if (name == "album") overrides.album = std::move(value);
  if (name == "album_artist") overrides.album_artist = std::move(value);
  if (name == "genre") {
    if (!overrides.genres) overrides.genres.emplace();
    if (overrides.genres->size() < core::kTagListMax) overrides.genres->push_back(std::move(value));
  }
  return {};
}

/// One upload from the first byte to the answer.
class Receiver {
 public:
  Receiver(Environment& environment, Request& request) : environment_(environment), request_(request) {}

  core::Task<core::Result<core::UploadOutcome>> run() {
    const auto& limits = environment_.options.limits;
    KADENZA_CO_TRY_VOID(request_.body.limit(limits.upload_bytes));
    for (const auto& [name, value] : request_.target.query)
      KADENZA_CO_TRY_VOID(set_override(overrides_, name, value));

    const auto boundary = multipart_boundary(request_.field(http::field::content_type).value_or(""));
    if (boundary && boundary->empty())
      co_return fail(Errc::kInvalidArgument, "The Content-Type of the form names no valid boundary.");
    core::Result<void> received;
    if (boundary) {
      received = co_await receive_form(*boundary);
    } else {
      received = co_await receive_raw();
    }
    if (!received) co_return std::unexpected(std::move(received).error());
    if (!upload_ || size_ == 0) co_return fail(Errc::kInvalidArgument, std::string(kNoAudio));
    const auto deadline = environment_.clock.now() + environment_.options.timeouts.store;
    co_return co_await upload_->finish(std::move(overrides_), deadline);
  }

 private:
  core::Deadline piece_deadline() const {
    return environment_.clock.now() + environment_.options.timeouts.call;
  }

  core::Task<core::Result<void>> start(std::optional<std::uint64_t> expected_size) {
    auto upload = co_await environment_.library.start_upload(expected_size, piece_deadline());
    if (!upload) co_return std::unexpected(std::move(upload).error());
    upload_ = std::move(*upload);
    co_return core::Result<void>{};
  }

  core::Task<core::Result<void>> write(std::span<const std::uint8_t> bytes) {
    size_ += bytes.size();
    co_return co_await upload_->write(bytes, piece_deadline());
  }

  core::Task<core::Result<void>> receive_raw() {
    if (request_.body.length() == 0) co_return fail(Errc::kInvalidArgument, std::string(kNoAudio));
    auto started = co_await start(request_.body.length());
    if (!started) co_return started;
    std::vector<std::uint8_t> piece(
        std::min<std::uint64_t>(request_.body.length().value_or(kPieceBytes), kPieceBytes));
    for (;;) {
      auto got = co_await request_.body.read(piece);
      if (!got) co_return std::unexpected(std::move(got).error());
      if (*got == 0) co_return core::Result<void>{};
      auto written = co_await write(std::span<const std::uint8_t>(piece).first(*got));
      if (!written) co_return written;
    }
  }

  core::Task<core::Result<void>> receive_form(std::string boundary) {
    MultipartParser parser(boundary);
    for (;;) {
      const auto event = parser.next();
      if (!event) co_return std::unexpected(event.error());
      if (event->kind == MultipartParser::Kind::kEnd) break;
      if (event->kind != MultipartParser::Kind::kNeedMore) {
        auto handled = co_await handle(*event);
        if (!handled) co_return handled;
        continue;
      }
      auto got = co_await request_.body.read(parser.prepare(kPieceBytes));
      if (!got) co_return std::unexpected(std::move(got).error());
      if (*got == 0) co_return fail(Errc::kInvalidArgument, "The form is cut: its last boundary is missing.");
      parser.commit(*got);
    }
    co_return co_await skip_epilogue();
  }

  core::Task<core::Result<void>> handle(MultipartParser::Event event) {
    using Kind = MultipartParser::Kind;
    if (event.kind == Kind::kPartBegin) {
      part_ = event.text;
      value_.clear();
      if (part_ != "file") co_return core::Result<void>{};
      if (upload_) co_return fail(Errc::kInvalidArgument, "The form has more than one part \"file\".");
      co_return co_await start(std::nullopt);
    }
    if (event.kind == Kind::kData && part_ == "file") {
      const std::span bytes(reinterpret_cast<const std::uint8_t*>(event.text.data()), event.text.size());
      co_return co_await write(bytes);
    }
    if (event.kind == Kind::kData) {
      if (value_.size() + event.text.size() > kFormFieldBytesMax)
        co_return fail(Errc::kInvalidArgument, "The form field " + part_ + " is too long.");
      value_ += event.text;
    }
    if (event.kind == Kind::kPartEnd && part_ != "file")
      co_return set_override(overrides_, part_, std::move(value_));
    co_return core::Result<void>{};
  }

  core::Task<core::Result<void>> skip_epilogue() {
    std::array<std::uint8_t, 1024> rest;
    for (;;) {
      auto got = co_await request_.body.read(rest);
      if (!got) co_return std::unexpected(std::move(got).error());
      if (*got == 0) co_return core::Result<void>{};
    }
  }

  Environment& environment_;
  Request& request_;
  core::TagOverrides overrides_;
  std::unique_ptr<core::Upload> upload_;
  std::uint64_t size_ = 0;
  std::string part_, value_;  ///< of the form's part under way
};

}  // namespace

core::Task<Response> post_song(Environment& environment, Request& request) {
  const UploadSlot slot(environment);
  if (!slot.taken())
    co_return problem({Errc::kUnavailable, "Too many uploads are under way at once; try again in a moment."});
  Receiver receiver(environment, request);
  const auto outcome = co_await receiver.run();
  if (!outcome) {
    environment.metrics.upload_done(core::to_string(outcome.error().code));
    co_return problem(outcome.error());
  }
  environment.metrics.upload_done(outcome->added ? "added" : "already_there");
  auto response = json_response(to_json(*outcome), outcome->added ? http::status::created : http::status::ok);
  response.add("Location", "/api/v1/songs/" + outcome->song.id.text());
  co_return response;
}

}  // namespace kadenza::views
