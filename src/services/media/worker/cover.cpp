// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/media/worker/cover.hpp"

#include <string_view>

#include <taglib/attachedpictureframe.h>
#include <taglib/id3v2tag.h>
#include <taglib/xiphcomment.h>

#include "services/media/messages.hpp"

namespace kadenza::services::media {
namespace {

std::span<const std::uint8_t> bytes_of(const TagLib::ByteVector& data) {
  return {reinterpret_cast<const std::uint8_t*>(data.data()), data.size()};
}

/// Takes the first front cover, or else the first picture that there is.
class Choice {
 public:
  void offer(const TagLib::ByteVector& data, bool is_front) {
    const auto bytes = bytes_of(data);
    const auto* const type = image_content_type(bytes);
    if (type == nullptr || bytes.size() > kPictureBytesMax) return;
    if (best_ && (is_front_ || !is_front)) return;
    is_front_ = is_front;
    best_ = core::Image{type, {bytes.begin(), bytes.end()}};
  }
  std::optional<core::Image> take() { return std::move(best_); }

 private:
  std::optional<core::Image> best_;
  bool is_front_ = false;
};

std::optional<core::Image> from_id3(TagLib::ID3v2::Tag* tag) {
  Choice choice;
  if (tag == nullptr) return std::nullopt;
  for (const auto* frame : tag->frameList("APIC")) {
    const auto* const picture = dynamic_cast<const TagLib::ID3v2::AttachedPictureFrame*>(frame);
    if (picture != nullptr)
      choice.offer(picture->picture(), picture->type() == TagLib::ID3v2::AttachedPictureFrame::FrontCover);
  }
  return choice.take();
}

std::optional<core::Image> from_pictures(const TagLib::List<TagLib::FLAC::Picture*>& pictures) {
  Choice choice;
  for (const auto* picture : pictures)
    choice.offer(picture->data(), picture->type() == TagLib::FLAC::Picture::FrontCover);
  return choice.take();
}

std::optional<core::Image> from_xiph(TagLib::Ogg::XiphComment* comment) {
  if (comment == nullptr) return std::nullopt;
  return from_pictures(comment->pictureList());
}

}  // namespace

const char* image_content_type(std::span<const std::uint8_t> bytes) noexcept {
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (head.starts_with("\xFF\xD8\xFF")) return "image/jpeg";
  if (head.starts_with("\x89PNG\r\n\x1A\n")) return "image/png";
  if (head.starts_with("GIF87a") || head.starts_with("GIF89a")) return "image/gif";
  if (head.starts_with("RIFF") && head.substr(0, 12).ends_with("WEBP")) return "image/webp";
  if (head.starts_with("BM") && head.size() > 26) return "image/bmp";
  return nullptr;
}

std::optional<core::Image> read_cover(TagLib::MPEG::File& file) {
  return from_id3(file.ID3v2Tag());
}
std::optional<core::Image> read_cover(TagLib::FLAC::File& file) {
  if (auto cover = from_pictures(file.pictureList())) return cover;
  return from_id3(file.ID3v2Tag());
}
std::optional<core::Image> read_cover(TagLib::Ogg::Vorbis::File& file) {
  return from_xiph(file.tag());
}
std::optional<core::Image> read_cover(TagLib::Ogg::Opus::File& file) {
  return from_xiph(file.tag());
}
std::optional<core::Image> read_cover(TagLib::MP4::File& file) {
  Choice choice;
  if (file.tag() == nullptr || !file.tag()->contains("covr")) return std::nullopt;
  for (const auto& picture : file.tag()->item("covr").toCoverArtList()) choice.offer(picture.data(), true);
  return choice.take();
}
std::optional<core::Image> read_cover(TagLib::RIFF::WAV::File& file) {
  return from_id3(file.ID3v2Tag());
}
std::optional<core::Image> read_cover(TagLib::RIFF::AIFF::File& file) {
  return from_id3(file.tag());
}

}  // namespace kadenza::services::media
