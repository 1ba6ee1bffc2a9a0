// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string_view>

#include "media_fixture.hpp"

namespace kadenza::services::media {
namespace {

struct Size {
  unsigned width, height;
  friend bool operator==(const Size&, const Size&) = default;
};

/// From the frame header of a baseline JPEG (ITU T.81, B.2.2).
Size jpeg_size(const std::vector<std::uint8_t>& bytes) {
  for (std::size_t at = 2; at + 9 < bytes.size() && bytes[at] == 0xFF;
       at += 2u + bytes[at + 2] * 256u + bytes[at + 3]) {
    if (bytes[at + 1] == 0xC0)
      return {bytes[at + 7] * 256u + bytes[at + 8], bytes[at + 5] * 256u + bytes[at + 6]};
  }
  return {};
}

class ResizeTest : public MediaTest {
 protected:
  core::Result<core::Image> resize(const std::string& name, std::uint32_t pixels) {
    return run(service_.resize(read_file(fixture(name)), pixels, soon()));
  }
};

TEST_F(ResizeTest, EveryFormatBecomesAJpegThatFits) {
  for (const auto* name : {"cover.jpg", "cover.png", "cover.gif", "cover.bmp", "cover.webp"}) {
    const auto image = resize(name, 150);
    ASSERT_TRUE(image.has_value()) << name << image.error().detail;
    EXPECT_EQ(image->content_type, "image/jpeg") << name;
    EXPECT_EQ(jpeg_size(image->bytes), (Size{150, 100})) << name;
  }
}

TEST_F(ResizeTest, PicturesAreNeverEnlarged) {
  EXPECT_EQ(jpeg_size(resize("cover.png", 5000)->bytes), (Size{600, 400}));
  EXPECT_EQ(jpeg_size(resize("cover.png", 0)->bytes), (Size{600, 400}));
}

TEST_F(ResizeTest, TransparentPicturesStayTransparent) {
  const auto image = resize("glass.png", 100);
  ASSERT_TRUE(image.has_value()) << image.error().detail;
  EXPECT_EQ(image->content_type, "image/png");
}

TEST_F(ResizeTest, BrokenAndEnormousPicturesAreRefused) {
  EXPECT_EQ(resize("bomb.png", 100).error().code, core::Errc::kDamagedMedia);
  EXPECT_EQ(resize("text.mp3", 100).error().code, core::Errc::kUnsupportedMedia);
  auto cut = read_file(fixture("cover.png"));
  cut.resize(40);
  EXPECT_EQ(run(service_.resize(cut, 100, soon())).error().code, core::Errc::kDamagedMedia);
  EXPECT_EQ(run(service_.resize({}, 100, soon())).error().code, core::Errc::kUnsupportedMedia);
}

}  // namespace
}  // namespace kadenza::services::media
