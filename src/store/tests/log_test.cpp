// What the log promises: exactly the acknowledged turns come back, or it says where it is damaged.

#include "store/log/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/random.h"
#include "store/log/crc32c.h"

namespace penstock::store {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLog = 0x1234'5678'9abc'def1;
constexpr std::uint64_t kSegmentBytes = 32 << 10;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// What a client may send: here it looks like this log's own bytes.
std::string turn_text(std::uint64_t number) {
  SeededRandom random(number);
  std::string text = "turn " + std::to_string(number) + " ";
  for (std::uint64_t left = random.below(300); left > 0; --left) text.push_back(static_cast<char>(random.next()));
  return text;
}

class LogTest : public testing::Test {
 protected:
  void SetUp() override { fs::remove_all(directory_); }
  void TearDown() override { fs::remove_all(directory_); }

  struct Found {
    std::vector<std::string> turns;  // those behind `applied`
    LogEnd end;
    std::string refusal;
  };

  Found read(std::uint64_t applied = 0, std::uint64_t log = kLog) {
    Found found;
    std::uint64_t expected = applied + 1;
    const auto end = read_log(directory_, log, applied, [&](std::uint64_t sequence, std::string_view turn) {
      EXPECT_EQ(sequence, expected++);
      found.turns.emplace_back(turn);
      return Result<void>();
    });
    if (end) {
      found.end = *end;
    } else {
      EXPECT_EQ(end.error().code, Errc::unavailable);
      found.refusal = end.error().message;
    }
    return found;
  }

  std::unique_ptr<Log> open(const LogEnd& end = {}, Durability durability = Durability::every_turn) {
    auto log = Log::open(directory_, kLog, end, {durability, kSegmentBytes});
    EXPECT_TRUE(log) << log.error().message;
    return log ? std::move(*log) : nullptr;
  }

  static SharedTurn encoded(std::string_view text) {
    auto turn = std::make_shared<EncodedTurn>(text.size());
    std::ranges::copy(text, turn->data());
    return turn;
  }

  static void append(Log& log, std::string_view text) {
    const SharedTurn turn = encoded(text);
    const auto done = log.append({&turn, 1});
    ASSERT_TRUE(done) << done.error().message;
  }

  /// Turns 1 to `count`.
  void append_turns(Log& log, std::uint64_t count, std::uint64_t first = 1) {
    for (std::uint64_t n = first; n < first + count; ++n) append(log, turn_text(n));
  }

  void expect_turns(const Found& found, std::uint64_t count, std::uint64_t first = 1) {
    EXPECT_EQ(found.refusal, "");
    ASSERT_EQ(found.turns.size(), count);
    for (std::uint64_t n = 0; n < count; ++n) EXPECT_EQ(found.turns[n], turn_text(first + n));
    EXPECT_EQ(found.end.last, first + count - 1);
  }

  fs::path segment(std::uint64_t index) const { return fs::path(directory_) / segment_file_name(index); }

