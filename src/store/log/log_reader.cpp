#include "store/log/log_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <utility>

namespace penstock::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kIndexDigits = 20;
constexpr std::string_view kSuffix = ".seg";

/// A file in memory, for reading.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return;
    struct stat info{};
    if (::fstat(descriptor, &info) == 0) {
      size_ = static_cast<std::size_t>(info.st_size);
      if (size_ > 0) bytes_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    }
    ::close(descriptor);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile() {
    if (bytes_ != MAP_FAILED) ::munmap(bytes_, size_);
  }

  bool readable() const { return bytes_ != MAP_FAILED || size_ == 0; }
  std::string_view view() const {
    return bytes_ == MAP_FAILED ? std::string_view() : std::string_view(static_cast<const char*>(bytes_), size_);
  }

 private:
  void* bytes_ = MAP_FAILED;
  std::size_t size_ = 0;
};

bool holds_turns(std::string_view file) {
  return file.size() > kBlockBytes &&
         file.substr(kBlockBytes, kFrameHeadBytes).find_first_not_of('\0') != std::string_view::npos;
}

/// Numbers of a head at a place where anything may lie. They are looked at first: a checksum takes as long as what
/// looks like a size says, and at each place that is minutes.
struct Numbers {
  std::uint64_t sequence = 0;
  std::uint64_t synced = 0;

  Numbers(std::string_view file, std::size_t at) {
    std::memcpy(&sequence, file.data() + at + 8, sizeof sequence);
    std::memcpy(&synced, file.data() + at + 16, sizeof synced);
  }
};

constexpr std::uint64_t kTurnsOfSegmentMax = 1ULL << 32;

/// Whether they can be those of a turn that claims that `missing` was on the disk before it.
bool could_claim(const Numbers& numbers, std::uint64_t missing) {
  return numbers.synced >= missing && numbers.synced < numbers.sequence &&
         numbers.sequence - missing < kTurnsOfSegmentMax;
}

bool could_be_behind(std::string_view file, std::size_t at, std::uint64_t applied) {
  const Numbers numbers(file, at);
  constexpr std::uint64_t kFar = 1ULL << 48;
  return numbers.sequence > applied && numbers.sequence < kFar && numbers.synced < numbers.sequence;
}

class LogScan {
 public:
  using OnTurn = std::function<Result<void>(std::uint64_t, std::string_view)>;

  LogScan(std::uint64_t log, std::uint64_t applied, const OnTurn& on_turn)
      : log_(log), applied_(applied), on_turn_(on_turn) {}

  Result<LogEnd> run(const std::vector<SegmentFile>& segments) {
    LogEnd end;
    end.last = applied_;
    for (std::size_t i = 0; i < segments.size(); ++i) {
      // Those that were freed last may be gone before older ones are; what they held is applied.
      const bool gap = i > 0 && segments[i].index != segments[i - 1].index + 1;
      if (gap && expected_ > applied_) {
        return fail(Errc::unavailable,
                    fmt::format("segment {} of the log is missing: {} comes after {}",
                                segment_file_name(segments[i - 1].index + 1), segments[i].path, segments[i - 1].path));
      }
      end.next_index = segments[i].index + 1;
      if (over_) continue;
      const std::uint64_t before = expected_;
      if (auto done = read(segments[i], i + 1 == segments.size()); !done) return tl::unexpected(done.error());
      end.segments.push_back(
          {segments[i].path, segments[i].index, std::max(applied_, expected_ - 1), expected_ != before});
    }
    end.last = std::max(applied_, expected_ - 1);
    end.is_cut = over_;
    return end;
  }

 private:
  Result<void> read(const SegmentFile& segment, bool is_last) {
    const MappedFile file(segment.path);
    if (!file.readable()) {
      return fail(Errc::unavailable,
                  fmt::format("the log segment {} cannot be read: {}", segment.path, std::strerror(errno)));
    }
    const auto name = read_segment_block(file.view());
    if (!name) {
      // Made at the moment of a crash: nothing was ever written behind such a block.
      if (is_last && !holds_turns(file.view())) return {};
      return fail(Errc::unavailable, fmt::format("the log segment {} has no readable first block", segment.path));
    }
    if (*name != SegmentName{log_, segment.index}) {
      return fail(Errc::unavailable,
                  fmt::format("the log segment {} does not belong here: it was written as number {} of {} log",
                              segment.path, name->index, name->log == log_ ? "this" : "another"));
    }
    return read_frames(segment, file.view());
  }

