#include <gtest/gtest.h>

#include <cstdlib>
#include <ostream>
#include <string_view>

#include "fleet.h"
#include "known_bug.h"
#include "sanitized.h"

namespace penstock::simulation {
namespace {

bool is_full() {
  const char* wanted = std::getenv("PENSTOCK_FLEET_SIMULATION");
  return wanted != nullptr && std::string_view(wanted) == "full";
}

FleetScenario scenario(std::uint64_t seed) {
  FleetScenario out;
  out.seed = seed;
  if (is_full()) {
    out.endpoints = 1'000;
    out.gpus = 10'000;
  }
  return out;
}

TEST(Fleet, KeepsItsBounds) {
  FleetOutcome total;
  for (std::uint64_t seed = 1; seed <= (is_full() || kSanitized ? 1 : 6); ++seed) {
    const FleetOutcome outcome = simulate_fleet(scenario(seed));
    ASSERT_FALSE(outcome.violation) << "seed " << seed << ": " << *outcome.violation;
    total.submitted += outcome.submitted;
    total.started += outcome.started;
    total.deaths += outcome.deaths;
    total.restarts += outcome.restarts;
    total.gpus_lost += outcome.gpus_lost;
    for (const auto& [code, count] : outcome.waits) total.waits[code] += count;
  }
  if (kSanitized) return;  // what follows counts what all runs reach
  EXPECT_GT(total.submitted, 3'000);
  EXPECT_GT(total.started, 1'000);
  EXPECT_GT(total.deaths, 100);
  EXPECT_GE(total.restarts, 5);
  EXPECT_GT(total.gpus_lost, 100);
  for (const auto code : {core::WaitCode::running, core::WaitCode::workers_busy, core::WaitCode::workers_starting}) {
    EXPECT_GT(total.waits[code], 5) << to_text(code);
  }
}

TEST(Fleet, KeepsItsBoundsWhenGpusAreShort) {
  FleetScenario short_of_gpus = scenario(11);
  short_of_gpus.gpus = short_of_gpus.endpoints / 5;
  const FleetOutcome outcome = simulate_fleet(short_of_gpus);
  ASSERT_FALSE(outcome.violation) << *outcome.violation;
  EXPECT_EQ(outcome.most_workers, short_of_gpus.gpus);
}

TEST(Fleet, OneSeedIsOneRun) {
  const FleetOutcome first = simulate_fleet(scenario(3));
  const FleetOutcome second = simulate_fleet(scenario(3));
  EXPECT_EQ(first.started, second.started);
  EXPECT_EQ(first.longest_wait_ms, second.longest_wait_ms);
  EXPECT_EQ(first.deaths, second.deaths);
}

struct FleetBug {
  const char* name;
  FleetMutation mutation;
  const char* noticed_as;
  int gpus = 120;  // for 40 endpoints
};

void PrintTo(const FleetBug& bug, std::ostream* out) {
  *out << bug.name;
}

class FleetBugs : public testing::TestWithParam<FleetBug> {};

TEST_P(FleetBugs, AreNoticed) {
  EXPECT_TRUE(is_noticed(GetParam().noticed_as, 5, [](std::uint64_t seed) {
    FleetScenario broken = scenario(seed);
    broken.endpoints = 40;
    broken.gpus = GetParam().gpus;
    broken.mutation = GetParam().mutation;
    return simulate_fleet(broken).violation;
  }));
}

INSTANTIATE_TEST_SUITE_P(
    Bugs, FleetBugs,
    testing::Values(FleetBug{"lost_start", FleetMutation::lost_start, "on the books"},
                    FleetBug{"lost_exit", FleetMutation::lost_exit, "on the books"},
                    FleetBug{"ignored_wakes", FleetMutation::ignored_wakes, "is still there"},
                    FleetBug{"lost_usage", FleetMutation::lost_usage, "its rows say"},
                    FleetBug{"doubled_usage", FleetMutation::doubled_usage, "its rows say"},
                    FleetBug{"shared_gpu", FleetMutation::shared_gpu, "was given to two workers"},
                    FleetBug{"extra_start", FleetMutation::extra_start, "workers"},
                    FleetBug{"false_reason", FleetMutation::false_reason, "waits as WORKERS_STARTING"},
                    FleetBug{"youngest_first", FleetMutation::youngest_first, "for its first worker before endpoint",
                             8},
                    FleetBug{"burst_before_min", FleetMutation::burst_before_min, "ms for its workersMin", 8},
                    FleetBug{"ended_at_work", FleetMutation::ended_at_work, "is ended at work", 8}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace penstock::simulation
