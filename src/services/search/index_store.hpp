// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <xapian.h>

#include "core/error.hpp"
#include "services/search/vocabulary.hpp"

namespace kadenza::services::search {

/// The Xapian database on disk: one writer, a pool of readers, and the words in memory. reset() and write()
/// have one caller at a time; read() is thread-safe and may run beside them.
class IndexStore {
 public:
  using Documents = std::vector<std::pair<Xapian::docid, Xapian::Document>>;
  using Read = std::function<void(const Xapian::Database&, const VocabularySnapshot&)>;

  /// `owner` names the catalogue that the index belongs to, and the version of its documents.
  IndexStore(std::filesystem::path directory, std::string owner, std::size_t readers);

  /// Opens the index that is there. False when there is none, or one that is damaged or not the owner's.
  core::Result<bool> open();
  /// Starts an empty index in place of whatever is there.
  core::Result<void> reset();
  /// Takes documents out, as far as they are there, adds or replaces others, and commits all of it with
  /// `last`, which says how far it goes. `words` are all words of the added ones.
  core::Result<void> write(const std::vector<Xapian::docid>& removed, const Documents& documents,
                           std::uint64_t last, const Vocabulary::NewWords& words);

  /// Runs `work` on a reader that sees the last commit, once more from the start when the writer has
  /// overtaken the reader meanwhile. kCorrupted when the index turns out to be damaged.
  core::Result<void> read(const Read& work) const;

  std::uint64_t last() const noexcept { return last_; }
  std::uint64_t documents() const;

 private:
  struct Reader {
    Xapian::Database database;
    std::uint64_t commit;
    std::uint64_t generation;
  };

  core::Result<void> attach(int flags);
  void read_once(const Read& work) const;
  /// Opening or reopening may itself be overtaken by the writer: DatabaseModifiedError.
  std::unique_ptr<Reader> take_reader() const;
  void return_reader(std::unique_ptr<Reader> reader) const;

  const std::filesystem::path directory_;
  const std::string owner_;
  const std::size_t readers_max_;

  Xapian::WritableDatabase writer_;
  std::uint64_t last_ = 0;
  std::atomic<std::uint64_t> commit_{0};      // counts commits: readers of an earlier one reopen
  std::atomic<std::uint64_t> generation_{0};  // counts resets: readers of an earlier one are thrown away
  std::unique_ptr<Vocabulary> vocabulary_;
  mutable std::mutex vocabulary_mutex_;  // guards the pointer

  mutable std::mutex readers_mutex_;  // guards the two below
  mutable std::vector<std::unique_ptr<Reader>> idle_;
  mutable std::size_t busy_ = 0;
  mutable std::condition_variable reader_returned_;
};

}  // namespace kadenza::services::search
