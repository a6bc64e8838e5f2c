#include "launch/session.h"

#include <dirent.h>
#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <memory>
#include <sstream>

#include "launch/spawn.h"

namespace penstock::launch {
namespace {

constexpr int kStopPasses = 5;  // a process may be born between the look and the stop of its parent
constexpr std::size_t kAdvisePiece = 8 * 1024 * 1024;

bool is_stopped(const ProcessStat& process) {
  return process.state == 'T' || process.state == 't';
}

void signal_process(const ProcessStat& process, int signal) {
  const Descriptor pidfd = open_pidfd(process.pid);
  const auto stat = read_stat(process.pid);
  if (!pidfd || !stat || stat->start_ticks != process.start_ticks || stat->session != process.session) return;
  send_signal(pidfd, signal);
}

/// A line "VmRSS:   1234 kB".
std::int64_t bytes_in(std::string_view line) {
  std::int64_t kib = 0;
  for (const char c : line) {
    if (c >= '0' && c <= '9') kib = kib * 10 + (c - '0');
  }
  return kib * 1024;
}

}  // namespace

std::vector<ProcessStat> session_processes(pid_t leader) {
  std::vector<ProcessStat> found = list_processes();
  std::erase_if(found, [&](const ProcessStat& process) { return process.session != leader || process.state == 'Z'; });
  return found;
}

bool stop_session(pid_t leader) {
  ::kill(-leader, SIGSTOP);
  bool others = false;
  for (int pass = 0; pass < kStopPasses; ++pass) {
    bool all_stopped = true;
    for (const ProcessStat& process : session_processes(leader)) {
      if (::getpgid(process.pid) != leader) others = true;
      if (is_stopped(process)) continue;
      all_stopped = false;
      signal_process(process, SIGSTOP);
    }
    if (all_stopped) break;
  }
  return others;
}

void resume_session(pid_t leader, bool look_for_others) {
  ::kill(-leader, SIGCONT);
  if (!look_for_others) return;
  for (const ProcessStat& process : session_processes(leader)) {
    if (process.pid != leader) signal_process(process, SIGCONT);
  }
}

Memory session_memory(pid_t leader) {
  Memory memory;
  for (const ProcessStat& process : session_processes(leader)) {
    std::ifstream status(fmt::format("/proc/{}/status", process.pid));
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmRSS:")) memory.resident_bytes += bytes_in(line);
      if (line.starts_with("VmSwap:")) memory.swapped_bytes += bytes_in(line);
    }
  }
  return memory;
}

std::vector<pid_t> processes_with_open(pid_t leader, const std::string& path_prefix) {
  std::vector<pid_t> found;
  for (const ProcessStat& process : session_processes(leader)) {
    const std::string directory = fmt::format("/proc/{}/fd", process.pid);
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(directory.c_str()), ::closedir);
    while (const dirent* entry = listing ? ::readdir(listing.get()) : nullptr) {
      std::array<char, 4096> target;
      const ssize_t size = ::readlink((directory + "/" + entry->d_name).c_str(), target.data(), target.size());
      if (size <= 0 || !std::string_view(target.data(), static_cast<std::size_t>(size)).starts_with(path_prefix))
        continue;
      found.push_back(process.pid);
      break;
    }
  }
  return found;
}

bool has_swap() {
  std::ifstream swaps("/proc/swaps");
  int lines = 0;
  for (std::string line; std::getline(swaps, line);) ++lines;
  return lines > 1;  // the first one is a heading
}

Result<void> advise_memory(pid_t pid, int advice, const std::function<bool()>& go_on) {
  const Descriptor pidfd = open_pidfd(pid);
  if (!pidfd) return fail(Errc::unavailable, "the process is gone");
  std::ifstream maps(fmt::format("/proc/{}/maps", pid));
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::string range, permissions, offset, device, inode, name;
    words >> range >> permissions >> offset >> device >> inode >> name;
    const std::size_t dash = range.find('-');
    if (dash == std::string::npos || permissions.size() < 4 || permissions[0] != 'r' || permissions[3] != 'p') continue;
    if (name.starts_with("[v")) continue;  // the kernel's own: vdso, vvar
    std::size_t begin = std::stoull(range.substr(0, dash), nullptr, 16);
    const std::size_t end = std::stoull(range.substr(dash + 1), nullptr, 16);
    while (begin < end) {
      if (!go_on()) return {};
      iovec piece{reinterpret_cast<void*>(begin), std::min(end - begin, kAdvisePiece)};
      const long done = ::syscall(SYS_process_madvise, pidfd.get(), &piece, 1UL, advice, 0U);
      if (done < 0 && (errno == EPERM || errno == ENOSYS || errno == ESRCH)) {
        return fail(Errc::unavailable, fmt::format("process_madvise: {}", std::strerror(errno)));
      }
      if (done <= 0) break;  // of a kind that does not take the advice
      begin += static_cast<std::size_t>(done);
    }
  }
  return {};
}

}  // namespace penstock::launch
