// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/search/streams.hpp"

#include <algorithm>
#include <utility>

namespace kadenza::services::search {
namespace {

class AnyOf final : public Stream {
 public:
  explicit AnyOf(std::vector<StreamPtr> streams) {
    for (auto& stream : streams) {
      const auto here = stream->seek(0);
      heads_.push_back({here, std::move(stream)});
    }
    std::ranges::make_heap(heads_, std::greater{}, &Head::here);
  }

  std::uint64_t seek(std::uint64_t document) override {
    while (heads_.front().here < document) {
      std::ranges::pop_heap(heads_, std::greater{}, &Head::here);
      heads_.back().here = heads_.back().stream->seek(document);
      std::ranges::push_heap(heads_, std::greater{}, &Head::here);
    }
    return heads_.front().here;
  }

 private:
  struct Head {
    std::uint64_t here;
    StreamPtr stream;
  };
  std::vector<Head> heads_;  // a heap, the smallest id first
};

class AllOf final : public Stream {
 public:
  explicit AllOf(std::vector<StreamPtr> streams) : streams_(std::move(streams)) {}

  std::uint64_t seek(std::uint64_t document) override {
    for (std::size_t agreed = 0, i = 0; agreed < streams_.size() && document != kEnd;) {
      const auto here = streams_[i]->seek(document);
      agreed = here == document ? agreed + 1 : 1;
      document = here;
      i = (i + 1) % streams_.size();
    }
    return document;
  }

 private:
  std::vector<StreamPtr> streams_;
};

class Without final : public Stream {
 public:
  Without(StreamPtr stream, std::function<StreamPtr()> excluded)
      : stream_(std::move(stream)), make_excluded_(std::move(excluded)) {}

  std::uint64_t seek(std::uint64_t document) override {
    while (true) {
      const auto here = stream_->seek(document);
      if (here == kEnd || !is_excluded(here)) return here;
      document = here + 1;
    }
  }

 private:
  bool is_excluded(std::uint64_t document) {
    if (make_excluded_) excluded_ = std::exchange(make_excluded_, nullptr)();
    return excluded_ && excluded_->seek(document) == document;
  }

  StreamPtr stream_;
  std::function<StreamPtr()> make_excluded_;
  StreamPtr excluded_;
};

}  // namespace

StreamPtr any_of(std::vector<StreamPtr> streams) {
  std::erase(streams, nullptr);
  if (streams.empty()) return nullptr;
  if (streams.size() == 1) return std::move(streams.front());
  return std::make_unique<AnyOf>(std::move(streams));
}

StreamPtr all_of(std::vector<StreamPtr> streams) {
  if (streams.empty() || std::ranges::count(streams, StreamPtr()) > 0) return nullptr;
  if (streams.size() == 1) return std::move(streams.front());
  return std::make_unique<AllOf>(std::move(streams));
}

StreamPtr without(StreamPtr stream, std::function<StreamPtr()> excluded) {
  if (!stream) return nullptr;
  return std::make_unique<Without>(std::move(stream), std::move(excluded));
}

}  // namespace kadenza::services::search
