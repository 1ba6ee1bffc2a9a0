// SPDX-License-Identifier: AGPL-3.0-or-later
#include "core/base32.hpp"

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "core/ids.hpp"

namespace kadenza::core {
namespace {

std::vector<std::uint8_t> bytes_of(std::string_view text) {
  return {text.begin(), text.end()};
}

TEST(Base32, EncodesTheVectorsOfRfc4648InLowerCaseWithoutPadding) {
  EXPECT_EQ(base32_encode(bytes_of("")), "");
  EXPECT_EQ(base32_encode(bytes_of("f")), "my");
  EXPECT_EQ(base32_encode(bytes_of("fo")), "mzxq");
  EXPECT_EQ(base32_encode(bytes_of("foo")), "mzxw6");
  EXPECT_EQ(base32_encode(bytes_of("foob")), "mzxw6yq");
  EXPECT_EQ(base32_encode(bytes_of("fooba")), "mzxw6ytb");
  EXPECT_EQ(base32_encode(bytes_of("foobar")), "mzxw6ytboi");
}

TEST(Base32, DecodesWhatItEncodedInEitherCase) {
  std::array<std::uint8_t, 6> out{};
  EXPECT_TRUE(base32_decode("MZXW6YTBOI", out));
  EXPECT_EQ(std::vector<std::uint8_t>(out.begin(), out.end()), bytes_of("foobar"));
}

TEST(Base32, RefusesWrongLengthsForeignCharactersAndStrayBits) {
  std::array<std::uint8_t, 1> out{};
  EXPECT_FALSE(base32_decode("m", out));
  EXPECT_FALSE(base32_decode("mya", out));
  EXPECT_FALSE(base32_decode("m1", out));
  EXPECT_FALSE(base32_decode("mz", out)) << "the last two bits must be zero";
}

TEST(Id, TextHas52CharactersAndParsesBack) {
  SongId id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = static_cast<std::uint8_t>(i * 37);
  const auto text = id.text();
  EXPECT_EQ(text.size(), SongId::kTextLength);
  EXPECT_EQ(SongId::parse(text), id);
  EXPECT_FALSE(SongId::parse(text.substr(1)));
  EXPECT_FALSE(SongId::parse(""));
}

}  // namespace
}  // namespace kadenza::core
