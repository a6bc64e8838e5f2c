#include "launch/proc_fs.h"

#include <dirent.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <memory>

namespace penstock::launch {
namespace {

constexpr std::size_t kEnvironmentBytesMax = 4 * 1024 * 1024;

template <class Number>
bool parse_number(std::string_view text, Number& value) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && stop == text.data() + text.size();
}

std::optional<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text;
  std::array<char, 4096> block;
  while (text.size() < bytes_max && (file.read(block.data(), block.size()), file.gcount() > 0)) {
    text.append(block.data(), static_cast<std::size_t>(file.gcount()));
  }
  return text;
}

std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

bool prints_to(pid_t pid, const std::string& log_file) {
  for (const int descriptor : {1, 2}) {
    std::array<char, 4096> target;
    const std::string link = fmt::format("/proc/{}/fd/{}", pid, descriptor);
    const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
    if (size > 0 && std::string_view(target.data(), static_cast<std::size_t>(size)) == log_file) return true;
  }
  return false;
}

}  // namespace

std::optional<ProcessStat> parse_stat(std::string_view text) {
  // The second field is the program's name in parentheses and may hold anything, parentheses and spaces included.
  const std::size_t name = text.find(" (");
  const std::size_t name_end = text.rfind(") ");
  if (name == std::string_view::npos || name_end == std::string_view::npos || name_end < name) return std::nullopt;
  ProcessStat stat;
  if (!parse_number(text.substr(0, name), stat.pid)) return std::nullopt;
  text.remove_prefix(name_end + 2);
  for (int field = 3; field <= 22; ++field) {
    const std::string_view word = take_word(text);
    bool ok = !word.empty();
    if (ok && field == 3) stat.state = word[0];
    if (field == 4) ok = parse_number(word, stat.parent);
    if (field == 6) ok = parse_number(word, stat.session);
    if (field == 22) ok = parse_number(word, stat.start_ticks);
    if (!ok) return std::nullopt;
  }
  return stat;
}

std::optional<ProcessStat> read_stat(pid_t pid) {
  const auto text = read_file(fmt::format("/proc/{}/stat", pid), 4096);
  return text ? parse_stat(*text) : std::nullopt;
}

std::vector<ProcessStat> list_processes() {
  std::vector<ProcessStat> processes;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc"), ::closedir);
  if (directory == nullptr) return processes;
  while (const dirent* entry = ::readdir(directory.get())) {
    pid_t pid = 0;
    if (!parse_number(std::string_view(entry->d_name), pid)) continue;
    if (const auto stat = read_stat(pid)) processes.push_back(*stat);
  }
  return processes;
}

std::string boot_id() {
  const auto text = read_file("/proc/sys/kernel/random/boot_id", 64);
  return text ? text->substr(0, text->find('\n')) : "";
}

bool bears_marks(pid_t pid, const std::string& log_file, const std::string& worker) {
  if (prints_to(pid, log_file)) return true;
  const auto environment = read_file(fmt::format("/proc/{}/environ", pid), kEnvironmentBytesMax);
  return environment && environment->find("=" + worker + std::string(1, '\0')) != std::string::npos;
}

std::string ProcessHandle::text() const {
  return fmt::format("{}:{}:{}", pid, start_ticks, boot);
}

std::optional<ProcessHandle> ProcessHandle::parse(std::string_view text) {
  const std::size_t first = text.find(':');
  const std::size_t second = text.find(':', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
  ProcessHandle handle;
  if (!parse_number(text.substr(0, first), handle.pid) || handle.pid <= 0) return std::nullopt;
  if (!parse_number(text.substr(first + 1, second - first - 1), handle.start_ticks)) return std::nullopt;
  handle.boot = text.substr(second + 1);
  if (handle.boot.empty()) return std::nullopt;
  return handle;
}

}  // namespace penstock::launch
