// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>

#include "core/error.hpp"

namespace kadenza::middleware {

/// What an app sent: method, target and fields.
using AppHead = boost::beast::http::request_header<boost::beast::http::fields>;

/// Copies the fields that are for the other end; not those of one connection (RFC 9110 section 7.6.1), nor
/// Host, Content-Length and Expect, which each connection says for itself.
void copy_end_to_end(const boost::beast::http::fields& from, boost::beast::http::fields& to);

/// An answer of the proxy itself.
struct Refusal {
  unsigned status;
  std::string code;    ///< for programs
  std::string detail;  ///< for people: what was wrong and what to do
};

/// Why a request cannot be forwarded; none: it can. `name`: under which this proxy puts itself into Via.
std::optional<Refusal> refusal_of(const AppHead& head, std::string_view name);

/// Why no answer came. `may_be_done`: a node may have done what was asked, and it must not be asked twice.
Refusal refusal_for(const core::Error& error, bool may_be_done);

/// As the head and body of an answer (RFC 9457), which closes the connection.
std::string answer_text(const Refusal& refusal, bool head_only);

/// A target without what follows "?": that may hold passwords.
std::string_view path_of(std::string_view target);

}  // namespace kadenza::middleware
