// SPDX-License-Identifier: AGPL-3.0-or-later
#include "views/problem.hpp"

#include "views/json_writer.hpp"

namespace kadenza::views {

using core::Errc;
using http::status;

http::status to_status(Errc code) noexcept {
  switch (code) {
    case Errc::kInvalidArgument:
      return status::bad_request;
    case Errc::kMissingTags:
    case Errc::kDamagedMedia:
      return status::unprocessable_entity;
    case Errc::kUnsupportedMedia:
      return status::unsupported_media_type;
    case Errc::kTooLarge:
      return status::payload_too_large;
    case Errc::kNotFound:
      return status::not_found;
    case Errc::kUnauthenticated:
      return status::unauthorized;
    case Errc::kForbidden:
      return status::forbidden;
    case Errc::kConflict:
      return status::conflict;
    case Errc::kNoSpace:
      return status::insufficient_storage;
    case Errc::kTooManyRequests:
      return status::too_many_requests;
    case Errc::kUnavailable:
    case Errc::kCancelled:
      return status::service_unavailable;
    case Errc::kDeadlineExceeded:
      return status::gateway_timeout;
    case Errc::kCorrupted:
    case Errc::kInternal:
      break;
  }
  return status::internal_server_error;
}

namespace {

std::string_view title_of(Errc code) {
  switch (code) {
    case Errc::kInvalidArgument:
      return "The request is not valid";
    case Errc::kMissingTags:
      return "Title or artist is missing";
    case Errc::kUnsupportedMedia:
      return "Not a supported audio format";
    case Errc::kDamagedMedia:
      return "The audio is damaged";
    case Errc::kTooLarge:
      return "Too large";
    case Errc::kNotFound:
      return "Not found";
    case Errc::kUnauthenticated:
      return "Log-in needed";
    case Errc::kForbidden:
      return "Not allowed";
    case Errc::kConflict:
      return "Conflict";
    case Errc::kNoSpace:
      return "No space left";
    case Errc::kTooManyRequests:
      return "Too many requests";
    case Errc::kUnavailable:
    case Errc::kCancelled:
      return "Not available at the moment";
    case Errc::kDeadlineExceeded:
      return "No answer in time";
    case Errc::kCorrupted:
      return "Stored bytes are damaged";
    case Errc::kInternal:
      break;
  }
  return "Internal error";
}

JsonWriter members(http::status status, std::string_view code, std::string_view title,
                   std::string_view detail) {
  JsonWriter json;
  json.begin_object().member("type", "urn:kadenza:problem:" + std::string(code)).member("title", title);
  json.member("status", static_cast<unsigned>(status)).member("detail", detail).member("code", code);
  return json;
}

Response finished(http::status status, JsonWriter json) {
  json.end_object();
  auto response = text_response(status, "application/problem+json", json.take());
  response.add("Cache-Control", "no-store");
  return response;
}

/// core::checked_tags names what is missing in its sentence ("title and artist are missing").
void write_missing(JsonWriter& json, std::string_view sentence) {
  json.key("missing").begin_array();
  for (const std::string_view tag : {"title", "artist"})
    if (sentence.find(tag) != std::string_view::npos) json.value(tag);
  json.end_array();
}

}  // namespace

Response problem(const core::Error& error) {
  const auto status = to_status(error.code);
  auto json = members(status, core::to_string(error.code), title_of(error.code), error.detail);
  if (error.code == Errc::kMissingTags) write_missing(json, error.detail);
  auto response = finished(status, std::move(json));
  if (error.code == Errc::kTooManyRequests || error.code == Errc::kUnavailable ||
      error.code == Errc::kCancelled)
    response.add("Retry-After", error.code == Errc::kTooManyRequests ? "10" : "2");
  if (error.code == Errc::kUnauthenticated) response.add("WWW-Authenticate", "Bearer realm=\"kadenza\"");
  return response;
}

Response problem(http::status status, std::string_view code, std::string_view detail) {
  return finished(status, members(status, code, http::obsolete_reason(status), detail));
}

}  // namespace kadenza::views