  const std::string directory_ = testing::TempDir() + "penstock_log_" + std::to_string(::getpid());
};

TEST(Crc32c, IsTheKnownOneWithAndWithoutTheInstruction) {
  EXPECT_EQ(crc32c(0, "123456789", 9), 0xe3069283U);
  EXPECT_EQ(crc32c_portable(0, "123456789", 9), 0xe3069283U);
  const std::string text = turn_text(7);
  for (std::size_t size = 0; size < 40; ++size) {
    EXPECT_EQ(crc32c(5, text.data(), size), crc32c_portable(5, text.data(), size));
  }
}

TEST_F(LogTest, TurnsComeBackInOrderOverManySegments) {
  append_turns(*open(), 1000);
  EXPECT_GT(list_segments(directory_)->size(), 4U);
  expect_turns(read(), 1000);
}

TEST_F(LogTest, ManyTurnsAtOnceAreAsManyOneByOne) {
  const auto log = open();
  for (std::uint64_t first = 1; first <= 2000; first += 500) {
    std::vector<SharedTurn> turns;
    for (std::uint64_t n = 0; n < 500; ++n) turns.push_back(encoded(turn_text(first + n)));
    const auto last = log->append(turns);
    ASSERT_TRUE(last) << last.error().message;
    EXPECT_EQ(*last, first + 499);
  }
  expect_turns(read(), 2000);
}

TEST_F(LogTest, OnlyWhatIsNotAppliedIsHandedOver) {
  append_turns(*open(), 1000);
  expect_turns(read(600), 400, 601);
  expect_turns(read(1000), 0, 1001);
}

TEST_F(LogTest, GoesOnAfterARestart) {
  append_turns(*open(), 100);
  const auto log = open(read().end);
  append_turns(*log, 100, 101);
  expect_turns(read(100), 100, 101);
}

TEST_F(LogTest, FreedSegmentsAreUsedAgainAndTheirOldTurnsAreNotRead) {
  const auto log = open();
  for (std::uint64_t n = 1; n <= 3000; ++n) {
    append(*log, turn_text(n));
    if (n > 20) log->trim(n - 20);
    ASSERT_TRUE(log->prepare());
  }
  EXPECT_LE(std::distance(fs::directory_iterator(directory_), {}), 8);
  const Found found = read(2980);
  expect_turns(found, 20, 2981);
}

TEST_F(LogTest, ATurnLargerThanASegmentHasRoom) {
  const auto log = open();
  append(*log, turn_text(1));
  const std::string large(3 * kSegmentBytes, 'x');
  append(*log, large);
  append(*log, turn_text(3));
  const Found found = read();
  ASSERT_EQ(found.turns.size(), 3U) << found.refusal;
  EXPECT_EQ(found.turns[1], large);
  EXPECT_EQ(found.turns[2], turn_text(3));
}

TEST_F(LogTest, HalfASegmentIsKeptForWhatMustBeWritten) {
  const auto log = open();
  EXPECT_TRUE(log->has_room(kSegmentBytes / 4));
  EXPECT_FALSE(log->has_room(kSegmentBytes / 2)) << "its head takes some of the first half";
  while (log->has_room(1'000)) append(*log, std::string(950, 'x'));
  EXPECT_FALSE(log->is_full());
  ASSERT_TRUE(log->prepare());
  EXPECT_TRUE(log->has_room(kSegmentBytes / 2));
  EXPECT_TRUE(log->has_room(4 * kSegmentBytes)) << "the disk has room for one that grows";
  EXPECT_FALSE(log->has_room(1ULL << 60));
}

/// The present segment before and after its last turn was written, which is at [begin, end).
struct LastWrite {
  std::string before;
  std::string after;
  std::size_t begin = 0;
  std::size_t end = 0;
};

class TornWrite : public LogTest, public testing::WithParamInterface<bool> {
 protected:
  /// The parameter: whether the segment was used before, so that old turns lie behind the new ones.
  LastWrite make() {
    auto log = open();
    std::uint64_t n = 1;
    if (GetParam()) {
      for (; n <= 2000; ++n) {
        append(*log, turn_text(n));
        log->trim(n);
      }
    }
    for (const std::uint64_t until = n + 20; n < until; ++n) append(*log, turn_text(n));
    applied_ = n - 20;
    path_ = list_segments(directory_)->back().path;
    LastWrite write;
    write.before = read_file(path_);
    append(*log, turn_text(n));
    last_ = n;
    write.after = read_file(path_);
    while (write.before[write.begin] == write.after[write.begin]) ++write.begin;
    write.begin -= write.begin % kFrameAlign;
    write.end = write.begin + kFrameHeadBytes + turn_text(n).size();
    return write;
  }

  /// All but the last turn, and the last one when it is whole.
  void expect_last(bool whole) {
    const Found found = read(applied_);
    ASSERT_EQ(found.refusal, "");
    ASSERT_EQ(found.end.last, whole ? last_ : last_ - 1);
    ASSERT_EQ(found.turns.size(), found.end.last - applied_);
    for (std::size_t i = 0; i < found.turns.size(); ++i) ASSERT_EQ(found.turns[i], turn_text(applied_ + 1 + i));
  }

  std::uint64_t applied_ = 0;
  std::uint64_t last_ = 0;
  fs::path path_;
};

TEST_P(TornWrite, ACrashAtEveryByteLeavesAllAcknowledgedTurns) {
  const LastWrite write = make();
  for (std::size_t cut = write.begin; cut < write.end; ++cut) {
    SCOPED_TRACE("cut at " + std::to_string(cut - write.begin));
    const std::string torn = write.after.substr(0, cut) + write.before.substr(cut);
    write_file(path_, torn);
    expect_last(torn.substr(0, write.end) == write.after.substr(0, write.end));
  }
  write_file(path_, write.after);
  expect_last(true);
}

TEST_P(TornWrite, SectorsMayReachTheDiskInAnyOrder) {
  const LastWrite write = make();
  constexpr std::size_t kSector = 64;  // smaller than any real one: more of them in a turn
  SeededRandom random(1);
  for (int round = 0; round < 300; ++round) {
    std::string torn = write.after;
    for (std::size_t at = write.begin / kSector * kSector; at < write.end; at += kSector) {
      if (random.below(2) == 0) torn.replace(at, kSector, write.before.substr(at, kSector));
    }
    write_file(path_, torn);
    expect_last(torn.substr(0, write.end) == write.after.substr(0, write.end));
  }
}

INSTANTIATE_TEST_SUITE_P(Segments, TornWrite, testing::Bool(),
                         [](const auto& info) { return info.param ? "used_before" : "new"; });

TEST_F(LogTest, AFlippedBitBeforeTheLastTurnIsRefusedWithItsPlace) {
  append_turns(*open(), 40);
  const std::string whole = read_file(segment(1));
  std::size_t last = kBlockBytes;
  for (auto frame = read_frame(whole, last, kLog); frame->sequence < 40; frame = read_frame(whole, last, kLog)) {
    last += frame->size;
  }
  SeededRandom random(2);
  for (int round = 0; round < 300; ++round) {
    const std::size_t at = kBlockBytes + random.below(last - kBlockBytes);
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random.below(8)));
    write_file(segment(1), damaged);
    const Found found = read();
    // Padding means nothing.
    if (found.refusal.empty()) {
      ASSERT_EQ(found.end.last, 40U) << "byte " << at;
      continue;
    }
    EXPECT_NE(found.refusal.find(segment_file_name(1)), std::string::npos) << found.refusal;
    for (std::size_t i = 0; i < found.turns.size(); ++i) ASSERT_EQ(found.turns[i], turn_text(1 + i));
  }
}

TEST_F(LogTest, AMissingSegmentIsRefused) {
  append_turns(*open(), 1000);
  const auto segments = *list_segments(directory_);
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
    const std::string kept = read_file(segments[i].path);
    fs::remove(segments[i].path);
    EXPECT_NE(read().refusal.find("is missing"), std::string::npos) << i;
    write_file(segments[i].path, kept);
  }
  expect_turns(read(), 1000);
}

