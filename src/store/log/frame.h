#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::store {

// The log's bytes. A segment is a file: a block of kBlockBytes that names it, then frames, each at a multiple of
// kFrameAlign. A frame is one turn. Behind the last frame lies anything: zeros, or frames of an earlier use of the
// file. Numbers are little-endian.

inline constexpr std::size_t kBlockBytes = 4096;
inline constexpr std::size_t kFrameAlign = 8;
inline constexpr std::size_t kFrameHeadBytes = 24;
inline constexpr std::size_t kTurnBytesMax = 0xffff'0000;

/// Which log a segment belongs to, and its place in it.
struct SegmentName {
  std::uint64_t log = 0;  // random, the same for all segments of a log
  std::uint64_t index = 0;

  friend bool operator==(const SegmentName&, const SegmentName&) = default;
};

/// The first block of a segment.
std::string segment_block(const SegmentName& name);
/// Nothing: these bytes do not start a segment, or are damaged.
std::optional<SegmentName> read_segment_block(std::string_view file);

struct Frame {
  std::uint64_t sequence = 0;  // of the turn; counts from 1 and skips none
  std::uint64_t synced = 0;    // when this was written, all turns up to here were known to be on the disk
  std::string_view turn;
  std::size_t size = 0;  // with head and padding: where the next one starts
};

/// A turn's bytes, where the log can write them as they are: between the frame's head and its padding. While one thread
/// seals the frame, others may read the turn.
class EncodedTurn {
 public:
  /// Of so many bytes, which are still to be written to data().
  explicit EncodedTurn(std::size_t bytes);

  char* data() { return frame_.get() + kFrameHeadBytes; }
  std::string_view turn() const { return {frame_.get() + kFrameHeadBytes, bytes_}; }
  /// All that goes into a segment, once it is sealed.
  std::string_view frame() const;
  /// Fills in the head. The checksum starts from the log's number, which nobody outside knows: what a client sends
  /// cannot be a frame of this log, wherever its bytes lie.
  void seal(std::uint64_t log, std::uint64_t sequence, std::uint64_t synced);

 private:
  std::size_t bytes_;
  std::unique_ptr<char[]> frame_;
};

/// Of those who have still to write or read it.
using SharedTurn = std::shared_ptr<EncodedTurn>;

/// The frame that starts at `offset`; nothing when there is no whole, undamaged one.
std::optional<Frame> read_frame(std::string_view file, std::size_t offset, std::uint64_t log);

}  // namespace penstock::store
