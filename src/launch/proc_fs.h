#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::launch {

// What /proc tells about the processes of this machine.

/// A few fields of /proc/<pid>/stat.
struct ProcessStat {
  pid_t pid = 0;
  char state = 0;  // 'Z': ended, not yet reaped
  pid_t parent = 0;
  pid_t session = 0;
  std::uint64_t start_ticks = 0;  // since boot; with the pid it names one process of this boot
};

/// Nothing when the text is not such a line.
std::optional<ProcessStat> parse_stat(std::string_view text);

/// Nothing when there is no such process (any more).
std::optional<ProcessStat> read_stat(pid_t pid);

/// All processes that are visible to us; one that ends meanwhile may be missing.
std::vector<ProcessStat> list_processes();

/// Changes with every boot of the machine. Empty when it cannot be read.
std::string boot_id();

/// True when the process prints to `log_file` or has `worker` as the value of an environment variable: signs that a
/// worker's launch left on it. False when it cannot be told.
bool bears_marks(pid_t pid, const std::string& log_file, const std::string& worker);

/// Names one process for good: "pid:start_ticks:boot_id".
struct ProcessHandle {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;
  std::string boot;

  std::string text() const;
  static std::optional<ProcessHandle> parse(std::string_view text);
};

}  // namespace penstock::launch
