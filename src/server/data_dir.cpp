#include "server/data_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace penstock::server {
namespace {

namespace fs = std::filesystem;

std::string default_path() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data && *data) return std::string(data) + "/penstock";
  const char* home = std::getenv("HOME");
  return std::string(home && *home ? home : ".") + "/.local/share/penstock";
}

std::string read_text(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Writes beside and renames, so that a crash leaves the old content or the new.
bool write_text(const std::string& file, const std::string& text) {
  const std::string beside = file + ".new";
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  ::close(fd);
  return written && ::rename(beside.c_str(), file.c_str()) == 0;
}

}  // namespace

Result<DataDir> DataDir::open(const std::string& wanted, bool ephemeral) {
  std::string path = wanted.empty() ? default_path() : wanted;
  if (ephemeral) {
    std::string pattern = (fs::temp_directory_path() / "penstock-XXXXXX").string();
    if (!::mkdtemp(pattern.data()))
      return fail(Errc::unavailable, "cannot make a temporary directory: " + std::string(std::strerror(errno)));
    path = pattern;
  }
  std::error_code problem;
  fs::create_directories(path, problem);
  if (problem) return fail(Errc::unavailable, "cannot make the data directory " + path + ": " + problem.message());
  ::chmod(path.c_str(), 0700);
  const std::string lock_file = path + "/lock";
  const int lock = ::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return fail(Errc::unavailable, "cannot open " + lock_file + ": " + std::strerror(errno));
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    const std::string holder = read_text(lock_file);
    ::close(lock);
    return fail(Errc::unavailable, "the data directory " + path + " is in use by penstock process " +
                                       (holder.empty() ? "(unknown)" : holder) +
                                       "; stop that one, or choose another directory with --data");
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(lock, 0) != 0 || ::pwrite(lock, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    ::close(lock);
    return fail(Errc::unavailable, "cannot write " + lock_file + ": " + std::strerror(errno));
  }
  return DataDir(std::move(path), lock, ephemeral);
}

DataDir::DataDir(DataDir&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)), ephemeral_(other.ephemeral_) {}

DataDir::~DataDir() {
  if (lock_ < 0) return;
  std::error_code ignored;
  if (ephemeral_) fs::remove_all(path_, ignored);
  ::close(lock_);
}

Result<std::string> DataDir::secret(Random& random) const {
  const std::string file = path_ + "/secret";
  std::string secret = read_text(file);
  if (secret.size() == 32) return secret;
  if (!secret.empty())
    return fail(Errc::unavailable, file +
                                       " is damaged: it must hold 32 bytes; restore it, or remove it to make a new one "
                                       "(attached workers then need new keys)");
  for (int i = 0; i < 4; ++i) {
    const std::uint64_t part = random.next();
    secret.append(reinterpret_cast<const char*>(&part), sizeof part);
  }
  if (!write_text(file, secret)) return fail(Errc::unavailable, "cannot write " + file + ": " + std::strerror(errno));
  return secret;
}

int DataDir::last_port() const {
  return std::atoi(read_text(path_ + "/port").c_str());
}

void DataDir::remember_port(int port) const {
  if (port != last_port()) write_text(path_ + "/port", std::to_string(port));
}

}  // namespace penstock::server
