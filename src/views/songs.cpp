// SPDX-License-Identifier: AGPL-3.0-or-later
// One song: its data, audio, cover and waveform.
#include <fmt/compile.h>
#include <fmt/format.h>

#include "views/answer.hpp"
#include "views/handlers.hpp"
#include "views/http_date.hpp"
#include "views/range.hpp"

namespace kadenza::views {

namespace {

/// Songs never change, and an answer belongs to one listener.
constexpr std::string_view kImmutable = "private, max-age=31536000, immutable";
constexpr std::uint64_t kCoverPixelsMax = 4096;

Conditions conditions_of(const Request& request) {
  return {.if_match = request.field(http::field::if_match),
          .if_none_match = request.field(http::field::if_none_match),
          .if_modified_since = request.field(http::field::if_modified_since),
          .if_unmodified_since = request.field(http::field::if_unmodified_since),
          .if_range = request.field(http::field::if_range)};
}

void add_validators(Response& response, const Validators& validators) {
  response.add("ETag", validators.etag).add("Last-Modified", http_date(validators.last_modified));
  response.add("Cache-Control", kImmutable);
}

/// The answer when the request's conditions settle it: 304 or 412.
std::optional<Response> settled(const Request& request, const Validators& validators) {
  const auto outcome = evaluate(conditions_of(request), validators);
  if (outcome == Precondition::kProceed) return std::nullopt;
  auto response = outcome == Precondition::kNotModified
                      ? empty_response(http::status::not_modified)
                      : problem(http::status::precondition_failed, "precondition_failed",
                                "The song's audio is not the one that the request's conditions name.");
  if (outcome == Precondition::kNotModified) add_validators(response, validators);
  return response;
}

/// A file name for saving the song: any letters, nothing that a file system minds.
std::string download_name(const core::Song& song) {
  auto name = song.tags.artist + " - " + song.tags.title;
  for (auto& c : name)
    if (static_cast<unsigned char>(c) < 0x20 ||
        std::string_view("/\\:*?\"<>|\x7F").find(c) != std::string_view::npos)
      c = '_';
  return name + "." + std::string(core::file_extension(song.properties.format));
}

/// RFC 6266: a plain name for old clients and the whole one in UTF-8.
std::string content_disposition(const core::Song& song) {
  std::string plain, encoded;
  for (const char c : download_name(song)) {
    const auto byte = static_cast<unsigned char>(c);
    plain += byte < 0x80 ? c : '_';
    const bool unreserved = std::isalnum(byte) || std::string_view("-._~").find(c) != std::string_view::npos;
    unreserved ? encoded += c : encoded += fmt::format("%{:02X}", byte);
  }
  return "attachment; filename=\"" + plain + "\"; filename*=UTF-8''" + encoded;
}

Response audio_head(const Request& request, const core::Song& song, const Validators& validators) {
  Response response;
  response.add("Content-Type", core::content_type(song.properties.format)).add("Accept-Ranges", "bytes");
  add_validators(response, validators);
  if (request.parameter("download").value_or("0") == "1")
    response.add("Content-Disposition", content_disposition(song));
  return response;
}

Response unsatisfiable(const core::Song& song) {
  auto response = problem(http::status::range_not_satisfiable, "range_not_satisfiable",
                          fmt::format("The range lies outside of the song's {} bytes.", song.size));
  return std::move(
      response.add("Content-Range", fmt::format("bytes */{}", song.size)).add("Accept-Ranges", "bytes"));
}

}  // namespace

core::Task<Response> get_song(Environment& environment, Request& request) {
  const auto id = id_argument<core::SongId>(request, "song");
  if (!id) co_return problem(id.error());
  const auto song = co_await environment.library.song(*id, request.deadline);
  co_return answer(song);
}

core::Task<Response> get_audio(Environment& environment, Request& request) {
  const auto id = id_argument<core::SongId>(request, "song");
  if (!id) co_return problem(id.error());
  const auto song = co_await environment.library.song(*id, request.deadline);
  if (!song) co_return problem(song.error());

  const Validators validators{'"' + song->audio.text() + '"', song->first_stored};
  if (auto response = settled(request, validators)) co_return std::move(*response);

  auto wanted = RangeAnswer{};
  const auto range_field = request.field(http::field::range);
  if (range_field && request.method == http::verb::get && range_applies(conditions_of(request), validators))
    wanted = select_range(*range_field, song->size);
  if (wanted.kind == RangeAnswer::Kind::kUnsatisfiable) co_return unsatisfiable(*song);

  auto response = audio_head(request, *song, validators);
  core::ByteRange range{0, song->size};
  if (wanted.kind == RangeAnswer::Kind::kPart) {
    range = wanted.range;
    response.status = http::status::partial_content;
    response.add("Content-Range", fmt::format(FMT_COMPILE("bytes {}-{}/{}"), range.offset,
                                              range.offset + range.length - 1, song->size));
  }
  StreamBody body{nullptr, range.length};
  if (request.method == http::verb::get) {
    auto stream = co_await environment.library.open(*id, range, request.deadline);
    if (!stream) co_return problem(stream.error());
    body.stream = std::move(*stream);
  }
  response.body = std::move(body);
  co_return response;
}

core::Task<Response> get_cover(Environment& environment, Request& request) {
  const auto id = id_argument<core::SongId>(request, "song");
  if (!id) co_return problem(id.error());
  const auto pixels = request.number("size", 0, kCoverPixelsMax, 0);
  if (!pixels) co_return problem(pixels.error());
  const auto song = co_await environment.library.song(*id, request.deadline);
  if (!song) co_return problem(song.error());
  if (!song->cover) co_return problem({core::Errc::kNotFound, "The song has no cover."});

  const Validators validators{fmt::format("\"{}-{}\"", song->cover->text(), *pixels), song->first_stored};
  if (auto response = settled(request, validators)) co_return std::move(*response);
  auto image = co_await environment.library.cover(*id, static_cast<std::uint32_t>(*pixels), request.deadline);
  if (!image) co_return problem(image.error());
  const auto* bytes = reinterpret_cast<const char*>(image->bytes.data());
  auto response =
      text_response(http::status::ok, image->content_type, std::string(bytes, image->bytes.size()));
  add_validators(response, validators);
  co_return response;
}

core::Task<Response> get_waveform(Environment& environment, Request& request) {
  const auto id = id_argument<core::SongId>(request, "song");
  if (!id) co_return problem(id.error());
  const auto facts = co_await environment.library.derived_facts(*id, request.deadline);
  co_return answer(facts);
}

}  // namespace kadenza::views
