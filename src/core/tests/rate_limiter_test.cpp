#include "core/limits/rate_limiter.h"

#include <gtest/gtest.h>

namespace penstock::core {
namespace {

struct Limiter : testing::Test {
  EndpointId endpoint = *EndpointId::parse("one");
  Time now{Millis{1'000'000}};
  int workers = 0;
  int asked = 0;

  std::optional<RateLimiter::Refusal> enter(RateLimiter& limiter, Operation operation, const EndpointId& of) {
    return limiter.enter(now, of, operation, [this] {
      ++asked;
      return workers;
    });
  }
  std::optional<RateLimiter::Refusal> enter(RateLimiter& limiter, Operation operation = Operation::run) {
    return enter(limiter, operation, endpoint);
  }

  static RateLimits with(OperationLimit limit) {
    RateLimits limits;
    limits.of(Operation::run) = limit;
    return limits;
  }
};

TEST_F(Limiter, WithoutLimitsNothingIsCounted) {
  RateLimiter limiter{RateLimits{}};
  for (int i = 0; i < 10'000; ++i) ASSERT_FALSE(enter(limiter));
  EXPECT_EQ(limiter.size(), 0u);
}

TEST_F(Limiter, AWindowBeginsWithItsFirstRequest) {
  RateLimiter limiter(with({2, 0}));
  EXPECT_FALSE(enter(limiter));
  now += Millis{4'000};
  EXPECT_FALSE(enter(limiter));
  const auto refused = enter(limiter);
  ASSERT_TRUE(refused);
  EXPECT_FALSE(refused->concurrent);
  EXPECT_EQ(refused->limit, 2);
  EXPECT_EQ(refused->retry_after, Millis{6'000});
  now += Millis{5'999};
  EXPECT_TRUE(enter(limiter)) << "a refused request begins no window";
  now += Millis{1};
  EXPECT_FALSE(enter(limiter));
  EXPECT_FALSE(enter(limiter));
  EXPECT_TRUE(enter(limiter));
}

TEST_F(Limiter, OperationsAndEndpointsAreCountedApart) {
  RateLimits limits = with({1, 0});
  limits.of(Operation::cancel) = {1, 0};
  RateLimiter limiter(limits);
  EXPECT_FALSE(enter(limiter));
  EXPECT_FALSE(enter(limiter, Operation::cancel));
  EXPECT_FALSE(enter(limiter, Operation::run, *EndpointId::parse("two")));
  EXPECT_FALSE(enter(limiter, Operation::status));
  EXPECT_FALSE(enter(limiter, Operation::status)) << "this one has no limit";
  EXPECT_TRUE(enter(limiter));
}

TEST_F(Limiter, ConcurrentRequestsComeAndGo) {
  RateLimiter limiter(with({0, 2}));
  EXPECT_FALSE(enter(limiter));
  EXPECT_FALSE(enter(limiter));
  const auto refused = enter(limiter);
  ASSERT_TRUE(refused);
  EXPECT_TRUE(refused->concurrent);
  EXPECT_EQ(refused->retry_after, Millis{1'000});
  limiter.leave(endpoint, Operation::run);
  EXPECT_FALSE(enter(limiter));
  EXPECT_TRUE(enter(limiter));
  limiter.leave(endpoint, Operation::cancel);
  EXPECT_TRUE(enter(limiter)) << "another operation left";
}

TEST_F(Limiter, RunningWorkersRaiseALimitThatIsReached) {
  RateLimiter limiter(with({60, 0}));
  workers = 2;
  for (int i = 0; i < 60; ++i) ASSERT_FALSE(enter(limiter));
  EXPECT_EQ(asked, 0);
  for (int i = 60; i < 100; ++i) ASSERT_FALSE(enter(limiter));
  EXPECT_EQ(enter(limiter)->limit, 100);
  workers = 1;
  EXPECT_EQ(enter(limiter)->limit, 60) << "never below what is set";
}

TEST_F(Limiter, EndpointsThatNobodyUsesAreForgotten) {
  RateLimiter limiter(with({5, 5}));
  const EndpointId held = *EndpointId::parse("held");
  EXPECT_FALSE(enter(limiter, Operation::run, held));
  for (int i = 0; i < 100'000; ++i) {
    const EndpointId one = *EndpointId::parse("e" + std::to_string(i));
    ASSERT_FALSE(enter(limiter, Operation::run, one));
    limiter.leave(one, Operation::run);
    now += Millis{10};
  }
  EXPECT_LT(limiter.size(), 4'096u);
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(enter(limiter, Operation::run, held));
  EXPECT_TRUE(enter(limiter, Operation::run, held)->concurrent) << "the first one is still under way";
}

TEST_F(Limiter, TheHostedNumbers) {
  const RateLimits limits = RateLimits::hosted();
  EXPECT_TRUE(limits.any());
  EXPECT_EQ(limits.of(Operation::run).per_window, 1'000);
  EXPECT_EQ(limits.of(Operation::purge_queue).per_window, 2);
  EXPECT_EQ(limits.of(Operation::purge_queue).concurrent, 0);
  EXPECT_EQ(limits.of(Operation::openai).concurrent, 400);
}

}  // namespace
}  // namespace penstock::core
