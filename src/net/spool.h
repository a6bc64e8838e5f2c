#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "net/http.h"
#include "net/loop.h"

namespace penstock::net {

/// A file that takes what is too large for memory. Removed with the last handle, unless keep() was called.
class SpoolFile {
 public:
  SpoolFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  ~SpoolFile();
  SpoolFile(const SpoolFile&) = delete;
  SpoolFile& operator=(const SpoolFile&) = delete;

  /// Errors: unavailable (the disk is full or broken).
  Result<void> append(std::string_view bytes);
  std::size_t size() const { return size_; }
  const std::string& path() const { return path_; }
  std::string name() const { return path_.substr(path_.rfind('/') + 1); }

  /// Outlives the handles from now on.
  void keep() { kept_ = true; }

  /// Makes the file durable, its name too. Blocks; may run on another thread than the loop's. Errors: unavailable.
  Result<void> sync() const;

 private:
  std::string path_;
  int fd_ = -1;
  std::size_t size_ = 0;
  bool kept_ = false;
};

/// The whole of a file, mapped for reading. Its pages are the page cache's. Blocks as it is read.
class MappedFile {
 public:
  /// Errors: unavailable.
  static Result<std::unique_ptr<MappedFile>> open(const std::string& path);
  MappedFile(void* data, std::size_t size) : data_(data), size_(size) {}
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view text() const { return {static_cast<const char*>(data_), size_}; }

 private:
  void* data_;
  std::size_t size_;
};

/// A directory of such files, and a thread for what blocks. The loop's thread owns it; must end before the loop.
class Spool {
 public:
  /// Makes the directory where it is missing; its parent is there.
  Spool(Loop& loop, std::string directory);
  ~Spool();

  const std::string& directory() const { return directory_; }

  /// `prefix` and something random is its name. Errors: unavailable.
  Result<std::shared_ptr<SpoolFile>> create(const std::string& prefix);

  /// `work` on the thread, in the order given; then `done` on the loop's.
  void run(std::function<void()> work, std::function<void()> done);

  struct Entry {
    std::string name;
    std::chrono::seconds age{};  // since the last write
  };
  std::vector<Entry> entries() const;  // sorted by name
  void remove(const std::string& name) const;

 private:
  struct Impl;
  std::string directory_;
  SystemRandom random_;
  std::unique_ptr<Impl> impl_;
};

/// Answers with `bytes` bytes of a file from `offset` on, between two texts, piece by piece as the client reads.
struct FilePart {
  std::string before;
  std::string path;
  std::size_t offset = 0;
  std::size_t bytes = 0;
  std::string after;
};
/// `head` gets no body. Errors, and then nothing was answered: not_found (no such file).
Result<void> answer_with_file(Responder& responder, Response head, FilePart part);

}  // namespace penstock::net
