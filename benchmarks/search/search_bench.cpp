// SPDX-License-Identifier: AGPL-3.0-or-later
// Measures the catalogue and the search index of one node on synthetic songs: titles of words with a Zipf
// distribution in several scripts. Usage: search_bench [SONGS [DIR]]; a DIR that has a library is used as it
// is.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <unordered_set>
#include <vector>

#include <fmt/format.h>

#include "core/identity.hpp"
#include "core/sha256.hpp"
#include "services/catalogue/catalogue.hpp"
#include "services/search/search_index.hpp"

namespace {

using namespace kadenza;
using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// Draws words so that the n-th most frequent comes 1/n as often as the first (Zipf's law).
class Words {
 public:
  Words(std::size_t count, std::uint32_t seed) : random_(seed) {
    double sum = 0;
    std::unordered_set<std::string> known;
    while (words_.size() < count) {
      auto word = make(words_.size());
      if (!known.insert(word).second) continue;
      words_.push_back(std::move(word));
      sum += 1.0 / static_cast<double>(words_.size());
      sums_.push_back(sum);
    }
  }

  const std::string& draw() {
    const auto at = std::uniform_real_distribution<>(0, sums_.back())(random_);
    return words_[static_cast<std::size_t>(std::ranges::lower_bound(sums_, at) - sums_.begin())];
  }
  const std::string& by_rank(std::size_t rank) const { return words_[rank]; }
  std::mt19937& random() { return random_; }

 private:
  std::string make(std::size_t number) {
    static const std::vector<std::string> kLatin{"ba", "lo", "ve",  "ni", "ght", "co", "ra", "zón",
                                                 "ma", "ri", "el",  "an", "st",  "ar", "mo", "on",
                                                 "li", "fe", "dré", "am", "su",  "ñe", "ti", "ber"};
    static const std::vector<std::string> kCyrillic{"ле", "ни", "мо", "ск", "ва",
                                                    "ёл", "ка", "жу", "ра", "ст"};
    static const std::vector<std::string> kCjk{"東", "京", "夜", "愛", "の", "花",
                                               "雨", "カ", "ラ", "空", "海", "山"};
    const auto& syllables = number % 20 == 7 ? kCyrillic : number % 20 == 13 ? kCjk : kLatin;
    std::string word;
    const auto count = 2 + random_() % 3;
    for (std::size_t i = 0; i < count; ++i) word += syllables[random_() % syllables.size()];
    return word;
  }

