#include "launch/worker_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/log.h"

namespace penstock::launch {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTailBytesMax = 1024 * 1024;
constexpr const char* kExtension = ".log";

class File {
 public:
  File(const std::string& path, int flags) : descriptor_(::open(path.c_str(), flags | O_CLOEXEC)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  explicit operator bool() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }

  std::size_t size() const {
    struct stat info{};
    return ::fstat(descriptor_, &info) == 0 ? static_cast<std::size_t>(info.st_size) : 0;
  }

  /// The last bytes, at most `bytes_max`.
  std::string end(std::size_t bytes_max) const {
    const std::size_t all = size();
    std::string text(std::min(all, bytes_max), '\0');
    std::size_t done = 0;
    while (done < text.size()) {
      const auto at = static_cast<off_t>(all - text.size() + done);
      const ssize_t count = ::pread(descriptor_, text.data() + done, text.size() - done, at);
      if (count <= 0) break;
      done += static_cast<std::size_t>(count);
    }
    text.resize(done);
    return text;
  }

 private:
  int descriptor_;
};

/// Drops the part of a line that the text begins with.
void drop_half_line(std::string& text) {
  if (const std::size_t end = text.find('\n'); end != std::string::npos) text.erase(0, end + 1);
}

}  // namespace

WorkerLogs::WorkerLogs(const std::string& directory, std::size_t bytes_max) : bytes_max_(bytes_max) {
  std::error_code error;
  const fs::path made_absolute = fs::absolute(directory, error);
  directory_ = error ? directory : made_absolute.lexically_normal().string();
}

std::string WorkerLogs::path(const WorkerId& id) const {
  return (fs::path(directory_) / (id.str() + kExtension)).string();
}

Result<int> WorkerLogs::open(const WorkerId& id) const {
  const std::string file = path(id);
  std::error_code error;
  fs::create_directories(directory_, error);
  if (error) {
    return fail(Errc::unavailable, fmt::format("the log directory {} cannot be made: {}", directory_, error.message()));
  }
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return fail(Errc::unavailable, fmt::format("the log file {} cannot be written: {}", file, std::strerror(errno)));
  }
  return descriptor;
}

void WorkerLogs::cut(const WorkerId& id) const {
  const File file(path(id), O_RDWR);
  if (!file || file.size() <= bytes_max_) return;
  std::string kept = file.end(bytes_max_ / 2);
  drop_half_line(kept);
  // The worker appends, so it goes on behind the new end.
  const ssize_t written = ::pwrite(file.descriptor(), kept.data(), kept.size(), 0);
  if (written < 0 || ::ftruncate(file.descriptor(), written) != 0) {
    log::warn("the log file {} cannot be cut: {}", path(id), std::strerror(errno));
  }
}

Result<std::vector<std::string>> WorkerLogs::tail(const WorkerId& id, std::size_t lines_max) const {
  const File file(path(id), O_RDONLY);
  if (!file) return fail(Errc::not_found, fmt::format("worker \"{}\" has no log here", id.str()));
  std::string text = file.end(kTailBytesMax);
  if (text.size() == kTailBytesMax) drop_half_line(text);
  if (!text.empty() && text.back() == '\n') text.pop_back();
  std::vector<std::string> lines;
  std::size_t end = text.size();
  while (!text.empty() && lines.size() < lines_max) {
    const std::size_t newline = end == 0 ? std::string::npos : text.rfind('\n', end - 1);
    const std::size_t begin = newline == std::string::npos ? 0 : newline + 1;
    lines.push_back(text.substr(begin, end - begin));
    if (newline == std::string::npos) break;
    end = newline;
  }
  std::reverse(lines.begin(), lines.end());
  return lines;
}

void WorkerLogs::prune(const std::set<WorkerId>& living, std::size_t files_max) const {
  std::vector<std::pair<fs::file_time_type, fs::path>> logs;
  std::error_code error;
  for (fs::directory_iterator it(directory_, error), end; !error && it != end; it.increment(error)) {
    const auto id = WorkerId::parse(it->path().stem().string());
    if (it->path().extension() != kExtension || !id || living.contains(*id)) continue;
    std::error_code gone;
    const auto written = it->last_write_time(gone);
    if (!gone) logs.emplace_back(written, it->path());
  }
  if (logs.size() <= files_max) return;
  std::sort(logs.begin(), logs.end());
  logs.resize(logs.size() - files_max);
  for (const auto& [written, path] : logs) fs::remove(path, error);
}

}  // namespace penstock::launch
