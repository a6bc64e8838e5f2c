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

std::string read_text(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string random_key(Random& random) {
  std::string key;
  for (int i = 0; i < 4; ++i) {
    const std::uint64_t part = random.next();
    key.append(reinterpret_cast<const char*>(&part), sizeof part);
  }
  return key;
}

bool sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool synced = ::fsync(fd) == 0;
  ::close(fd);
  return synced;
}

/// Writes beside and renames, so that a crash leaves the old content or the new.
bool write_text(const std::string& file, const std::string& text) {
  const std::string beside = file + ".new";
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  ::close(fd);
  if (!written || ::rename(beside.c_str(), file.c_str()) != 0) return false;
  return sync_directory(fs::path(file).parent_path());
}

}  // namespace

std::string DataDir::default_path() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data && *data) return std::string(data) + "/penstock";
  const char* home = std::getenv("HOME");
  return std::string(home && *home ? home : ".") + "/.local/share/penstock";
}

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
  return key_in("secret", random, "remove it to make a new one (attached workers then need new keys)");
}

Result<std::string> DataDir::vault_key(Random& random) const {
  if (ephemeral_) return random_key(random);
  return key_in("vault.key", random, "remove it to make a new one (every secret must then be saved again)");
}

Result<std::string> DataDir::key_in(const std::string& name, Random& random, const std::string& hint) const {
  const std::string file = path_ + "/" + name;
  std::string key = read_text(file);
  if (key.size() == 32) return key;
  if (!key.empty()) return fail(Errc::unavailable, file + " is damaged: it must hold 32 bytes; restore it, or " + hint);
  key = random_key(random);
  if (!write_text(file, key)) return fail(Errc::unavailable, "cannot write " + file + ": " + std::strerror(errno));
  return key;
}

int DataDir::last_port() const {
  return std::atoi(read_text(path_ + "/port").c_str());
}

void DataDir::remember_port(int port) const {
  if (port != last_port()) write_text(path_ + "/port", std::to_string(port));
}

}  // namespace penstock::server
