// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/search/index_store.hpp"

#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "services/search/terms.hpp"

namespace kadenza::services::search {
namespace {

using core::Errc;
using core::Result;

constexpr const char* kOwnerKey = "owner";
constexpr const char* kLastKey = "last";
constexpr int kFlags = Xapian::DB_BACKEND_GLASS;

template <class Work>
Result<void> guarded(const Work& work) {
  try {
    return work();
  } catch (const Xapian::DatabaseLockError&) {
    return core::fail(Errc::kUnavailable, "the search index is open in another process; stop that first");
  } catch (const Xapian::DatabaseError& error) {
    return core::fail(Errc::kCorrupted, fmt::format("search index: {}", error.get_description()));
  } catch (const Xapian::Error& error) {
    return core::fail(Errc::kInternal, fmt::format("search index: {}", error.get_description()));
  } catch (const std::exception& error) {
    return core::fail(Errc::kInternal, fmt::format("search index: {}", error.what()));
  }
}

}  // namespace

IndexStore::IndexStore(std::filesystem::path directory, std::string owner, std::size_t readers)
    : directory_(std::move(directory)), owner_(std::move(owner)), readers_max_(readers) {}

Result<void> IndexStore::attach(int flags) {
  writer_ = Xapian::WritableDatabase(directory_.string(), flags | kFlags);
  auto words = std::make_unique<Vocabulary>(read_vocabulary(writer_));
  {
    const std::lock_guard lock(vocabulary_mutex_);
    vocabulary_ = std::move(words);
  }
  ++generation_;
  return {};
}

Result<bool> IndexStore::open() {
  bool usable = false;
  const auto opened = guarded([&]() -> Result<void> {
    KADENZA_TRY_VOID(attach(Xapian::DB_OPEN));
    const auto last = writer_.get_metadata(kLastKey);
    const auto parsed = std::from_chars(last.data(), last.data() + last.size(), last_);
    usable = parsed.ec == std::errc() && writer_.get_metadata(kOwnerKey) == owner_;
    return {};
  });
  if (!opened && opened.error().code != Errc::kCorrupted) return std::unexpected(opened.error());
  return opened && usable;
}

Result<void> IndexStore::reset() {
  return guarded([&]() -> Result<void> {
    writer_.close();
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    last_ = 0;
    KADENZA_TRY_VOID(attach(Xapian::DB_CREATE_OR_OVERWRITE));
    writer_.set_metadata(kOwnerKey, owner_);
    writer_.set_metadata(kLastKey, "0");
    writer_.commit();
    ++commit_;
    return {};
  });
}

Result<void> IndexStore::write(const std::vector<Xapian::docid>& removed, const Documents& documents,
                               std::uint64_t last, const Vocabulary::NewWords& words) {
  return guarded([&]() -> Result<void> {
    for (const auto id : removed) {
      try {
        writer_.delete_document(id);
      } catch (const Xapian::DocNotFoundError&) {  // it came and went between two updates
      }
    }
    for (const auto& [id, document] : documents) writer_.replace_document(id, document);
    writer_.set_metadata(kLastKey, std::to_string(last));
    writer_.commit();
    vocabulary_->add(words);
    last_ = last;
    ++commit_;
    return {};
  });
}

Result<void> IndexStore::read(const Read& work) const {
  return guarded([&]() -> Result<void> {
    // A reader is overtaken when two commits happen while it works; each try starts at the newest.
    constexpr int kTries = 10;
    for (int tries = 0;; ++tries) {
      try {
        read_once(work);
        return {};
      } catch (const Xapian::DatabaseModifiedError&) {
        if (tries == kTries) return core::fail(Errc::kUnavailable, "the search index is too busy; try again");
      }
    }
  });
}

void IndexStore::read_once(const Read& work) const {
  auto reader = take_reader();
  try {
    const auto words = [&] {
      const std::lock_guard lock(vocabulary_mutex_);
      return vocabulary_->snapshot();
    }();
    work(reader->database, words);
  } catch (...) {
    return_reader(nullptr);
    throw;
  }
  return_reader(std::move(reader));
}

std::unique_ptr<IndexStore::Reader> IndexStore::take_reader() const {
  std::unique_ptr<Reader> reader;
  {
    std::unique_lock lock(readers_mutex_);
    reader_returned_.wait(lock, [&] { return busy_ < readers_max_; });
    ++busy_;
    if (!idle_.empty()) {
      reader = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  try {
    const auto commit = commit_.load(), generation = generation_.load();
    if (!reader || reader->generation != generation) {
      reader = std::make_unique<Reader>(Reader{Xapian::Database(directory_.string()), commit, generation});
    } else if (reader->commit != commit) {
      reader->database.reopen();
      reader->commit = commit;
    }
    return reader;
  } catch (...) {
    return_reader(nullptr);
    throw;
  }
}

void IndexStore::return_reader(std::unique_ptr<Reader> reader) const {
  const std::lock_guard lock(readers_mutex_);
  --busy_;
  if (reader) idle_.push_back(std::move(reader));
  reader_returned_.notify_one();
}

std::uint64_t IndexStore::documents() const {
  return writer_.get_doccount();
}

}  // namespace kadenza::services::search
