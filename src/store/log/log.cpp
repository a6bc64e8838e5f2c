#include "store/log/log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>
#include <utility>

#include "store/paced_writes.h"

namespace penstock::store {
namespace {

constexpr std::size_t kZerosAtOnce = 512U << 10;
constexpr std::size_t kFreeMax = 3;
constexpr const char* kFreePrefix = "free-";
constexpr const char* kNextName = "next";

Error io_error(const std::string& path, const char* what) {
  const int code = errno;
  const bool is_full = code == ENOSPC || code == EDQUOT || code == EFBIG;
  return Error{is_full ? Errc::no_space : Errc::unavailable,
               fmt::format("{} {}: {}{}", what, path, std::strerror(code), is_full ? "; make space on that disk" : "")};
}

std::shared_ptr<const int> own(int descriptor) {
  return {new int(descriptor), [](const int* held) {
            ::close(*held);
            delete held;
          }};
}

bool write_all(int file, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return true;
}

/// So that what was made or renamed in a directory is there after a crash.
bool sync_directory(const std::string& path) {
  const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return false;
  const bool done = ::fsync(directory) == 0;
  ::close(directory);
  return done;
}

/// A name block, one block of zeros where the first frame goes, and zeros up to the segment's size where there is
/// nothing yet.
bool fill(int file, const SegmentName& name, std::uint64_t bytes) {
  const off_t present = ::lseek(file, 0, SEEK_END);
  if (present < 0) return false;
  const std::string zeros(kZerosAtOnce, '\0');
  WritePace pace;
  for (auto at = static_cast<std::uint64_t>(present); at < bytes; at += zeros.size()) {
    const auto next = std::string_view(zeros).substr(0, std::min<std::uint64_t>(zeros.size(), bytes - at));
    if (!write_all(file, next, at)) return false;
    pace.wrote(file, next.size());
  }
  if (static_cast<std::uint64_t>(present) > bytes && ::ftruncate(file, static_cast<off_t>(bytes)) != 0) return false;
  return write_all(file, segment_block(name) + std::string(kBlockBytes, '\0'), 0) && ::fsync(file) == 0;
}

}  // namespace

Log::Log(std::string directory, std::uint64_t log, const LogEnd& end, LogOptions options)
    : directory_(std::move(directory)),
      log_(log),
      options_(options),
      next_index_(end.next_index),
      appended_(end.last),
      synced_(end.last) {}

Log::~Log() = default;

Result<std::unique_ptr<Log>> Log::open(std::string directory, std::uint64_t log, const LogEnd& end, LogOptions options,
                                       Found found) {
  std::error_code problem;
  std::filesystem::create_directories(directory, problem);
  if (problem) {
    return fail(Errc::unavailable,
                fmt::format("the log directory {} cannot be made: {}", directory, problem.message()));
  }
  std::filesystem::permissions(directory, std::filesystem::perms::owner_all, problem);
  std::unique_ptr<Log> opened(new Log(std::move(directory), log, end, options));
  auto cleared = found == Found::reuse ? opened->free_all() : opened->keep_all(end);
  if (!cleared) return tl::unexpected(std::move(cleared.error()));
  if (auto first = opened->next_segment(); !first) return tl::unexpected(std::move(first.error()));
  return opened;
}

std::string Log::path_of(std::uint64_t index) const {
  return directory_ + "/" + segment_file_name(index);
}

Result<Log::Segment> Log::make_segment(std::uint64_t index, const std::string& recycled) const {
  const std::string path = path_of(index);
  // Under another name until it is whole: a crash leaves a file that nobody takes for a segment.
  const std::string unnamed = recycled.empty() ? directory_ + "/" + kNextName : recycled;
  const int descriptor = ::open(unnamed.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return tl::unexpected(io_error(unnamed, "cannot open the log file"));
  Segment made{index, 0, path, own(descriptor)};
  if (!fill(descriptor, {log_, index}, options_.segment_bytes)) {
    Error error = io_error(unnamed, "cannot write the log file");
    if (recycled.empty()) ::unlink(unnamed.c_str());
    return tl::unexpected(std::move(error));
  }
  if (::rename(unnamed.c_str(), path.c_str()) != 0 || !sync_directory(directory_)) {
    return tl::unexpected(io_error(path, "cannot make the log file"));
  }
  return made;
}

Result<std::uint64_t> Log::append(std::span<const SharedTurn> turns) {
  taken_ = 0;
  return resume(turns);
}

Result<std::uint64_t> Log::resume(std::span<const SharedTurn> turns) {
  while (taken_ < turns.size()) {
    if (auto done = put(*turns[taken_]); !done) return tl::unexpected(std::move(done.error()));
    ++taken_;
  }
  if (auto written = write_parts(); !written) return tl::unexpected(std::move(written.error()));
  if (options_.durability == Durability::every_turn) synced_ = appended_.load();
  return appended_;
}

Result<void> Log::put(EncodedTurn& turn) {
  if (turn.turn().size() > kTurnBytesMax) {
    return fail(Errc::unavailable, fmt::format("a turn of {} bytes is too large for the log: {} at most",
                                               turn.turn().size(), kTurnBytesMax));
  }
  // One that is larger than a segment makes an empty one grow.
  if (offset_ + unwritten_ + turn.frame().size() > options_.segment_bytes && offset_ + unwritten_ > kBlockBytes) {
    if (auto written = write_parts(); !written) return written;
    if (auto changed = next_segment(); !changed) return changed;
  }
  turn.seal(log_, appended_ + parts_.size() + 1, synced_);
  parts_.push_back({turn.data() - kFrameHeadBytes, turn.frame().size()});
  unwritten_ += turn.frame().size();
  return {};
}

/// What was gathered for the present segment, with one system call if it takes all at once. After an error all of it
/// can be written again at the same place.
Result<void> Log::write_parts() {
  const int flags = options_.durability == Durability::every_turn ? RWF_DSYNC : 0;
  std::vector<iovec> left = parts_;
  std::span<iovec> rest = left;
  std::uint64_t at = offset_;
  while (!rest.empty()) {
    const ssize_t done = ::pwritev2(*file_, rest.data(), static_cast<int>(std::min<std::size_t>(rest.size(), IOV_MAX)),
                                    static_cast<off_t>(at), flags);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return tl::unexpected(io_error(directory_, "cannot write to the log in"));
    at += static_cast<std::uint64_t>(done);
    auto bytes = static_cast<std::size_t>(done);
    while (!rest.empty() && bytes >= rest.front().iov_len) {
      bytes -= rest.front().iov_len;
      rest = rest.subspan(1);
    }
    if (bytes > 0) rest.front() = {static_cast<char*>(rest.front().iov_base) + bytes, rest.front().iov_len - bytes};
  }
  offset_ = at;
  appended_ += parts_.size();
  parts_.clear();
  unwritten_ = 0;
  return {};
}

bool Log::has_room(std::uint64_t bytes) const {
  const std::uint64_t half = options_.segment_bytes / 2;
  if (bytes <= half) return is_ready_ || offset_ + bytes <= half;
  // A turn that is larger than a segment makes one grow.
  std::error_code problem;
  const auto disk = std::filesystem::space(directory_, problem);
  return is_ready_ && !problem && disk.available >= bytes + options_.segment_bytes;
}

Result<void> Log::next_segment() {
  const std::scoped_lock lock(mutex_);
  if (auto made = make_ready(); !made) return made;
  if (!used_.empty()) used_.back().last = appended_;
  used_.push_back(*std::exchange(ready_, std::nullopt));
  is_ready_ = false;
  next_index_ = used_.back().index + 1;
  file_ = used_.back().file;
  offset_ = kBlockBytes;
  return {};
}

Result<void> Log::make_ready() {
  if (ready_) return {};
  auto made = make_segment(next_index_, free_.empty() ? "" : free_.back());
  is_full_ = !made;
  if (!made) return tl::unexpected(std::move(made.error()));
  if (!free_.empty()) free_.pop_back();
  ready_ = std::move(*made);
  is_ready_ = true;
  return {};
}

Result<void> Log::prepare() {
  const std::scoped_lock lock(mutex_);
  return make_ready();
}

void Log::trim(std::uint64_t sequence) {
  const std::scoped_lock lock(mutex_);
  while (used_.size() > 1 && used_.front().last <= sequence) {
    free(used_.front().path);
    used_.pop_front();
  }
}

/// Renamed at once: the segments that are left have no gap, whenever the file is used again.
void Log::free(const std::string& path) {
  std::string name = fmt::format("{}/{}{}", directory_, kFreePrefix, free_number_++);
  if (free_.size() < kFreeMax && ::rename(path.c_str(), name.c_str()) == 0) {
    free_.push_back(std::move(name));
  } else {
    ::unlink(path.c_str());
  }
}

void Log::remove_unnamed() const {
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, problem)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kFreePrefix) || name == kNextName) std::filesystem::remove(entry.path(), problem);
  }
}

