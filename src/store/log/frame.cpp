#include "store/log/frame.h"

#include <bit>
#include <cstring>

#include "base/error.h"
#include "store/log/crc32c.h"

namespace penstock::store {
namespace {

static_assert(std::endian::native == std::endian::little, "the log is written in this byte order as it is");

constexpr std::string_view kMagic = "PENSTOCKLOG\x01";

// A frame's head: size of the turn, checksum of all that follows, sequence, synced.
constexpr std::size_t kSizeAt = 0;
constexpr std::size_t kChecksumAt = 4;
constexpr std::size_t kSequenceAt = 8;
constexpr std::size_t kSyncedAt = 16;

// A segment's block: magic, log, index, checksum of these.
constexpr std::size_t kLogAt = 16;
constexpr std::size_t kIndexAt = 24;
constexpr std::size_t kBlockChecksumAt = 32;

template <class Number>
Number number_at(std::string_view bytes, std::size_t offset) {
  Number value = 0;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

template <class Number>
void put_at(char* bytes, std::size_t offset, Number value) {
  std::memcpy(bytes + offset, &value, sizeof value);
}

/// Of the turn's size and of all behind the checksum.
std::uint32_t frame_checksum(std::string_view frame, std::uint64_t log) {
  std::uint32_t sum = crc32c(0, &log, sizeof log);
  sum = crc32c(sum, frame.data() + kSizeAt, sizeof(std::uint32_t));
  return crc32c(sum, frame.data() + kSequenceAt, frame.size() - kSequenceAt);
}

std::size_t padded(std::size_t size) {
  return (size + kFrameAlign - 1) / kFrameAlign * kFrameAlign;
}

}  // namespace

std::string segment_block(const SegmentName& name) {
  std::string block(kBlockBytes, '\0');
  block.replace(0, kMagic.size(), kMagic);
  put_at(block.data(), kLogAt, name.log);
  put_at(block.data(), kIndexAt, name.index);
  put_at(block.data(), kBlockChecksumAt, crc32c(0, block.data(), kBlockChecksumAt));
  return block;
}

std::optional<SegmentName> read_segment_block(std::string_view file) {
  if (file.size() < kBlockBytes || !file.starts_with(kMagic)) return std::nullopt;
  if (number_at<std::uint32_t>(file, kBlockChecksumAt) != crc32c(0, file.data(), kBlockChecksumAt)) return std::nullopt;
  return SegmentName{number_at<std::uint64_t>(file, kLogAt), number_at<std::uint64_t>(file, kIndexAt)};
}

EncodedTurn::EncodedTurn(std::size_t bytes)
    : bytes_(bytes), frame_(std::make_unique_for_overwrite<char[]>(padded(kFrameHeadBytes + bytes))) {
  std::memset(frame_.get(), 0, kFrameHeadBytes);
  std::memset(data() + bytes_, 0, frame().size() - kFrameHeadBytes - bytes_);
}

std::string_view EncodedTurn::frame() const {
  return {frame_.get(), padded(kFrameHeadBytes + bytes_)};
}

void EncodedTurn::seal(std::uint64_t log, std::uint64_t sequence, std::uint64_t synced) {
  ENSURE(bytes_ <= kTurnBytesMax);
  put_at(frame_.get(), kSizeAt, static_cast<std::uint32_t>(bytes_));
  put_at(frame_.get(), kSequenceAt, sequence);
  put_at(frame_.get(), kSyncedAt, synced);
  put_at(frame_.get(), kChecksumAt, frame_checksum({frame_.get(), kFrameHeadBytes + bytes_}, log));
}

std::optional<Frame> read_frame(std::string_view file, std::size_t offset, std::uint64_t log) {
  if (offset > file.size() || file.size() - offset < kFrameHeadBytes) return std::nullopt;
  const std::string_view rest = file.substr(offset);
  const std::size_t size = number_at<std::uint32_t>(rest, kSizeAt);
  if (size > rest.size() - kFrameHeadBytes) return std::nullopt;
  const std::string_view frame = rest.substr(0, kFrameHeadBytes + size);
  if (number_at<std::uint32_t>(rest, kChecksumAt) != frame_checksum(frame, log)) return std::nullopt;
  return Frame{number_at<std::uint64_t>(rest, kSequenceAt), number_at<std::uint64_t>(rest, kSyncedAt),
               frame.substr(kFrameHeadBytes), padded(frame.size())};
}

}  // namespace penstock::store