TEST_F(LogTest, AMissingLastSegmentIsRefusedOnceANextOneIsReady) {
  const auto log = open();
  append_turns(*log, 1000);
  ASSERT_TRUE(log->prepare());
  const auto segments = *list_segments(directory_);
  fs::remove(segments[segments.size() - 2].path);
  EXPECT_NE(read().refusal.find("is missing"), std::string::npos);
}

TEST_F(LogTest, SegmentsThatOnlyHoldWhatIsAppliedMayBeMissing) {
  append_turns(*open(), 1000);
  const auto segments = *list_segments(directory_);
  fs::remove(segments[1].path);
  expect_turns(read(900), 100, 901);
}

TEST_F(LogTest, ASegmentOfAnotherLogIsRefused) {
  append_turns(*open(), 10);
  EXPECT_NE(read(0, kLog + 2).refusal.find("does not belong here"), std::string::npos);
  fs::rename(segment(1), segment(2));
  EXPECT_NE(read().refusal.find("written as number 1"), std::string::npos);
}

TEST_F(LogTest, ADamagedFirstBlockIsRefusedWhenTurnsFollow) {
  append_turns(*open(), 10);
  std::string bytes = read_file(segment(1));
  bytes[20] ^= 1;
  write_file(segment(1), bytes);
  EXPECT_NE(read().refusal.find("no readable first block"), std::string::npos);
}

TEST_F(LogTest, WhatAClientSendsIsNotTakenForATurn) {
  const SharedTurn turn = encoded("forged");
  turn->seal(kLog + 1, 2, 1);  // the log's number is not known outside
  const std::string forged(turn->frame());
  const auto log = open();
  append(*log, std::string(kFrameAlign, ' ') + forged + forged);
  const std::string whole = read_file(segment(1));
  // The tail of an earlier use of the file, cut so that the forged turn is where the next one would be.
  const Found found = read();
  EXPECT_EQ(found.turns.size(), 1U);
  EXPECT_EQ(found.end.last, 1U);
  EXPECT_FALSE(read_frame(whole, kBlockBytes + kFrameHeadBytes + kFrameAlign, kLog));
}

TEST_F(LogTest, EverySecondMayLoseTheLastTurnsButNeverOneInBetween) {
  const auto log = open({}, Durability::every_second);
  append_turns(*log, 10);
  ASSERT_TRUE(log->sync());
  append_turns(*log, 10, 11);
  const std::string whole = read_file(segment(1));
  std::size_t at = kBlockBytes;
  for (auto frame = read_frame(whole, at, kLog); frame; frame = read_frame(whole, at, kLog)) {
    std::string damaged = whole;
    damaged[at + kFrameHeadBytes] ^= 1;  // its sectors did not reach the disk
    write_file(segment(1), damaged);
    const Found found = read();
    if (frame->sequence <= 10) {
      EXPECT_NE(found.refusal, "") << frame->sequence;
    } else {
      EXPECT_EQ(found.refusal, "");
      EXPECT_EQ(found.end.last, frame->sequence - 1);
    }
    at += frame->size;
  }
}

TEST_F(LogTest, WhatWasCutOffIsNotReadAfterTheNextCrash) {
  {
    const auto log = open({}, Durability::every_second);
    append_turns(*log, 20);
  }
  std::string bytes = read_file(segment(1));
  std::size_t at = kBlockBytes;
  for (int n = 1; n < 10; ++n) at += read_frame(bytes, at, kLog)->size;
  bytes[at + kFrameHeadBytes] ^= 1;
  write_file(segment(1), bytes);
  const Found first = read();
  ASSERT_EQ(first.end.last, 9U);
  append(*open(first.end), "another turn 10");
  const Found second = read(9);
  ASSERT_EQ(second.turns, std::vector<std::string>{"another turn 10"}) << second.refusal;
}

}  // namespace
}  // namespace penstock::store
