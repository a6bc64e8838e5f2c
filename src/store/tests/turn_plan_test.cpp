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

TEST(TurnPlan, WritesAJobOnceWithItsLastStateAndOutput) {
  const core::Bytes first = core::bytes("first");
  const core::Bytes second = core::bytes("second");
  const std::vector<core::Record> records = {added("a"), changed("a", 1, first), changed("b", 7),
                                             changed("a", 2, second), changed("a", 3)};
  const Turn turn = std::make_shared<const std::vector<core::Record>>(records);
  const auto steps = plan_turns({&turn, 1});
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].record, &(*turn)[0]);
  EXPECT_EQ(steps[0].state->attempt, 3);
  EXPECT_EQ(*steps[0].output, second);
  EXPECT_EQ(steps[1].state->attempt, 7);
  EXPECT_EQ(steps[1].output, nullptr);
}

TEST(TurnPlan, MovesNothingOverARemoval) {
  const EndpointId endpoint = EndpointId::parse("e").value();
  const std::vector<core::Record> records = {changed("a", 1),
                                             core::JobsForgotten{},
                                             added("a"),
                                             changed("a", 2),
                                             core::CountersSaved{endpoint, {1, 0, 0}},
                                             core::CountersSaved{endpoint, {2, 0, 0}},
                                             core::EndpointRemoved{endpoint},
                                             core::CountersSaved{endpoint, {3, 0, 0}},
                                             changed("a", 4)};
  const Turn turn = std::make_shared<const std::vector<core::Record>>(records);
  const auto steps = plan_turns({&turn, 1});
  ASSERT_EQ(steps.size(), 7U);
  EXPECT_EQ(steps[0].state->attempt, 1);
  EXPECT_EQ(steps[2].state->attempt, 2);
  EXPECT_EQ(steps[3].record, &(*turn)[5]);
  EXPECT_EQ(steps[5].record, &(*turn)[7]);
  EXPECT_EQ(steps[6].state->attempt, 4);
}

}  // namespace
}  // namespace penstock::store
