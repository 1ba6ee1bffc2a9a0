// SPDX-License-Identifier: AGPL-3.0-or-later
#include "services/library/image_type.hpp"

#include <algorithm>

namespace kadenza::services::library {

std::string_view image_content_type(std::span<const std::uint8_t> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("\xff\xd8\xff")) return "image/jpeg";
  if (text.starts_with("\x89PNG\r\n")) return "image/png";
  if (text.starts_with("GIF8")) return "image/gif";
  if (text.starts_with("BM")) return "image/bmp";
  if (text.starts_with("RIFF") && text.substr(std::min<std::size_t>(8, text.size())).starts_with("WEBP")) {
    return "image/webp";
  }
  return "application/octet-stream";
}

}  // namespace kadenza::services::library
