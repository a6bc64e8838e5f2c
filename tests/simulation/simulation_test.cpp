#include "simulation.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <ostream>

#include "known_bug.h"
#include "sanitized.h"

namespace penstock::simulation {
namespace {

constexpr std::uint64_t kSeeds = kSanitized ? 100 : 2'000;

std::uint64_t running_seed = 0;

/// An ENSURE of the engine ends the process: the seed must not be lost with it.
void name_the_seed(int) {
  std::fprintf(stderr, "the engine aborted; again: %s\n", reproduce(running_seed, kDefaultSteps).c_str());
}

Outcome run(std::uint64_t seed, int steps = kDefaultSteps) {
  running_seed = seed;
  std::signal(SIGABRT, name_the_seed);
  return simulate(make_scenario(seed, steps));
}

/// What must hold in every run holds in these. Each case has its own range of seeds, so that ctest can run them side by
/// side.
class Simulation : public testing::TestWithParam<int> {};

TEST_P(Simulation, KeepsEveryPromise) {
  const std::uint64_t share = kSeeds / 4;
  const std::uint64_t first = 1 + static_cast<std::uint64_t>(GetParam()) * share;
  for (std::uint64_t seed = first; seed < first + share; ++seed) {
    const Outcome outcome = run(seed);
    ASSERT_FALSE(outcome.violation) << *outcome.violation << "\nagain: " << reproduce(seed, kDefaultSteps);
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, Simulation, testing::Range(0, 4));

TEST(SimulationLength, LongRunsKeepEveryPromise) {
  constexpr int kSteps = 2'000;
  for (std::uint64_t seed = 1; seed <= (kSanitized ? 2 : 40); ++seed) {
    const Outcome outcome = run(seed, kSteps);
    ASSERT_FALSE(outcome.violation) << *outcome.violation << "\nagain: " << reproduce(seed, kSteps);
  }
}

TEST(SimulationDeterminism, OneSeedIsOneRun) {
  for (std::uint64_t seed = 1; seed <= (kSanitized ? 10 : 100); ++seed) {
    const Outcome first = run(seed);
    const Outcome second = run(seed);
    ASSERT_EQ(first.trace, second.trace) << "two runs differ: " << reproduce(seed, kDefaultSteps);
    ASSERT_EQ(first.end, second.end);
  }
  EXPECT_NE(run(1).trace, run(2).trace);
}

TEST(SimulationCoverage, TheRunsReachWhatTheyAreToTest) {
  Tally tally;
  std::map<core::WaitCode, int> waits;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const Outcome outcome = run(seed);
    tally.add(outcome.tally);
    for (const auto& [code, count] : outcome.waits) waits[code] += count;
  }
  EXPECT_GT(tally.completed, 1'000);
  EXPECT_GT(tally.failed, 500);
  EXPECT_GT(tally.cancelled, 300);
  EXPECT_GT(tally.timed_out, 50);
  EXPECT_GT(tally.refused_full, 50);
  EXPECT_GT(tally.forgotten, 100);
  EXPECT_GT(tally.lost_attempts, 100);
  EXPECT_GT(tally.handed_back, 20);
  EXPECT_GT(tally.late_results, 0);
  EXPECT_GT(tally.client_retries, 20);
  EXPECT_GT(tally.chunks, 1'000);
  EXPECT_GT(tally.stops_told, 100);
  EXPECT_GT(tally.recalled, 500);
  EXPECT_GT(tally.inputs_read, 500);
  EXPECT_GT(tally.workers_attached, 50);
  EXPECT_GT(tally.crashes, 100);
  EXPECT_GT(tally.adopted, 50);
  EXPECT_GT(tally.endpoints_deleted, 100);
  EXPECT_GT(tally.releases, 100);
  EXPECT_GT(tally.volumes_removed, 20);
  EXPECT_GT(tally.answered_again, 100);
  EXPECT_GT(tally.keys_reused, 50);
  EXPECT_GT(tally.webhooks_delivered, 1'000);
  EXPECT_GT(tally.webhooks_given_up, 50);
  EXPECT_GT(tally.webhooks_sent_again, 50);
  EXPECT_GT(tally.budgets, 100);
  EXPECT_GT(tally.rollbacks, 15);
  for (int code = 0; code <= static_cast<int>(core::WaitCode::budget_used_up); ++code) {
    const auto reason = static_cast<core::WaitCode>(code);
    // Nobody here submits batches, and memory suffices for the inputs.
    if (reason == core::WaitCode::batch_draft || reason == core::WaitCode::input_loading) continue;
    EXPECT_GT(waits[reason], 20) << "jobs that waited as " << to_text(reason);
  }
}

// ---------------------------------------------------------------- does it notice?

struct KnownBug {
  const char* name;
  Mutation mutation;
  const char* noticed_as;  // what the message must speak of, so that it is noticed for the right reason
};

void PrintTo(const KnownBug& bug, std::ostream* out) {
  *out << bug.name;
}

class Suite : public testing::TestWithParam<KnownBug> {};

TEST_P(Suite, NoticesAKnownBug) {
  EXPECT_TRUE(is_noticed(GetParam().noticed_as, 300, [](std::uint64_t seed) {
    running_seed = seed;
    Scenario scenario = make_scenario(seed, kDefaultSteps);
    scenario.mutation = GetParam().mutation;
    return simulate(scenario).violation;
  }));
}

INSTANTIATE_TEST_SUITE_P(
    Bugs, Suite,
    testing::Values(KnownBug{"drop_record", Mutation::drop_record, "store"},
                    KnownBug{"torn_turn", Mutation::torn_turn, "the store has"},
                    KnownBug{"reply_before_commit", Mutation::reply_before_commit, "was acknowledged and is lost"},
                    KnownBug{"told_before_commit", Mutation::reply_before_commit, "somebody was told"},
                    KnownBug{"foreign_result", Mutation::foreign_result, "was accepted, but its last hand-out"},
                    KnownBug{"overwrite_result", Mutation::overwrite_result, "and changed to"},
                    KnownBug{"double_reply", Mutation::double_reply, "answered"},
                    KnownBug{"lost_reply", Mutation::lost_reply, "not answered by its deadline"},
                    KnownBug{"ignore_wakeups", Mutation::ignore_wakeups, "not answered by its deadline"},
                    KnownBug{"lost_stop_order", Mutation::lost_stop_order, "on the books"},
                    KnownBug{"lost_exit", Mutation::lost_exit, "on the books"},
                    KnownBug{"unwritten_chunks", Mutation::unwritten_chunks, "was never written to a reader"},
                    KnownBug{"wrong_endpoint", Mutation::wrong_endpoint, "was handed to worker"},
                    KnownBug{"forgotten_key", Mutation::forgotten_key, "stands for two jobs"},
                    KnownBug{"unrecorded_webhook", Mutation::unrecorded_webhook, "its webhook was not recorded"},
                    KnownBug{"lost_post", Mutation::lost_post, "is neither delivered nor given up"},
                    KnownBug{"wrong_reason", Mutation::wrong_reason, "waits as WORKERS_STARTING"},
                    KnownBug{"lost_usage", Mutation::lost_usage, "its rows say"},
                    KnownBug{"counted_twice", Mutation::counted_twice, "its rows say"},
                    KnownBug{"ignored_budget", Mutation::ignored_budget, "though the budget of endpoint"},
                    KnownBug{"old_reason", Mutation::old_reason, "its reason begins outside its life"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace penstock::simulation
