#pragma once

#include <sys/uio.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/log/log_reader.h"

namespace penstock::store {

enum class Durability {
  every_turn,    // on the disk before append() returns
  every_second,  // handed to the operating system before append() returns; on the disk after sync()
};

struct LogOptions {
  Durability durability = Durability::every_turn;
  std::uint64_t segment_bytes = 16U << 20;
};

/// The append-only log of turns, for writing. A segment is filled with zeros before it is used, and used again once its
/// turns are applied elsewhere: a sync of bytes that exist already costs two thirds of one that makes a file grow.
///
/// Two threads at a time: one appends; the store's own thread prepares the next segment, trims and syncs. What they
/// share is atomic, or behind one mutex that append() takes only to go on to the next segment.
class Log {
 public:
  /// Goes on behind what read_log() found, in a new segment. With `reuse` every turn up to there must be applied, and
  /// the segments that are there are used again; with `keep`, which a log that was cut does not allow, they stay until
  /// trim(). Errors: unavailable (cannot be written; no space for the first segment).
  enum class Found { reuse, keep };
  static Result<std::unique_ptr<Log>> open(std::string directory, std::uint64_t log, const LogEnd& end,
                                           LogOptions options, Found found = Found::reuse);
  ~Log();

  /// Makes turns durable with one sync, and gives the sequence of the last one. They are
  /// sealed here. Errors: unavailable (I/O error; a turn is too large), and nothing may be
  /// appended any more; no_space, and then resume() with the same turns, as they are now, goes on with them. Some of
  /// the turns may be in the log all the same.
  Result<std::uint64_t> append(std::span<const SharedTurn> turns);
  Result<std::uint64_t> resume(std::span<const SharedTurn> turns);

  /// Whether half a segment is left, for what must be written, when `bytes` are appended in one turn. False does not
  /// mean that the disk is full: a next segment may not be there yet.
  bool has_room(std::uint64_t bytes) const;
  /// The last try to make a next segment failed.
  bool is_full() const { return is_full_; }
  /// False: prepare() has something to do.
  bool is_ready() const { return is_ready_; }

  /// For the store's thread: makes sure that a next segment is ready. Errors: unavailable (no space; try again).
  Result<void> prepare();
  /// For the store's thread: the turns up to `sequence` are not needed any more.
  void trim(std::uint64_t sequence);
  /// For the store's thread, with every_second: what was appended so far is then on the disk. Errors: unavailable.
  Result<void> sync();

 private:
  struct Segment {
    std::uint64_t index = 0;
    std::uint64_t last = 0;  // sequence of its last turn
    std::string path;
    std::shared_ptr<const int> file;  // closes itself
  };

  Log(std::string directory, std::uint64_t log, const LogEnd& end, LogOptions options);

  std::string path_of(std::uint64_t index) const;
  /// From the file `recycled`, or a new one when it is empty.
  Result<Segment> make_segment(std::uint64_t index, const std::string& recycled) const;
  Result<void> put(EncodedTurn& turn);
  Result<void> write_parts();
  Result<void> next_segment();
  // With the mutex held.
  Result<void> make_ready();
  void free(const std::string& path);
  Result<void> free_all();
  Result<void> keep_all(const LogEnd& end);
  void remove_unnamed() const;

  std::string directory_;
  std::uint64_t log_;
  LogOptions options_;

  // Of the thread that appends.
  std::shared_ptr<const int> file_;  // of the present segment
  std::size_t taken_ = 0;            // of the turns of append(): sealed and in parts_, or written
  std::vector<iovec> parts_;         // gathered for one write
  std::uint64_t unwritten_ = 0;      // their bytes

  // Shared.
  mutable std::mutex mutex_;
  std::deque<Segment> used_;      // oldest first; the last one is the present one
  std::optional<Segment> ready_;  // the next one
  std::uint64_t next_index_;
  std::vector<std::string> free_;  // files to use again
  std::uint64_t free_number_ = 0;

  std::atomic<std::uint64_t> appended_;    // sequence of the last turn
  std::atomic<std::uint64_t> synced_;      // the same, of those on the disk
  std::atomic<std::uint64_t> offset_ = 0;  // in the present segment
  std::atomic<bool> is_ready_ = false;     // there is a next segment
  std::atomic<bool> is_full_ = false;      // the last try to make one failed
};

}  // namespace penstock::store
