#include "store/log/record_codec.h"

#include <gtest/gtest.h>

#include <limits>

namespace penstock::store {
namespace {

/// What comes back of a time, and with how many bytes.
std::pair<std::int64_t, std::size_t> through_the_log(std::int64_t ms) {
  const core::Record record = core::JobsForgotten{from_ms(ms)};
  const SharedTurn turn = encode({&record, 1});
  const auto read = decode_turn(turn->turn());
  EXPECT_TRUE(read.has_value() && read->size() == 1U);
  return {to_ms(std::get<core::JobsForgotten>(read->front()).expired_at), turn->turn().size()};
}

TEST(RecordCodec, KnowsTheSizeOfEveryNumber) {
  std::vector<std::int64_t> numbers{0, std::numeric_limits<std::int64_t>::min(),
                                    std::numeric_limits<std::int64_t>::max()};
  for (int bit = 0; bit < 63; ++bit) {
    for (const int beside : {-1, 0, 1}) {
      numbers.push_back((std::int64_t{1} << bit) + beside);
      numbers.push_back(-(std::int64_t{1} << bit) + beside);
    }
  }
  for (const std::int64_t number : numbers) EXPECT_EQ(through_the_log(number).first, number);
  EXPECT_EQ(through_the_log(63).second, 2U);  // the kind, and a number of seven bits with its sign
  EXPECT_EQ(through_the_log(64).second, 3U);
  EXPECT_EQ(through_the_log(-64).second, 2U);
  EXPECT_EQ(through_the_log(std::numeric_limits<std::int64_t>::min()).second, 11U);
}

TEST(RecordCodec, KnowsTheSizeOfTextsAndPayloads) {
  for (const std::size_t size : {0, 1, 127, 128, 16'383, 16'384, 2'000'000}) {
    core::ChunkAdded added;
    added.job = *JobId::parse("job");
    added.chunk = core::bytes(std::string(size, 'x'));
    const std::vector<core::Record> turn{added, core::ChunksCleared{added.job}};
    const auto read = decode_turn(encode(turn)->turn());
    ASSERT_TRUE(read.has_value() && read->size() == 2U);
    EXPECT_EQ(*std::get<core::ChunkAdded>(read->front()).chunk, *added.chunk);
  }
}

}  // namespace
}  // namespace penstock::store
