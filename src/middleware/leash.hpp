// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <boost/beast/core/tcp_stream.hpp>

namespace kadenza::middleware {

/// With it another coroutine of the same thread ends an exchange with a node: what waits for the node fails
/// at once. Lives as long as the exchange.
class Leash {
 public:
  void cut() {
    cut_ = true;
    if (stream_ != nullptr) stream_->close();
  }
  bool is_cut() const noexcept { return cut_; }

  /// The stream that waits for the node, as long as this object lives.
  class Hold {
   public:
    Hold(Leash* leash, boost::beast::tcp_stream& stream) : leash_(leash) {
      if (leash_ != nullptr) leash_->stream_ = &stream;
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold() {
      if (leash_ != nullptr) leash_->stream_ = nullptr;
    }

   private:
    Leash* leash_;
  };

 private:
  boost::beast::tcp_stream* stream_ = nullptr;
  bool cut_ = false;
};

}  // namespace kadenza::middleware
