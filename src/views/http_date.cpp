// SPDX-License-Identifier: AGPL-3.0-or-later
#include "views/http_date.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include <fmt/compile.h>
#include <fmt/format.h>

namespace kadenza::views {

namespace {

constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Parts {
  int year = 0;
  char month[4] = {};
  int day = 0, hour = 0, minute = 0, second = 0;
};

std::optional<std::chrono::sys_seconds> to_time(const Parts& parts) {
  const auto month = std::find(kMonths.begin(), kMonths.end(), parts.month);
  if (month == kMonths.end() || parts.day < 1 || parts.hour < 0 || parts.hour > 23 || parts.minute < 0 ||
      parts.minute > 59 || parts.second < 0 || parts.second > 60)
    return std::nullopt;
  const std::chrono::year_month_day date{
      std::chrono::year(parts.year), std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
      std::chrono::day(static_cast<unsigned>(parts.day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(parts.hour) + std::chrono::minutes(parts.minute) +
         std::chrono::seconds(parts.second);
}

}  // namespace

std::string http_date(core::WallTime time) {
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - days));
  return fmt::format(FMT_COMPILE("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT"),
                     kDays[std::chrono::weekday(days).c_encoding()], static_cast<unsigned>(date.day()),
                     kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text) {
  if (text.size() > 40) return std::nullopt;
  const std::string copy(text);
  Parts parts;
  int end = -1;
  const auto complete = [&] { return end == static_cast<int>(copy.size()); };

  if (std::sscanf(copy.c_str(), "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &parts.day, parts.month,
                  &parts.year, &parts.hour, &parts.minute, &parts.second, &end) == 6 &&
      complete())
    return to_time(parts);

  end = -1;  // RFC 850: "Sunday, 06-Nov-94 08:49:37 GMT"
  if (std::sscanf(copy.c_str(), "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &parts.day, parts.month,
                  &parts.year, &parts.hour, &parts.minute, &parts.second, &end) == 6 &&
      complete()) {
    parts.year += parts.year < 70 ? 2000 : 1900;
    return to_time(parts);
  }

  end = -1;  // asctime: "Sun Nov  6 08:49:37 1994"
  if (std::sscanf(copy.c_str(), "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", parts.month, &parts.day,
                  &parts.hour, &parts.minute, &parts.second, &parts.year, &end) == 6 &&
      complete())
    return to_time(parts);
  return std::nullopt;
}

std::string rfc3339(core::WallTime time) {
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss clock(time - days);
  return fmt::format(FMT_COMPILE("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z"), static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

}  // namespace kadenza::views
