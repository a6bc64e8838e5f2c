#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace penstock::log {

enum class Level { debug, info, warn, error };

/// Lines go to standard error: standard output belongs to what a command prints. `json` writes one object a line.
void configure(Level least, bool json);
bool parse_level(std::string_view name, Level& level);

void write(Level level, std::string_view message);
bool enabled(Level level) noexcept;

template <class... Args>
void debug(fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(Level::debug)) write(Level::debug, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(Level::info)) write(Level::info, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void warn(fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(Level::warn)) write(Level::warn, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(Level::error)) write(Level::error, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace penstock::log
