#include "core/timers.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <vector>

#include "base/random.h"

namespace penstock::core {
namespace {

/// Timers never look into their targets, so any address will do: that of the slot itself.
struct TimersTest : testing::Test {
  TimersTest() {
    for (int i = 0; i < 100; ++i) slots.emplace_back(timers);
  }

  TimerTarget target(int i) { return reinterpret_cast<JobEntry*>(&slots.at(static_cast<std::size_t>(i))); }
  TimerSlot& slot(int i) { return slots.at(static_cast<std::size_t>(i)); }
  void arm(int i, std::int64_t at_ms) { slot(i).arm(from_ms(at_ms), target(i)); }
  /// The slots that are due, first to last.
  std::vector<int> due(std::int64_t now_ms) {
    std::vector<int> out;
    while (const auto fired = timers.take_due(from_ms(now_ms))) {
      int i = 0;
      while (target(i) != *fired) ++i;
      EXPECT_FALSE(slot(i).armed());
      out.push_back(i);
    }
    return out;
  }

  Timers timers;
  std::deque<TimerSlot> slots;
};

using Fired = std::vector<int>;

TEST_F(TimersTest, FireByTimeAndNotBefore) {
  EXPECT_EQ(timers.next(), Time::max());
  arm(0, 30);
  arm(1, 10);
  arm(2, 20);
  EXPECT_EQ(timers.next(), from_ms(10));
  EXPECT_EQ(due(9), Fired{});
  EXPECT_EQ(due(20), (Fired{1, 2}));
  EXPECT_EQ(timers.next(), from_ms(30));
  EXPECT_EQ(due(1'000), Fired{0});
  EXPECT_EQ(timers.next(), Time::max());
}

TEST_F(TimersTest, OfTheSameTimeFireInTheOrderInWhichTheyWereArmed) {
  for (int i = 0; i < 3; ++i) arm(i, 50);
  EXPECT_EQ(due(50), (Fired{0, 1, 2}));
  arm(0, 70);  // begins the first run
  arm(1, 50);
  arm(2, 60);
  slot(0).disarm();
  arm(3, 50);  // is too early for the second, and alone in the first
  EXPECT_EQ(due(60), (Fired{1, 3, 2}));
}

TEST_F(TimersTest, ArmedAgainForTheSameTimeKeepsItsPlaceAndForAnotherIsTheLatest) {
  arm(0, 50);
  arm(1, 50);
  arm(2, 50);
  arm(0, 50);
  EXPECT_EQ(slot(0).at(), from_ms(50));
  arm(1, 60);
  arm(1, 50);
  EXPECT_EQ(due(50), (Fired{0, 2, 1}));
}

TEST_F(TimersTest, AnyOfARunMayBeDisarmed) {
  for (const int gone : {0, 2, 4}) {
    for (int i = 0; i < 5; ++i) arm(i, 10 * (i + 1));
    slot(gone).disarm();
    slot(gone).disarm();
    EXPECT_FALSE(slot(gone).armed());
    EXPECT_EQ(timers.next(), from_ms(gone == 0 ? 20 : 10));
    arm(5, 45);  // behind what is now the last of the run, or in another one
    Fired rest{0, 1, 2, 3, 4};
    std::erase(rest, gone);
    rest.insert(gone == 4 ? rest.end() : rest.end() - 1, 5);
    EXPECT_EQ(due(50), rest);
  }
}

TEST_F(TimersTest, MoreDescendingTimesThanRunsFireInOrder) {
  for (int i = 0; i < 100; ++i) arm(i, 100 - i / 2);  // pairs of the same time
  slot(99).disarm();
  slot(50).disarm();
  EXPECT_EQ(timers.next(), from_ms(51));
  Fired wanted;
  for (int i = 98; i >= 0; i -= 2) {
    if (i != 50) wanted.push_back(i);
    if (i + 1 != 99) wanted.push_back(i + 1);
  }
  EXPECT_EQ(due(100), wanted);
}

TEST_F(TimersTest, AnOwnerTakesItsTimerAlong) {
  arm(0, 10);
  {
    TimerSlot gone(timers);
    gone.arm(from_ms(5), target(1));
    EXPECT_EQ(timers.next(), from_ms(5));
  }
  EXPECT_EQ(timers.next(), from_ms(10));
}

/// As a plain ordered table would have it, whatever is armed and disarmed: with a few durations, as nearly all are, and
/// with any.
TEST_F(TimersTest, FireAsThoseOfAMultimapDo) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRandom random(seed);
    const std::uint64_t durations = seed % 2 == 0 ? 6 : 200;
    std::multimap<std::int64_t, int> model;
    const auto forget = [&](int i) { std::erase_if(model, [&](const auto& entry) { return entry.second == i; }); };
    std::int64_t now = 0;
    for (int step = 0; step < 5'000; ++step) {
      const int i = static_cast<int>(random.below(slots.size()));
      const std::int64_t at = now + static_cast<std::int64_t>(random.below(durations) * 1'000 / durations);
      if (random.below(3) == 0) {
        slot(i).disarm();
        forget(i);
      } else if (!slot(i).armed() || slot(i).at() != from_ms(at)) {
        arm(i, at);
        forget(i);
        model.emplace(at, i);
      }
      if (random.below(4) == 0) now += static_cast<std::int64_t>(random.below(30));
      ASSERT_EQ(timers.next(), model.empty() ? Time::max() : from_ms(model.begin()->first)) << "seed " << seed;
      Fired wanted;
      for (; !model.empty() && model.begin()->first <= now; model.erase(model.begin())) {
        wanted.push_back(model.begin()->second);
      }
      ASSERT_EQ(due(now), wanted) << "seed " << seed;
    }
    for (TimerSlot& each : slots) each.disarm();
  }
}

}  // namespace
}  // namespace penstock::core
