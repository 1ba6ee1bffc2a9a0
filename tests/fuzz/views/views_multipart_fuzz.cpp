// SPDX-License-Identifier: AGPL-3.0-or-later
// Forms: wherever a body is split, its parts are the same. The first byte says how it is split.
#include <algorithm>

#include "core/check.hpp"
#include "views/multipart.hpp"

using namespace kadenza::views;

namespace {

std::string parts_of(std::string_view body, std::size_t piece) {
  MultipartParser parser("b");
  std::string all;
  for (;;) {
    const auto event = parser.next();
    if (!event) return all + "!";
    if (event->kind == MultipartParser::Kind::kEnd) return all + "#";
    if (event->kind == MultipartParser::Kind::kPartBegin) all += "<";
    all += event->text;
    if (event->kind == MultipartParser::Kind::kPartEnd) all += ">";
    if (event->kind != MultipartParser::Kind::kNeedMore) continue;
    if (body.empty()) return all;
    const auto size = std::min(piece, body.size());
    std::copy_n(body.begin(), size, parser.prepare(size).begin());
    parser.commit(size);
    body.remove_prefix(size);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  multipart_boundary(body);
  const auto whole = parts_of(body, body.size() + 1);
  const auto split = parts_of(body, 1 + data[0] % 32);
  // A body that is cut or malformed may have given more or less of its last part before.
  if (whole.ends_with('#')) KADENZA_CHECK(split == whole);
  return 0;
}
