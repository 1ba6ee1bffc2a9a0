// SPDX-License-Identifier: AGPL-3.0-or-later
#include "interface/progress.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "interface/i18n.hpp"

namespace kadenza::interface {
namespace {

constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::size_t kDefaultWidth = 80;
constexpr std::size_t kBarMin = 10;
constexpr std::size_t kBarMax = 40;

std::string bar(double share, std::size_t width) {
  const auto full = static_cast<std::size_t>(share * static_cast<double>(width));
  std::string drawn;
  for (std::size_t i = 0; i < width; ++i) drawn += i < full ? "█" : "░";
  return drawn;
}

}  // namespace

Progress::Progress(Console& console, std::uint64_t bytes, std::size_t items, Clock::time_point now)
    : console_(console), total_(bytes), items_(items), start_(now) {}

Progress::~Progress() {
  erase();
}

void Progress::moved(std::int64_t bytes) {
  done_ += bytes;
  draw();
}

void Progress::item_done() {
  ++items_done_;
  draw();
}

void Progress::skipped(std::uint64_t bytes) {
  total_ -= std::min(total_, bytes);
}

std::string Progress::line(Clock::time_point now, std::size_t width) const {
  const double seconds = std::max(std::chrono::duration<double>(now - start_).count(), 0.001);
  const double done = std::max(0.0, static_cast<double>(done_));
  const double share = total_ > 0 ? std::min(1.0, done / static_cast<double>(total_)) : 0.0;
  const double rate = done / seconds;
  std::string text = fmt::format(" {:3.0f} %  {}  {}/s", share * 100, format_bytes(done), format_bytes(rate));
  if (items_ > 0) text += fmt::format("  {}/{}", items_done_, items_);
  if (rate > 0 && share < 1.0) {
    const auto left = static_cast<std::size_t>((static_cast<double>(total_) - done) / rate + 0.5);
    text += "  " + trf("{} left", format_duration(left));
  }
  const std::size_t taken = display_width(text);
  if (taken + kBarMin <= width) text = bar(share, std::min(width - taken, kBarMax)) + text;
  return display_width(text) <= width ? text : fitted(text, width);
}

void Progress::draw() {
  if (!console_.err_is_terminal) return;
  const auto now = Clock::now();
  if (now - drawn_ < kRedraw) return;
  drawn_ = now;
  visible_ = true;
  const std::size_t width = console_.width > 0 ? console_.width : kDefaultWidth;
  console_.err << "\r\x1b[K" << line(now, width - 1) << std::flush;
}

void Progress::erase() {
  if (visible_) console_.err << "\r\x1b[K" << std::flush;
}

}  // namespace kadenza::interface
