// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "middleware/http_client.hpp"
#include "middleware/proxy/spool.hpp"

namespace kadenza::middleware {

/// An app's connection and how far it was read. One thread.
struct AppStream {
  using Parser = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

  explicit AppStream(boost::beast::tcp_stream stream) : tcp(std::move(stream)) {}
  boost::beast::tcp_stream tcp;
  boost::beast::flat_buffer buffer;
  std::optional<Parser> parser;  ///< of the request under way
};

/// The body of an app's request, passed on as it comes and kept if it may have to be sent again. One owner;
/// not beyond its stream and its parser.
class AppBody final : public RequestBody {
 public:
  struct Limits {
    std::uint64_t bytes;
    SpoolBudget& budget;
  };

  /// `keep`: rewind() after the first byte will be possible. A small body is always kept: a node may refuse
  /// what another one does.
  AppBody(AppStream& app, Limits limits, bool keep);

  /// Must succeed before anything is read: the app is told to go on where it waits for that, and a body whose
  /// size it did not say is received. kTooLarge, or as read().
  core::Task<core::Result<void>> begin();

  std::uint64_t size() const override { return size_; }
  /// kCancelled: the app has gone; kDeadlineExceeded: it sends nothing.
  core::Task<core::Result<std::size_t>> read(std::span<std::uint8_t> into) override;
  core::Result<void> rewind() override;

 private:
  core::Task<core::Result<std::size_t>> receive(std::span<std::uint8_t> into);
  core::Task<core::Result<void>> receive_all();

  AppStream& app_;
  std::uint64_t limit_;
  bool keep_;
  Spool spool_;
  std::uint64_t size_ = 0;
  std::uint64_t position_ = 0;
};

}  // namespace kadenza::middleware
