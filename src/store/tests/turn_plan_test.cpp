#include "store/turn_plan.h"

#include <gtest/gtest.h>

namespace penstock::store {
namespace {

core::JobAdded added(std::string_view id) {
  core::JobAdded record;
  record.request.id = JobId::parse(id).value();
  return record;
}

core::JobChanged changed(std::string_view id, int attempt, core::Bytes output = nullptr) {
  core::JobChanged record;
  record.id = JobId::parse(id).value();
  record.state.attempt = attempt;
  record.sets_output = output != nullptr;
  record.output = std::move(output);
  return record;
}

int attempt_of(const TurnStep& step) {
  core::JobState state;
  decode(step.job.state, state);
  return state.attempt;
}

TEST(TurnPlan, WritesAJobOnceWithItsLastStateAndOutput) {
  const SharedTurn first = encode(std::vector<core::Record>{added("a"), changed("a", 1, core::bytes("first"))});
  const SharedTurn second =
      encode(std::vector<core::Record>{changed("b", 7), changed("a", 2, core::bytes("second")), changed("a", 3)});
  const auto plan = plan_turns(std::vector{first, second});
  ASSERT_EQ(plan.steps.size(), 2U);
  EXPECT_TRUE(plan.steps[0].job.is_new);
  EXPECT_EQ(plan.steps[0].job.id, "a");
  EXPECT_EQ(attempt_of(plan.steps[0]), 3);
  EXPECT_EQ(plan.steps[0].job.output, "second");
  EXPECT_FALSE(plan.steps[1].job.is_new);
  EXPECT_EQ(plan.steps[1].job.id, "b");
  EXPECT_EQ(attempt_of(plan.steps[1]), 7);
  EXPECT_FALSE(plan.steps[1].job.sets_output);
}

TEST(TurnPlan, AnOutputThatIsTakenAwayIsNotThere) {
  core::JobChanged without = changed("a", 2);
  without.sets_output = true;
  const SharedTurn turn = encode(std::vector<core::Record>{changed("a", 1, core::bytes("first")), without});
  const auto plan = plan_turns({&turn, 1});
  ASSERT_EQ(plan.steps.size(), 1U);
  EXPECT_TRUE(plan.steps[0].job.sets_output);
  EXPECT_EQ(plan.steps[0].job.output, std::nullopt);
}

TEST(TurnPlan, MovesNothingOverARemoval) {
  const EndpointId endpoint = EndpointId::parse("e").value();
  const SharedTurn turn = encode(std::vector<core::Record>{
      changed("a", 1), core::JobsForgotten{}, added("a"), changed("a", 2), core::CountersSaved{endpoint, {1, 0, 0}},
      core::CountersSaved{endpoint, {2, 0, 0}}, core::EndpointRemoved{endpoint},
      core::CountersSaved{endpoint, {3, 0, 0}}, changed("a", 4)});
  const auto plan = plan_turns({&turn, 1});
  ASSERT_EQ(plan.steps.size(), 7U);
  const auto completed = [&](std::size_t i) {
    return std::get<core::CountersSaved>(*plan.steps[i].record).counters.completed;
  };
  EXPECT_EQ(attempt_of(plan.steps[0]), 1);
  EXPECT_EQ(attempt_of(plan.steps[2]), 2);
  EXPECT_EQ(completed(3), 2);
  EXPECT_EQ(completed(5), 3);
  EXPECT_EQ(attempt_of(plan.steps[6]), 4);
}

TEST(TurnPlan, RefusesWhatIsNotATurn) {
  const SharedTurn whole = encode(std::vector<core::Record>{added("a"), changed("a", 1, core::bytes("output"))});
  for (std::size_t size = 1; size < whole->turn().size(); ++size) {
    const auto part = std::make_shared<EncodedTurn>(size);
    std::ranges::copy(whole->turn().substr(0, size), part->data());
    const auto records = decode_turn(part->turn());
    if (records) {
      EXPECT_EQ(records->size(), 1U) << "the first record alone";
    } else {
      EXPECT_THROW(plan_turns({&part, 1}), DamagedTurn) << size;
    }
  }
}

}  // namespace
}  // namespace penstock::store
