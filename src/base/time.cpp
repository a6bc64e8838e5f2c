#include "base/time.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace penstock {

SystemClock::SystemClock()
    : wall_start_(std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now())),
      steady_start_(std::chrono::steady_clock::now()) {}

Time SystemClock::now() const {
  return wall_start_ + std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - steady_start_);
}

std::string iso8601(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  std::string text = "0000-00-00T00:00:00.000Z";
  const auto put = [&](std::size_t end, auto number) {
    for (auto rest = static_cast<std::uint64_t>(number); rest > 0; rest /= 10) {
      text[--end] = static_cast<char>('0' + rest % 10);
    }
  };
  put(4, std::clamp(static_cast<int>(date.year()), 0, 9999));
  put(7, static_cast<unsigned>(date.month()));
  put(10, static_cast<unsigned>(date.day()));
  put(13, clock.hours().count());
  put(16, clock.minutes().count());
  put(19, clock.seconds().count());
  put(23, clock.subseconds().count());
  return text;
}

std::optional<Time> parse_iso8601(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int end = 0;
  if (std::sscanf(text.c_str(), "%4d-%2u-%2uT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second, &end) != 6) {
    return std::nullopt;
  }
  int millis = 0;
  std::size_t at = static_cast<std::size_t>(end);
  if (at < text.size() && text[at] == '.') {
    int scale = 100;
    if (at + 1 >= text.size() || text[at + 1] < '0' || text[at + 1] > '9') return std::nullopt;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
      millis += (text[at] - '0') * scale;
      scale /= 10;
    }
  }
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day}};
  if (text.substr(at) != "Z" || !date.ok()) return std::nullopt;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return std::nullopt;
  return Time{std::chrono::sys_days{date}} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
         std::chrono::seconds{second} + Millis{millis};
}

}  // namespace penstock
