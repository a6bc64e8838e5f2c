#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>

namespace penstock::log {
namespace {

std::atomic<Level> least_level{Level::info};
std::atomic<bool> as_json{false};

spdlog::logger& sink() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made = spdlog::stderr_color_mt("penstock");
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%5l%$ %v", spdlog::pattern_time_type::utc);
    made->set_level(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

void configure(Level least, bool json) {
  least_level = least;
  as_json = json;
  if (json) {
    sink().set_pattern("{\"time\":\"%Y-%m-%dT%H:%M:%S.%eZ\",\"level\":\"%l\",\"message\":%v}",
                       spdlog::pattern_time_type::utc);
  }
}

bool parse_level(std::string_view name, Level& level) {
  static constexpr std::pair<std::string_view, Level> kNames[] = {
      {"debug", Level::debug}, {"info", Level::info}, {"warn", Level::warn}, {"error", Level::error}};
  for (const auto& [known, value] : kNames) {
    if (known == name) {
      level = value;
      return true;
    }
  }
  return false;
}

bool enabled(Level level) noexcept {
  return level >= least_level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view message) {
  static constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                          spdlog::level::warn, spdlog::level::err};
  sink().log(kLevels[static_cast<int>(level)], "{}", as_json ? quoted(message) : std::string(message));
}

}  // namespace penstock::log
