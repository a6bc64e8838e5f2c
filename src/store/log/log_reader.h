#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/log/frame.h"

namespace penstock::store {

/// A segment file as found in the log's directory.
struct SegmentFile {
  std::string path;
  std::uint64_t index = 0;  // from its file name
  std::uint64_t bytes = 0;
};

/// `00000000000000000007.seg`
std::string segment_file_name(std::uint64_t index);
/// The segments of a directory by index, and nothing else that lies there; none when it does not exist. Errors:
/// unavailable (cannot be listed).
Result<std::vector<SegmentFile>> list_segments(const std::string& directory);

/// What reading the log came to.
struct LogEnd {
  /// A segment that was read, and the sequence of its last turn, or of the one before it when it has none.
  struct Segment {
    std::string path;
    std::uint64_t index = 0;
    std::uint64_t last = 0;
    bool has_turns = false;
  };

  std::uint64_t last = 0;         // sequence of the last turn that is there; `applied` when none was left to read
  std::uint64_t next_index = 1;   // of the segment to be made next
  std::vector<Segment> segments;  // by index
  bool is_cut = false;  // turns that were never acknowledged lie behind the last one, in segments of their own
};

/// Reads the turns behind `applied` in order and hands each over. What was written last before a crash may be there in
/// part: such a turn was never acknowledged, and the log ends before it. Anything else that is wrong is damage: a turn
/// that cannot be read although a later one says that it was on the disk, a missing segment, a segment of another log.
///
/// Changes nothing on the disk. `on_turn` gives an error to stop. Errors: unavailable, naming file and offset.
Result<LogEnd> read_log(const std::string& directory, std::uint64_t log, std::uint64_t applied,
                        const std::function<Result<void>(std::uint64_t sequence, std::string_view turn)>& on_turn);

/// What is left in a segment, whatever its state.
struct SegmentRemains {
  bool has_name = false;  // its first block is readable
  SegmentName name;
  std::uint64_t passed_bytes = 0;  // from its start: turns up to `applied`
  std::uint64_t bytes = 0;         // up to the end of the last turn behind `applied` that can be read; 0: there is none
  bool holds_bytes = false;        // something was written behind its first block
};

/// Looks at every place of a damaged log's segment for turns behind `applied`, and hands over those that can be read.
/// Turns from an earlier use of the file may be among them, if a crash cut them off before they were acknowledged.
/// Errors: unavailable (cannot be read).
Result<SegmentRemains> search_segment(
    const SegmentFile& segment, std::uint64_t log, std::uint64_t applied,
    const std::function<void(std::uint64_t sequence, std::string_view turn)>& on_turn);

}  // namespace penstock::store
