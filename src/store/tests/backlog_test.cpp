#include "store/log/backlog.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "store/log/record_codec.h"

namespace penstock::store {
namespace {

class BacklogTest : public testing::Test {
 protected:
  static JobId job(int number) { return JobId::parse("job-" + std::to_string(number)).value(); }

  void add(int number) {
    core::JobAdded record;
    record.request.id = job(number);
    added.push_back(encode(std::vector<core::Record>{record}));
    backlog.add(static_cast<std::uint64_t>(number), added.back());
  }

  std::ptrdiff_t kept() const {
    return std::ranges::count_if(added, [](const SharedTurn& turn) { return turn.use_count() > 1; });
  }

  Backlog backlog;
  std::vector<SharedTurn> added;
};

TEST_F(BacklogTest, LetsGoOfWhatTheTablesHaveLittleByLittle) {
  for (int i = 1; i <= 100; ++i) add(i);
  EXPECT_FALSE(backlog.drop(0));
  EXPECT_EQ(kept(), 100);
  EXPECT_TRUE(backlog.drop(100));
  EXPECT_GE(kept(), 90) << "the loop waits for it";
  // It is called with each turn: fewer than two at once would let them pile up.
  for (int i = 101; i <= 150; ++i) {
    add(i);
    backlog.drop(100);
  }
  EXPECT_EQ(kept(), 50);
  EXPECT_FALSE(backlog.drop(100)) << "the others are not in the tables yet";
  EXPECT_FALSE(backlog.holds_whole(job(100)));
  EXPECT_TRUE(backlog.holds_whole(job(101)));
}

TEST_F(BacklogTest, ForgetsWhatItHadLookedUp) {
  for (int i = 1; i <= 2; ++i) add(i);
  EXPECT_TRUE(backlog.holds_whole(job(1)));
  while (kept() > 1) backlog.drop(1);
  EXPECT_FALSE(backlog.holds_whole(job(1)));
  EXPECT_TRUE(backlog.holds_whole(job(2)));
}

}  // namespace
}  // namespace penstock::store
