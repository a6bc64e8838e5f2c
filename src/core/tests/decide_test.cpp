#include <gtest/gtest.h>

#include "base/random.h"
#include "core/scaling/decide.h"

namespace penstock::core {
namespace {

ScaleInputs inputs(ScalerType scaler, int value, int max = 10) {
  ScaleInputs in;
  in.scaler = scaler;
  in.scaler_value = value;
  in.workers_max = max;
  return in;
}

// ---------------------------------------------------------------- REQUEST_COUNT

struct RequestCountCase {
  int value, queued, running, present, min, max, wanted;
  ScaleClamp clamp;
};

TEST(Decide, RequestCount) {
  const RequestCountCase cases[] = {
      {1, 0, 0, 0, 0, 3, 0, ScaleClamp::none},         {1, 1, 0, 0, 0, 3, 1, ScaleClamp::none},
      {1, 3, 0, 0, 0, 3, 3, ScaleClamp::none},         {1, 6, 0, 0, 0, 3, 3, ScaleClamp::workers_max},
      {4, 4, 5, 0, 0, 10, 3, ScaleClamp::none},        {4, 0, 4, 0, 0, 10, 1, ScaleClamp::none},
      {4, 1, 4, 0, 0, 10, 2, ScaleClamp::none},        {4, 0, 0, 5, 2, 10, 2, ScaleClamp::workers_min},
      {4, 0, 0, 5, 0, 10, 0, ScaleClamp::none},        {1, 5, 0, 0, 0, 0, 0, ScaleClamp::workers_max},
      {1'000'000, 1, 0, 0, 0, 3, 1, ScaleClamp::none}, {2, 2'000'000'000, 0, 0, 0, 7, 7, ScaleClamp::workers_max},
  };
  for (const auto& c : cases) {
    ScaleInputs in = inputs(ScalerType::request_count, c.value, c.max);
    in.queued = c.queued;
    in.in_progress = c.running;
    in.present = c.present;
    in.workers_min = c.min;
    const ScaleDecision out = decide(in);
    EXPECT_EQ(out.wanted, c.wanted) << c.queued << "+" << c.running << " by " << c.value;
    EXPECT_EQ(out.clamp, c.clamp) << c.queued << "+" << c.running << " by " << c.value;
    EXPECT_EQ(out.rule, ScaleRule::request_count);
  }
}

TEST(Decide, AUsedUpBudgetKeepsWhoIsThereAndStartsNobody) {
  ScaleInputs in = inputs(ScalerType::request_count, 1);
  in.queued = 5;
  in.present = 2;
  in.workers_min = 3;
  in.budget_used_up = true;
  EXPECT_EQ(decide(in).wanted, 2);
  EXPECT_EQ(decide(in).clamp, ScaleClamp::budget);
  in.queued = in.workers_min = 0;
  EXPECT_EQ(decide(in).clamp, ScaleClamp::none) << "it holds nothing back";
}

// ---------------------------------------------------------------- QUEUE_DELAY

TEST(Decide, QueueDelayStartsAtOnceFromZero) {
  ScaleInputs in = inputs(ScalerType::queue_delay, 4);
  EXPECT_EQ(decide(in).wanted, 0);
  in.queued = 1;
  EXPECT_EQ(decide(in).wanted, 1);
  EXPECT_EQ(decide(in).rule, ScaleRule::from_zero);
  in.queued = 100;
  EXPECT_EQ(decide(in).wanted, 1) << "one at a time";
}

TEST(Decide, QueueDelayWaitsLongerThanItsValue) {
  ScaleInputs in = inputs(ScalerType::queue_delay, 4);
  in.queued = 1;
  in.present = 1;
  in.oldest_wait = Millis{4'000};
  EXPECT_EQ(decide(in).wanted, 1);
  in.oldest_wait = Millis{4'001};
  EXPECT_EQ(decide(in).wanted, 2);
  EXPECT_EQ(decide(in).rule, ScaleRule::queue_delay);
}

TEST(Decide, QueueDelayAddsOnePerValueOfContinuedViolation) {
  ScaleInputs in = inputs(ScalerType::queue_delay, 4);
  in.queued = 50;
  in.present = 3;
  in.oldest_wait = Millis{60'000};
  in.since_last_addition = Millis{4'000};
  EXPECT_EQ(decide(in).wanted, 3);
  in.since_last_addition = Millis{4'001};
  EXPECT_EQ(decide(in).wanted, 4);
}

TEST(Decide, QueueDelayCountsWorkersOnTheirWay) {
  ScaleInputs in = inputs(ScalerType::queue_delay, 1);
  in.queued = 2;
  in.present = 3;
  in.oldest_wait = Millis{60'000};
  in.starting = 2;
  EXPECT_EQ(decide(in).wanted, 3) << "both jobs will find one of them";
  EXPECT_FALSE(decide(in).look_again_in);
  in.starting = 1;
  EXPECT_EQ(decide(in).wanted, 4);
}

TEST(Decide, QueueDelayKeepsWhatIsThereWithoutWork) {
  ScaleInputs in = inputs(ScalerType::queue_delay, 4);
  in.present = 5;
  EXPECT_EQ(decide(in).wanted, 5) << "idleTimeout stops workers, not the scaler";
  EXPECT_EQ(decide(in).rule, ScaleRule::keep);
}

// ---------------------------------------------------------------- clamps

TEST(Decide, ClampsAreNamed) {
  ScaleInputs in = inputs(ScalerType::queue_delay, 4, 3);
  EXPECT_EQ(decide(in).clamp, ScaleClamp::none);
  in.workers_min = 2;
  EXPECT_EQ(decide(in).wanted, 2);
  EXPECT_EQ(decide(in).clamp, ScaleClamp::workers_min);
  in.workers_min = 0;
  in.present = 5;
  EXPECT_EQ(decide(in).wanted, 3);
  EXPECT_EQ(decide(in).clamp, ScaleClamp::workers_max);
}

TEST(Decide, WorkersMaxZeroPauses) {
  for (const ScalerType scaler : {ScalerType::queue_delay, ScalerType::request_count}) {
    ScaleInputs in = inputs(scaler, 1, 0);
    in.queued = 10;
    in.low_priority_queued = 10;
    in.oldest_wait = in.oldest_low_priority_wait = Millis{100'000};
    EXPECT_EQ(decide(in).wanted, 0);
    EXPECT_EQ(decide(in).clamp, ScaleClamp::workers_max);
    EXPECT_FALSE(decide(in).look_again_in) << "time alone changes nothing";
  }
}

// ---------------------------------------------------------------- low priority

TEST(Decide, LowPriorityAddsNoWorker) {
  for (const ScalerType scaler : {ScalerType::queue_delay, ScalerType::request_count}) {
    ScaleInputs in = inputs(scaler, 1);
    in.low_priority_queued = 7;
    in.oldest_low_priority_wait = Millis{59'999};
    EXPECT_EQ(decide(in).wanted, 0);
    EXPECT_EQ(decide(in).look_again_in, Millis{1});
    in.oldest_low_priority_wait = Millis{60'000};
    EXPECT_EQ(decide(in).wanted, 1) << "a lone one still needs somebody";
    EXPECT_EQ(decide(in).rule, ScaleRule::low_priority_wait);
    in.present = 1;
    EXPECT_LE(decide(in).wanted, 1);
    EXPECT_NE(decide(in).rule, ScaleRule::low_priority_wait);
  }
}

// ---------------------------------------------------------------- replay

ScaleInputs random_inputs(Random& random) {
  const auto upto = [&](int most) { return static_cast<int>(random.below(static_cast<std::uint64_t>(most) + 1)); };
  ScaleInputs in;
  in.scaler = upto(1) == 0 ? ScalerType::queue_delay : ScalerType::request_count;
  in.scaler_value = 1 + upto(5);
  in.workers_max = upto(6);
  in.workers_min = upto(in.workers_max);
  in.queued = upto(8);
  in.in_progress = upto(8);
  in.low_priority_queued = upto(3);
  in.present = upto(6);
  in.starting = upto(in.present);
  if (in.queued > 0) in.oldest_wait = Millis{upto(9'000)};
  if (in.low_priority_queued > 0) in.oldest_low_priority_wait = Millis{upto(70'000)};
  if (upto(1) == 1) in.since_last_addition = Millis{upto(9'000)};
  return in;
}

ScaleInputs older(ScaleInputs in, Millis by) {
  if (in.queued > 0) in.oldest_wait += by;
  if (in.low_priority_queued > 0) in.oldest_low_priority_wait += by;
  if (in.since_last_addition) *in.since_last_addition += by;
  return in;
}

TEST(Decide, EqualInputsEqualDecision) {
  SeededRandom random(11);
  for (int i = 0; i < 2'000; ++i) {
    const ScaleInputs in = random_inputs(random);
    const ScaleInputs copy = in;
    EXPECT_EQ(decide(in), decide(copy));
  }
}

/// look_again_in is the very instant at which growing older changes the count: not before it, and, without it, never.
TEST(Decide, LooksAgainExactlyWhenTheCountChanges) {
  SeededRandom random(12);
  int changes = 0;
  for (int i = 0; i < 20'000; ++i) {
    const ScaleInputs in = random_inputs(random);
    const ScaleDecision now = decide(in);
    if (!now.look_again_in) {
      for (const int ms : {1, 100, 5'000, 20'000, 100'000, 100'000'000}) {
        ASSERT_EQ(decide(older(in, Millis{ms})).wanted, now.wanted) << "after " << ms << " ms";
      }
      continue;
    }
    ASSERT_GT(now.look_again_in->count(), 0);
    ASSERT_EQ(decide(older(in, *now.look_again_in - Millis{1})).wanted, now.wanted);
    ASSERT_GT(decide(older(in, *now.look_again_in)).wanted, now.wanted);
    ++changes;
  }
  EXPECT_GT(changes, 500);
}

TEST(Decide, IsNamedInWords) {
  EXPECT_EQ(to_text(ScaleRule::from_zero), "from zero");
  EXPECT_EQ(to_text(ScaleRule::request_count), "REQUEST_COUNT");
  EXPECT_EQ(to_text(ScaleRule::queue_delay), "QUEUE_DELAY");
  EXPECT_EQ(to_text(ScaleClamp::workers_max), "workersMax");
}

}  // namespace
}  // namespace penstock::core
