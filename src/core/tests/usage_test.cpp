#include <numeric>

#include "core/tests/rig.h"
#include "core/usage/budgets.h"
#include "core/usage/meters.h"

// What workers used, and budgets of it.

namespace penstock::core {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;

struct Usage : testing::Test {
  UsageRow used(const EndpointId& at, const char* pool = "ADA_24") {
    rig.send(MeterUsage{});
    UsageRow total;
    for (const UsageRow& row : rig.books.usage()) {
      if (row.endpoint != at || row.pool != pool) continue;
      for (std::size_t i = 0; i < kUsageStates; ++i) {
        total.worker_ms[i] += row.worker_ms[i];
        total.gpu_ms[i] += row.gpu_ms[i];
      }
    }
    return total;
  }
  using Times = std::array<std::int64_t, kUsageStates>;
  void budget(const EndpointId& endpoint, std::optional<std::int64_t> seconds,
              BudgetAction action = BudgetAction::keep_workers) {
    Budget value;
    value.owner = rig.owner;
    value.endpoint = endpoint;
    if (seconds) value.per_day = *seconds * 1'000;
    value.action = action;
    rig.send(SaveBudget{0, value});
  }
  int started() { return static_cast<int>(rig.started().size()); }
  int stopped() { return static_cast<int>(rig.stopped().size()); }