  Result<void> read_frames(const SegmentFile& segment, std::string_view file) {
    std::size_t offset = kBlockBytes;
    for (auto frame = read_frame(file, offset, log_); frame; frame = read_frame(file, offset, log_)) {
      if (frame->sequence < expected_) break;  // of an earlier use of the file
      expected_ = std::max(expected_, std::min(frame->sequence, applied_ + 1));
      if (frame->sequence > expected_) return end_before(segment, *frame, offset);
      if (frame->sequence > applied_) {
        if (auto taken = on_turn_(frame->sequence, frame->turn); !taken) {
          return fail(taken.error().code, fmt::format("turn {} in {} at offset {}: {}", frame->sequence, segment.path,
                                                      offset, taken.error().message));
        }
      }
      ++expected_;
      offset += frame->size;
    }
    return check_tail(segment, file, offset);
  }

  /// A turn is not there. That is an end like any other, unless a later one claims that it was on the disk.
  Result<void> end_before(const SegmentFile& segment, const Frame& later, std::size_t offset) {
    over_ = true;
    if (later.synced < expected_) return {};
    return fail(Errc::unavailable, fmt::format("turn {} of the log is missing: {} goes on with turn {} at offset {}",
                                               expected_, segment.path, later.sequence, offset));
  }

  /// No later frame may claim that the one which is not here was on the disk.
  Result<void> check_tail(const SegmentFile& segment, std::string_view file, std::size_t offset) const {
    const std::uint64_t missing = std::max(expected_, applied_ + 1);
    for (std::size_t at = offset; at + kFrameHeadBytes <= file.size(); at += kFrameAlign) {
      if (!could_claim({file, at}, missing)) continue;
      const auto later = read_frame(file, at, log_);
      if (!later || later->sequence <= missing || later->synced < missing) continue;
      return fail(Errc::unavailable, fmt::format("the log segment {} is damaged at offset {}: turn {} cannot be read, "
                                                 "but it was on the disk before turn {} was written",
                                                 segment.path, offset, missing, later->sequence));
    }
    return {};
  }

  std::uint64_t log_;
  std::uint64_t applied_;
  const OnTurn& on_turn_;
  std::uint64_t expected_ = 1;  // sequence of the next frame
  bool over_ = false;           // what follows was never acknowledged
};

}  // namespace

std::string segment_file_name(std::uint64_t index) {
  return fmt::format("{:0{}}{}", index, kIndexDigits, kSuffix);
}

Result<std::vector<SegmentFile>> list_segments(const std::string& directory) {
  std::vector<SegmentFile> found;
  std::error_code problem;
  if (!fs::exists(directory, problem) && !problem) return found;
  for (auto it = fs::directory_iterator(directory, problem); !problem && it != fs::directory_iterator();
       it.increment(problem)) {
    const std::string name = it->path().filename().string();
    std::uint64_t index = 0;
    if (name.size() != kIndexDigits + kSuffix.size() || !name.ends_with(kSuffix)) continue;
    if (std::from_chars(name.data(), name.data() + kIndexDigits, index).ptr != name.data() + kIndexDigits) continue;
    std::error_code gone;
    found.push_back({it->path().string(), index, it->file_size(gone)});
  }
  if (problem) {
    return fail(Errc::unavailable,
                fmt::format("the log directory {} cannot be read: {}", directory, problem.message()));
  }
  std::ranges::sort(found, {}, &SegmentFile::index);
  return found;
}

Result<LogEnd> read_log(const std::string& directory, std::uint64_t log, std::uint64_t applied,
                        const std::function<Result<void>(std::uint64_t, std::string_view)>& on_turn) {
  const auto segments = list_segments(directory);
  if (!segments) return tl::unexpected(segments.error());
  return LogScan(log, applied, on_turn).run(*segments);
}

Result<SegmentRemains> search_segment(const SegmentFile& segment, std::uint64_t log, std::uint64_t applied,
                                      const std::function<void(std::uint64_t, std::string_view)>& on_turn) {
  const MappedFile file(segment.path);
  if (!file.readable()) {
    return fail(Errc::unavailable,
                fmt::format("the log segment {} cannot be read: {}", segment.path, std::strerror(errno)));
  }
  const std::string_view bytes = file.view();
  SegmentRemains remains;
  if (const auto name = read_segment_block(bytes)) {
    remains.has_name = true;
    remains.name = *name;
  }
  remains.holds_bytes = holds_turns(bytes);
  remains.passed_bytes = kBlockBytes;
  bool in_order = true;
  for (std::size_t at = kBlockBytes; at + kFrameHeadBytes <= bytes.size();) {
    const auto frame = could_be_behind(bytes, at, applied) || in_order ? read_frame(bytes, at, log) : std::nullopt;
    if (!frame) {
      in_order = false;
      at += kFrameAlign;
      continue;
    }
    at += frame->size;
    if (frame->sequence > applied) {
      in_order = false;
      remains.bytes = at;
      on_turn(frame->sequence, frame->turn);
    } else if (in_order) {
      remains.passed_bytes = at;
    }
  }
  return remains;
}

}  // namespace penstock::store
