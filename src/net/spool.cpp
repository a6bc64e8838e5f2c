#include "net/spool.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <ctime>
#include <deque>
#include <mutex>
#include <thread>

#include "base/log.h"

namespace penstock::net {
namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;

tl::unexpected<Error> failed(const std::string& what, const std::string& path) {
  return fail(Errc::unavailable, what + " " + path + ": " + std::strerror(errno));
}

}  // namespace

// ---------------------------------------------------------------- files

SpoolFile::~SpoolFile() {
  ::close(fd_);
  if (!kept_) ::unlink(path_.c_str());
}

Result<void> SpoolFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("cannot write", path_);
    size_ += static_cast<std::size_t>(count);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> SpoolFile::sync() const {
  if (::fdatasync(fd_) != 0) return failed("cannot sync", path_);
  const std::string directory = path_.substr(0, path_.rfind('/'));
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  return synced ? Result<void>() : failed("cannot sync", directory);
}

Result<std::unique_ptr<MappedFile>> MappedFile::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return failed("cannot read", path);
  struct stat facts{};
  void* data = MAP_FAILED;
  if (::fstat(fd, &facts) == 0 && facts.st_size > 0) {
    data = ::mmap(nullptr, static_cast<std::size_t>(facts.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
  }
  ::close(fd);
  if (data == MAP_FAILED) return failed("cannot read", path);
  ::madvise(data, static_cast<std::size_t>(facts.st_size), MADV_SEQUENTIAL);
  return std::make_unique<MappedFile>(data, static_cast<std::size_t>(facts.st_size));
}

MappedFile::~MappedFile() {
  ::munmap(data_, size_);
}

// ---------------------------------------------------------------- the directory and its thread

struct Spool::Impl {
  struct Task {
    std::function<void()> work;
    std::function<void()> done;
  };

  explicit Impl(Loop& to) : loop(to), thread([this] { serve(); }) {}
  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      ending = true;
    }
    wake.notify_one();
    thread.join();
  }

  void serve() {
    while (true) {
      Task task;
      {
        std::unique_lock lock(mutex);
        wake.wait(lock, [this] { return ending || !tasks.empty(); });
        if (ending) return;
        task = std::move(tasks.front());
        tasks.pop_front();
      }
      task.work();
      loop.post(std::move(task.done));
    }
  }

  Loop& loop;
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Task> tasks;  // each holds a request that waits for its answer: as many as there are connections
  bool ending = false;
  std::thread thread;
};

Spool::Spool(Loop& loop, std::string directory)
    : directory_(std::move(directory)), impl_(std::make_unique<Impl>(loop)) {
  if (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) {
    log::error("cannot make {}: {}", directory_, std::strerror(errno));
  }
}

Spool::~Spool() = default;

Result<std::shared_ptr<SpoolFile>> Spool::create(const std::string& prefix) {
  const std::string path = directory_ + "/" + prefix + random_alphanumeric(random_, 16);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return failed("cannot create", path);
  return std::make_shared<SpoolFile>(path, fd);
}

void Spool::run(std::function<void()> work, std::function<void()> done) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->tasks.push_back({std::move(work), std::move(done)});
  }
  impl_->wake.notify_one();
}

std::vector<Spool::Entry> Spool::entries() const {
  std::vector<Entry> found;
  DIR* directory = ::opendir(directory_.c_str());
  if (!directory) return found;
  const std::time_t now = std::time(nullptr);
  while (const dirent* entry = ::readdir(directory)) {
    struct stat facts{};
    const std::string name = entry->d_name;
    if (name.starts_with('.') || ::stat((directory_ + "/" + name).c_str(), &facts) != 0) continue;
    found.push_back({name, std::chrono::seconds(std::max<std::time_t>(0, now - facts.st_mtime))});
  }
  ::closedir(directory);
  std::ranges::sort(found, {}, &Entry::name);
  return found;
}

void Spool::remove(const std::string& name) const {
  ::unlink((directory_ + "/" + name).c_str());
}

// ---------------------------------------------------------------- answers

namespace {

/// Owned by the connection while a piece is on its way.
class FileAnswer : public std::enable_shared_from_this<FileAnswer> {
 public:
  FileAnswer(Responder responder, int fd, FilePart part)
      : responder_(std::move(responder)), fd_(fd), part_(std::move(part)) {}
  ~FileAnswer() { ::close(fd_); }
  FileAnswer(const FileAnswer&) = delete;
  FileAnswer& operator=(const FileAnswer&) = delete;

  void begin(Response head) {
    responder_.begin(std::move(head));
    next_when_sent();
  }

 private:
  void next_when_sent() {
    responder_.on_drained([self = shared_from_this()] { self->next(); });
  }

  void next() {
    std::string piece = std::exchange(part_.before, {});
    const std::size_t begun = piece.size();
    const std::size_t wanted = std::min(kPieceBytes, part_.bytes);
    piece.resize(begun + wanted);
    const ssize_t count = ::pread(fd_, piece.data() + begun, wanted, static_cast<off_t>(part_.offset));
    if (count != static_cast<ssize_t>(wanted)) {
      log::error("{} is shorter than it was: its answer breaks off", part_.path);
      return;  // the responder goes, and with it the connection: the client can tell
    }
    part_.offset += wanted;
    part_.bytes -= wanted;
    if (part_.bytes == 0) piece += part_.after;
    if (!responder_.write(piece)) return;
    if (part_.bytes == 0) return responder_.end();
    next_when_sent();
  }

  Responder responder_;
  int fd_;
  FilePart part_;
};

}  // namespace

Result<void> answer_with_file(Responder& responder, Response head, FilePart part) {
  const int fd = ::open(part.path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(Errc::not_found, "cannot read " + part.path + ": " + std::strerror(errno));
  std::make_shared<FileAnswer>(std::move(responder), fd, std::move(part))->begin(std::move(head));
  return {};
}

}  // namespace penstock::net