  Rig rig;
};

TEST_F(Usage, EveryMomentOfAWorkerIsOneOfItsStates) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) {
    in.gpu_count = 2;
    in.idle_timeout_s = 60;
  });
  const JobId job = rig.submit(at);
  const WorkerId worker = rig.started().at(0);
  rig.advance(Millis{1'500});
  ASSERT_EQ(rig.work(at, worker), std::vector<JobId>{job});
  rig.advance(Millis{7'000});
  rig.finish(at, worker, job);
  rig.advance(Millis{250});
  EXPECT_EQ(used(at).worker_ms, (Times{1'500, 250, 7'000, 0}));
  EXPECT_EQ(used(at).gpu_ms, (Times{3'000, 500, 14'000, 0}));
  rig.apply(WorkerExited{worker, 0, "exit code 0"});
  rig.advance(Millis{5'000});
  EXPECT_EQ(used(at).worker_ms, (Times{1'500, 250, 7'000, 0})) << "nobody is there";
}

TEST_F(Usage, AttachedWorkersAreTheUsersOwn) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  rig.work(at, rig.attach(at));
  rig.advance(Millis{60'000});
  rig.send(MeterUsage{});
  EXPECT_TRUE(rig.books.usage().empty());
}

TEST_F(Usage, CpuWorkersHaveAPoolOfTheirOwn) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) {
    in.gpu_ids = {};
    in.instance_ids = std::vector<std::string>{"cpu3c-2-4"};
    in.workers_min = 1;
  });
  rig.advance(Millis{3'000});
  EXPECT_EQ(used(at, "CPU").worker_ms, (Times{3'000, 0, 0, 0}));
  EXPECT_EQ(used(at, "CPU").gpu_ms, (Times{}));
}

TEST_F(Usage, ACrashLosesNothing) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_min = 2, in.workers_max = 2; });
  rig.advance(Millis{90'000});
  rig.restart();
  rig.now += Millis{2 * kHourMs};  // the server is away, the workers are not
  rig.restart();
  const UsageRow row = used(at);
  EXPECT_EQ(std::accumulate(row.worker_ms.begin(), row.worker_ms.end(), std::int64_t{0}), 2 * (90'000 + 2 * kHourMs));
  std::vector<Time> hours;
  for (const UsageRow& one : rig.books.usage()) hours.push_back(one.hour);
  EXPECT_EQ(hours.size(), 3u) << "shared out over the hours";
}

TEST_F(Usage, ARunningWorkerIsWrittenDownEveryMinute) {
  rig.endpoint([](EndpointInput& in) { in.workers_min = 1; });
  rig.advance(Millis{61'000});
  ASSERT_FALSE(rig.books.usage().empty());
  EXPECT_GE(rig.books.usage().back().worker_ms[0], 59'000);
}

TEST(UsagePrices, CostFollowsThePriceAndTheDiscount) {
  Prices prices;
  prices.per_hour["ADA_24"] = 1'200'000;
  prices.discount = 250'000;
  const Time start = from_ms(kHourMs * 1'000);
  prices.discount_until = start + Millis{kHourMs};
  UsageMeters meters(prices);
  const auto owner = *AccountId::parse("user_1");
  auto& meter = meters.meter(owner, *EndpointId::parse("ep1"), "ADA_24");
  meters.enter(meter, UsageState::active, 2, start, start);
  meters.move(meter, UsageState::active, UsageState::frozen, 2, start + Millis{2 * kHourMs});
  const auto rows = meters.take_changed(meter, start + Millis{3 * kHourMs});
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_DOUBLE_EQ(rows[0].cost(), 2 * 1.2 * 0.75);
  EXPECT_DOUBLE_EQ(rows[1].cost(), 2 * 1.2) << "the discount is over";
  EXPECT_DOUBLE_EQ(rows[2].cost(), 0) << "frozen";
  EXPECT_NEAR(meters.spent_by(owner, start + Millis{3 * kHourMs}).money, (rows[0].cost() + rows[1].cost()) * 1e6, 1e-3);
}

// ---------------------------------------------------------------- budgets

TEST_F(Usage, AUsedUpBudgetStartsNobodyAndStopsNoJob) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) {
    in.scaler_type = std::string("REQUEST_COUNT");
    in.scaler_value = 1;
    in.workers_max = 5;
  });
  budget(at, 10);
  const JobId first = rig.submit(at);
  const WorkerId worker = rig.started().at(0);
  ASSERT_EQ(rig.work(at, worker), std::vector<JobId>{first});
  rig.advance(Millis{10'000});
  const JobId second = rig.submit(at);
  EXPECT_EQ(started(), 1);
  EXPECT_EQ(stopped(), 0);
  EXPECT_EQ(rig.job(at, second).wait->code, WaitCode::workers_busy);
  EXPECT_NE(rig.job(at, second).wait->message.find("the endpoint's budget of 10 GPU-seconds a day is used up"),
            std::string::npos);
  rig.apply(WorkerExited{worker, 1, "exit code 1"});
  EXPECT_EQ(rig.job(at, second).wait->code, WaitCode::budget_used_up);
  rig.advance(Millis{60'000});
  EXPECT_EQ(started(), 1);
  budget(at, std::nullopt);
  EXPECT_GT(started(), 1);
}

TEST_F(Usage, TheNextDayHasItsOwnBudget) {
  const EndpointId at = rig.endpoint();
  budget(at, 5);
  const JobId job = rig.submit(at);
  rig.advance(Millis{6'000});
  rig.apply(WorkerExited{rig.started().at(0), 1, "exit code 1"});
  const Time tomorrow = next_day(rig.now);
  rig.restart();
  rig.advance(tomorrow - rig.now - Millis{1});
  EXPECT_EQ(started(), 1);
  EXPECT_EQ(rig.status(at, job), JobStatus::in_queue);
  rig.advance(Millis{1});
  EXPECT_EQ(started(), 2) << "at midnight, without any other event";
}

TEST_F(Usage, AnAccountsBudgetIsForAllItsEndpoints) {
  const EndpointId busy = rig.endpoint([](EndpointInput& in) { in.workers_min = 1; });
  const EndpointId other = rig.endpoint();
  budget(EndpointId{}, 30);
  rig.advance(Millis{30'000});
  const JobId job = rig.submit(other);
  EXPECT_EQ(rig.job(other, job).wait->code, WaitCode::budget_used_up);
  EXPECT_NE(rig.job(other, job).wait->message.find("the account's budget"), std::string::npos);
  rig.work(busy, rig.started().at(0));
  rig.advance(Millis{60'000});
  EXPECT_EQ(stopped(), 1) << "workersMin keeps nobody whom the budget would not start";
}

TEST_F(Usage, ABudgetMayAskForWorkersToBeStopped) {
  const EndpointId at = rig.endpoint();
  budget(at, 20, BudgetAction::stop_workers);
  const JobId job = rig.submit(at);
  const WorkerId worker = rig.started().at(0);
  ASSERT_EQ(rig.work(at, worker), std::vector<JobId>{job});
  rig.advance(Millis{10'000});
  rig.ping(at, worker, {job});
  rig.advance(Millis{9'999});
  EXPECT_EQ(stopped(), 0);
  rig.advance(Millis{1});
  EXPECT_EQ(stopped(), 1);
  rig.apply(WorkerExited{worker, 0, "exit code 0"});
  EXPECT_EQ(rig.status(at, job), JobStatus::in_queue);
  EXPECT_EQ(rig.job(at, job).wait->code, WaitCode::budget_used_up);
}

TEST_F(Usage, ABudgetOfNobodysEndpointIsRefused) {
  Budget value;
  value.owner = rig.owner;
  value.endpoint = *EndpointId::parse("nowhere");
  EXPECT_EQ(rig.code(rig.send(SaveBudget{0, value})), Errc::not_found);
}

TEST_F(Usage, BudgetsOutliveTheServerAndEndWithTheirEndpoint) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  budget(at, 10);
  rig.restart();
  ASSERT_NE(rig.engine->find_budget(rig.owner, at), nullptr);
  EXPECT_EQ(rig.engine->find_budget(rig.owner, at)->per_day, 10'000);
  rig.send(DeleteEndpoint{0, rig.owner, at.str()});
  EXPECT_EQ(rig.engine->find_budget(rig.owner, at), nullptr);
  EXPECT_TRUE(rig.books.load().budgets.empty());
}

// ---------------------------------------------------------------- endpoints that nobody uses

TEST(IdleScaleDown, LowersWorkersMaxAfterDaysWhereItIsAskedFor) {
  constexpr Millis kDay{86'400'000};
  EngineSettings settings;
  settings.idle_scale_down = true;
  Rig rig(settings);
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_min = 3, in.workers_max = 3; });
  const auto max = [&] { return rig.engine->find_endpoint(at)->workers_max; };
  rig.advance(2 * kDay);
  rig.send(CancelJob{0, at, rig.submit(at)});
  rig.restart();
  rig.advance(3 * kDay - Millis{1});
  EXPECT_EQ(max(), 3);
  rig.advance(Millis{1});
  EXPECT_EQ(max(), 2);
  EXPECT_EQ(rig.engine->find_endpoint(at)->workers_min, 2);
  rig.advance(4 * kDay);
  EXPECT_EQ(max(), 0);
  rig.submit(at);
  EXPECT_EQ(max(), 0) << "never raised by itself";
}

TEST(IdleScaleDown, IsOffByDefault) {
  Rig rig;
  const EndpointId at = rig.endpoint();
  rig.advance(Millis{30LL * 86'400'000});
  EXPECT_EQ(rig.engine->find_endpoint(at)->workers_max, 3);
}

}  // namespace
}  // namespace penstock::core
