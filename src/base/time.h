#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace penstock {

using Millis = std::chrono::milliseconds;

/// An instant, UTC, to the millisecond: what the protocol shows and the store keeps.
using Time = std::chrono::sys_time<Millis>;

/// Where the shell gets its time from. `core` never sees a clock: it is told the time.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
};

/// The wall clock read once, then carried forward by the monotonic clock: a step of the wall clock while the server
/// runs expires nothing and turns nothing back.
class SystemClock final : public Clock {
 public:
  SystemClock();
  Time now() const override;

 private:
  Time wall_start_;
  std::chrono::steady_clock::time_point steady_start_;
};

/// `2024-07-12T19:14:40.144Z`
std::string iso8601(Time time);

/// The reverse of iso8601, with or without milliseconds. Nothing when the text is not such an instant.
std::optional<Time> parse_iso8601(const std::string& text);

inline std::int64_t to_ms(Time time) {
  return time.time_since_epoch().count();
}
inline Time from_ms(std::int64_t ms) {
  return Time{Millis{ms}};
}

}  // namespace penstock