  std::mt19937 random_;
  std::vector<std::string> words_;
  std::vector<double> sums_;
};

core::Song make_song(Words& words, std::size_t number) {
  const auto text = [&](std::size_t most) {
    std::string line;
    for (std::size_t i = 0, count = 1 + words.random()() % most; i < count; ++i) {
      if (i > 0) line += ' ';
      line += words.draw();
    }
    return line;
  };
  const auto artist_number = number / 50, album_number = number / 10;
  core::Tags tags{.title = fmt::format("{} {}", text(4), number % 97 == 0 ? std::to_string(number) : "")};
  tags.artist = fmt::format("{} {}", words.by_rank(artist_number * 7 % 9973),
                            words.by_rank(artist_number * 31 % 19'997));
  tags.album = fmt::format("{} {}", words.by_rank(album_number * 13 % 4999),
                           words.by_rank(album_number * 17 % 19'001));
  tags.track = static_cast<std::uint16_t>(number % 10 + 1);
  tags.year = static_cast<std::uint16_t>(1960 + album_number % 65);
  tags.genres = {fmt::format("Genre {}", artist_number % 40)};
  core::Song song;
  song.id = core::song_id(tags.title, tags.artist, tags.album);
  song.audio = core::sha256(tags.title);
  song.tags = std::move(tags);
  song.properties = {
      .duration = std::chrono::seconds(180), .bit_rate = 256'000, .sample_rate = 44'100, .channels = 2};
  song.size = 5'000'000;
  song.first_stored =
      core::WallTime(std::chrono::milliseconds(1'767'225'600'000 + static_cast<std::int64_t>(number) * 500));
  return song;
}

double resident_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

void row(const std::string& name, std::vector<double> ms) {
  std::ranges::sort(ms);
  const auto at = [&](double share) {
    return ms[static_cast<std::size_t>(share * static_cast<double>(ms.size() - 1))];
  };
  fmt::print("{:<34} {:>7} {:>9.3f} {:>9.3f} {:>9.3f}\n", name, ms.size(), at(0.5), at(0.99), ms.back());
}

void measure(const std::string& name, std::size_t times, const std::function<void(std::size_t)>& work) {
  std::vector<double> ms;
  for (std::size_t i = 0; i < times; ++i) {
    const auto start = Clock::now();
    work(i);
    ms.push_back(milliseconds_since(start));
  }
  row(name, std::move(ms));
}

std::string misspelt(std::string word, std::mt19937& random) {
  word[1 + random() % (word.size() - 1)] = static_cast<char>('a' + random() % 26);
  return word;
}

/// An ASCII word of at least `letters` letters, not among the most frequent.
const std::string& long_word(const Words& words, std::size_t letters, std::mt19937& random) {
  while (true) {
    const auto& word = words.by_rank(random() % 15'000);
    if (word.size() >= letters && std::ranges::all_of(word, [](char c) { return c >= 'a' && c <= 'z'; }))
      return word;
  }
}

void measure_searches(const services::search::SearchIndex& index, const Words& words) {
  std::mt19937 random(99);
  std::size_t results = 0;
  const auto search = [&](const std::string& query) {
    const auto found = index.search({.query = query}).value();
    results += found.songs.size();
  };
  measure("one-letter prefix", 400, [&](auto i) { search(std::string(1, static_cast<char>('a' + i % 26))); });
  measure("two- and three-letter prefix", 1000,
          [&](auto i) { search(long_word(words, 5, random).substr(0, 2 + i % 2)); });
  measure("five-letter prefix", 1000, [&](auto) { search(long_word(words, 6, random).substr(0, 5)); });
  measure("common word", 1000, [&](auto) { search(words.by_rank(random() % 100)); });
  measure("any word", 1000, [&](auto) { search(words.by_rank(random() % 19'000)); });
  measure("two common words", 1000,
          [&](auto) { search(words.by_rank(random() % 200) + " " + words.by_rank(random() % 200)); });
  measure("two words", 1000,
          [&](auto) { search(words.by_rank(random() % 5000) + " " + words.by_rank(random() % 5000)); });
  measure("word and one letter", 1000,
          [&](auto i) { search(words.by_rank(random() % 3000) + " " + static_cast<char>('a' + i % 26)); });
  measure("typo, 4 to 7 letters", 1000,
          [&](auto) { search(misspelt(long_word(words, 4, random).substr(0, 7), random)); });
  measure("typo, 8 letters and more", 1000,
          [&](auto) { search(misspelt(misspelt(long_word(words, 8, random), random), random)); });
  measure("two words with typos", 1000, [&](auto) {
    search(misspelt(long_word(words, 5, random), random) + " " +
           misspelt(long_word(words, 5, random), random));
  });
  measure("miss, 6 letters", 1000, [&](auto i) { search(fmt::format("qx{}zj{}", i % 10, i)); });
  measure("miss, 10 letters", 1000, [&](auto i) { search(fmt::format("xqzwvkjh{}", i)); });
  measure("sixteen words", 200, [&](auto) {
    std::string query;
    for (int i = 0; i < 16; ++i) query += words.by_rank(random() % 300) + " ";
    search(query.substr(0, core::kQueryBytesMax));
  });
  fmt::print("({} songs found)\n", results);
}

template <class Request, class Fetch>
void measure_list(const std::string& name, Request request, const Fetch& fetch) {
  request.page.limit = 500;
  measure(name, 100, [&](auto) {
    auto page = fetch(request).value();
    request.page.cursor = page.next;
  });
}

void measure_lists(const services::catalogue::Catalogue& rows) {
  using Albums = core::AlbumListRequest;
  using Songs = core::SongListRequest;
  const auto albums = [&](const Albums& request) { return rows.albums(request); };
  const auto songs = [&](const Songs& request) { return rows.songs(request); };
  measure_list("500 albums, newest", Albums{}, albums);
  measure_list("500 albums, by title", Albums{.order = Albums::Order::kTitle}, albums);
  measure_list("500 albums, by artist", Albums{.order = Albums::Order::kArtist}, albums);
  measure_list("500 albums, by year", Albums{.order = Albums::Order::kYear}, albums);
  measure_list("500 albums, random", Albums{.order = Albums::Order::kRandom, .seed = 1}, albums);
  measure_list("500 albums of a genre", Albums{.order = Albums::Order::kTitle, .genre = "genre 3"}, albums);
  measure_list("500 songs, newest", Songs{}, songs);
  measure_list("500 songs, random", Songs{.order = Songs::Order::kRandom, .seed = 1}, songs);
  struct Artists {
    core::PageRequest page;
  };
  measure_list("500 artists", Artists{}, [&](const Artists& request) { return rows.artists(request.page); });
}

void fill(services::catalogue::Catalogue& rows, Words& words, std::size_t count) {
  const auto start = Clock::now();
  std::vector<core::Song> batch;
  for (std::size_t i = 0; i < count; ++i) {
    batch.push_back(make_song(words, i));
    if (batch.size() < 5000 && i + 1 < count) continue;
    rows.merge(batch).value();
    batch.clear();
  }
  const auto ms = milliseconds_since(start);
  fmt::print("added {} rows in {:.1f} s ({:.0f}/s)\n", count, ms / 1000,
             static_cast<double>(count) * 1000 / ms);
}

int run(std::size_t count, const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory);
  Words words(20'000 + count / 10, 1);
  {
    const auto database = services::catalogue::Database::open(directory).value();
    services::catalogue::Catalogue rows(*database);
    if (rows.totals()->songs == 0) fill(rows, words, count);
    const auto index = services::search::SearchIndex::open(directory / "search", rows).value();
    const auto start = Clock::now();
    index->flush().value();
    fmt::print("indexed in {:.1f} s; {} songs in all\n", milliseconds_since(start) / 1000,
               rows.totals()->songs);
  }
  const auto before = resident_mb();
  const auto start = Clock::now();
  const auto database = services::catalogue::Database::open(directory).value();
  services::catalogue::Catalogue rows(*database);
  const auto index = services::search::SearchIndex::open(directory / "search", rows).value();
  index->search({.query = "a"}).value();
  fmt::print("ready after {:.0f} ms, {:.1f} MB more resident\n", milliseconds_since(start),
             resident_mb() - before);
  fmt::print("{:<34} {:>7} {:>9} {:>9} {:>9}\n", "", "n", "p50 ms", "p99 ms", "max ms");
  measure_searches(*index, words);
  measure_lists(rows);
  fmt::print("{:.1f} MB more resident in the end\n", resident_mb() - before);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::stoul(argv[1]) : 20'000;
  if (argc > 2) return run(count, argv[2]);
  std::string name = (std::filesystem::temp_directory_path() / "kadenza-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return 1;
  const int result = run(count, name);
  std::filesystem::remove_all(name);
  return result;
}
