// SPDX-License-Identifier: AGPL-3.0-or-later
// Ten thousand mutated real files through the workers, one process each, as in production: every one gets an
// answer, and the service is as well afterwards as before.
#include <array>
#include <random>

#include <sys/mman.h>

#include "media_fixture.hpp"

namespace kadenza::services::media {
namespace {

namespace asio = boost::asio;

constexpr unsigned kFiles = 10'000;
constexpr unsigned kSeed = 20'261'123;

using Bytes = std::vector<std::uint8_t>;

/// A few small changes, as bit rot, cut transfers and attackers make them; mostly in the headers.
void mutate(Bytes& bytes, std::mt19937& random) {
  const auto place = [&] {
    const auto range = random() % 2 == 0 ? std::min<std::size_t>(bytes.size(), 400) : bytes.size();
    return static_cast<std::ptrdiff_t>(random() % range);
  };
  constexpr std::array<std::uint8_t, 6> kNotable{0, 1, 0x7F, 0x80, 0xFE, 0xFF};
  for (auto changes = 1 + random() % 6; changes > 0 && bytes.size() > 16; --changes) {
    const auto at = bytes.begin() + place();
    switch (random() % 6) {
      case 0:
        *at ^= static_cast<std::uint8_t>(1u << random() % 8);
        break;
      case 1:
        *at = kNotable[random() % kNotable.size()];
        break;
      case 2:
        std::fill(at, at + std::min<std::ptrdiff_t>(4, bytes.end() - at),
                  kNotable[random() % kNotable.size()]);
        break;
      case 3:
        bytes.erase(at, at + std::min<std::ptrdiff_t>(1 + random() % 64, bytes.end() - at));
        break;
      case 4:
        bytes.insert(at, 1 + random() % 64, static_cast<std::uint8_t>(random()));
        break;
      default:
        if (random() % 4 == 0) bytes.resize(16 + random() % (bytes.size() - 16));
        break;
    }
  }
}

core::UniqueFd in_memory(const Bytes& bytes) {
  core::UniqueFd file(::memfd_create("mutant", MFD_CLOEXEC));
  EXPECT_EQ(::write(file.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  return file;
}

class MutationTest : public MediaTest {
 protected:
  /// Takes the next files until there are none left.
  core::Task<void> feed(std::vector<Bytes> sources, unsigned first, unsigned step) {
    for (auto number = first; number < kFiles; number += step) {
      std::mt19937 random(kSeed + number);
      auto bytes = sources[number % sources.size()];
      mutate(bytes, random);
      const auto file = in_memory(bytes);
      const auto probed = co_await service_.probe(file.get(), soon());
      if (probed) {
        ++sound_;
        continue;
      }
      const auto code = probed.error().code;
      const bool known = code == core::Errc::kDamagedMedia || code == core::Errc::kUnsupportedMedia;
      EXPECT_TRUE(known) << "mutant " << number << ": " << core::to_string(code) << ", "
                         << probed.error().detail;
      const auto& detail = probed.error().detail;
      crashed_ += detail.find("crash") != std::string::npos ? 1 : 0;
      // A parser of good faith never tries anything: this would be a hole in the list of what is allowed.
      EXPECT_EQ(detail.find("may not do"), std::string::npos) << "mutant " << number << " of seed " << kSeed;
    }
  }

  unsigned sound_ = 0, crashed_ = 0;
};

TEST_F(MutationTest, TenThousandMutantsAreAnswered) {
  std::vector<Bytes> sources;
  for (const auto* name : {"small.mp3", "small.flac", "small.ogg", "small.opus", "small.aac.m4a",
                           "small.alac.m4a", "small.wav", "small.aiff"}) {
    ASSERT_TRUE(probe(name)) << name;
    sources.push_back(read_file(fixture(name)));
  }
  asio::io_context io;
  constexpr unsigned kAtOnce = 4;
  for (unsigned lane = 0; lane < kAtOnce; ++lane)
    asio::co_spawn(io, feed(sources, lane, kAtOnce), asio::detached);
  io.run();
  RecordProperty("accepted", static_cast<int>(sound_));
  RecordProperty("crashed", static_cast<int>(crashed_));
  std::cout << kFiles << " mutants: " << sound_ << " accepted, " << crashed_ << " crashed their worker\n";
  EXPECT_GT(sound_, 0u);
  EXPECT_LT(sound_, kFiles / 2);
  EXPECT_LT(crashed_, kFiles / 100);
  EXPECT_TRUE(probe("small.mp3"));
}

}  // namespace
}  // namespace kadenza::services::media