/// What was read may be in the operating system's memory only: the turns that follow say that it is on the disk.
Result<void> Log::keep_all(const LogEnd& end) {
  ENSURE(!end.is_cut);
  remove_unnamed();
  for (const LogEnd::Segment& segment : end.segments) {
    // The one that was ready when the last server ended is ready again: a full disk may have no room for another.
    if (&segment == &end.segments.back() && !segment.has_turns) {
      free(segment.path);
      next_index_ = segment.index;
      break;
    }
    const int file = ::open(segment.path.c_str(), O_RDONLY | O_CLOEXEC);
    const bool done = file >= 0 && ::fdatasync(file) == 0;
    Error error = done ? Error{} : io_error(segment.path, "cannot sync the log file");
    if (file >= 0) ::close(file);
    if (!done) return tl::unexpected(std::move(error));
    used_.push_back({segment.index, segment.last, segment.path, nullptr});
  }
  return {};
}

Result<void> Log::free_all() {
  remove_unnamed();
  auto found = list_segments(directory_);
  if (!found) return tl::unexpected(std::move(found.error()));
  for (const SegmentFile& segment : *found) free(segment.path);
  return {};
}

Result<void> Log::sync() {
  std::vector<std::shared_ptr<const int>> files;
  std::uint64_t through = 0;
  {
    const std::scoped_lock lock(mutex_);
    through = appended_;
    for (const Segment& segment : used_) {
      if (segment.file != nullptr && (segment.last == 0 || segment.last > synced_)) files.push_back(segment.file);
    }
  }
  for (const auto& file : files) {
    if (::fdatasync(*file) != 0) return tl::unexpected(io_error(directory_, "cannot sync the log in"));
  }
  synced_ = through;
  return {};
}

}  // namespace penstock::store
