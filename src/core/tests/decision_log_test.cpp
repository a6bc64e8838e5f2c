#include "core/scaling/decision_log.h"

#include <algorithm>

#include "core/tests/rig.h"

namespace penstock::core {
namespace {

TEST(DecisionText, EveryMemberComesBackAsTheSameBytes) {
  ScaleInputs in;
  int next = 1;
  each_member(in, [&](std::string_view, auto& member) {
    using Member = std::remove_cvref_t<decltype(member)>;
    if constexpr (std::is_same_v<Member, int>) member = next++;
    if constexpr (std::is_same_v<Member, Millis> || std::is_same_v<Member, std::optional<Millis>>) {
      member = Millis{next++};
    }
  });
  in.scaler = ScalerType::request_count;
  const std::string text = to_text(in);
  EXPECT_EQ(text,
            "scalerType=REQUEST_COUNT;scalerValue=1;workersMin=2;workersMax=3;queued=4;inProgress=5;oldestWaitMs=6;"
            "lowPriorityQueued=7;oldestLowPriorityWaitMs=8;present=9;starting=10;sinceLastAdditionMs=11;"
            "budgetUsedUp=false");
  EXPECT_EQ(parse_scale_inputs(text), in);
  EXPECT_EQ(to_text(*parse_scale_inputs(to_text(ScaleInputs{}))), to_text(ScaleInputs{}));
  for (int rule = 0; !to_text(static_cast<ScaleRule>(rule)).empty(); ++rule) {
    for (int clamp = 0; !to_text(static_cast<ScaleClamp>(clamp)).empty(); ++clamp) {
      const ScaleDecision decision{3, static_cast<ScaleRule>(rule), static_cast<ScaleClamp>(clamp), Millis{70}};
      EXPECT_EQ(parse_scale_decision(to_text(decision)), decision);
    }
  }
}

TEST(DecisionText, OlderAndNewerEntriesAreRead) {
  EXPECT_EQ(parse_scale_inputs("queued=3")->queued, 3);
  EXPECT_EQ(parse_scale_inputs("queued=3")->scaler_value, ScaleInputs{}.scaler_value);
  EXPECT_TRUE(parse_scale_inputs("queued=3;moonPhase=full"));
  EXPECT_FALSE(parse_scale_inputs("queued=many"));
  EXPECT_FALSE(parse_scale_inputs("queued"));
  EXPECT_FALSE(parse_scale_decision("wanted=1;rule=whim"));
}

RecordedDecision decision(int wanted, ScaleClamp clamp, ScaleOutcome outcome, Time at) {
  RecordedDecision one;
  one.at = at;
  one.inputs.present = 2;
  one.inputs.workers_max = 3;
  one.decision.wanted = wanted;
  one.decision.clamp = clamp;
  one.outcome = std::move(outcome);
  return one;
}

TEST(DecisionFilterTest, KeepsWhatActsAndEachNewReasonForNotActing) {
  DecisionFilter filter;
  const Time at{Millis{1'000'000}};
  const auto keeps = [&](int wanted, ScaleClamp clamp, ScaleOutcome outcome) {
    return filter.keeps(decision(wanted, clamp, std::move(outcome), at));
  };
  const ScaleOutcome nothing;
  EXPECT_FALSE(keeps(2, ScaleClamp::none, nothing)) << "nothing to do";
  EXPECT_TRUE(keeps(3, ScaleClamp::none, {1, 0, 0, {}, "", {}})) << "starts one";
  EXPECT_TRUE(keeps(3, ScaleClamp::none, {1, 0, 0, {}, "", {}})) << "starts another one, however alike";
  EXPECT_TRUE(keeps(3, ScaleClamp::workers_max, nothing)) << "capped";
  EXPECT_FALSE(keeps(3, ScaleClamp::workers_max, nothing)) << "still capped";
  EXPECT_TRUE(keeps(3, ScaleClamp::none, {0, 0, 1, ScaleHold::no_place, "all in use", {}}))
      << "held back by something else";
  EXPECT_FALSE(keeps(3, ScaleClamp::none, {0, 0, 1, ScaleHold::no_place, "all in use", {}}));
  EXPECT_TRUE(keeps(2, ScaleClamp::none, nothing)) << "no longer held back";
  EXPECT_FALSE(keeps(2, ScaleClamp::none, nothing));
  EXPECT_TRUE(keeps(2, ScaleClamp::none, {0, 1, 0, {}, "idle for 5 s", {}})) << "stops one";
  EXPECT_TRUE(keeps(2, ScaleClamp::none, {0, 0, 0, {}, "", {Millis{5}}})) << "one became ready";
  RecordedDecision other = decision(2, ScaleClamp::none, nothing, at);
  other.inputs.scaler_value = 9;
  EXPECT_TRUE(filter.keeps(other)) << "other settings";
}

TEST(DecisionFilterTest, FlappingIsBoundedAndActingIsNot) {
  DecisionFilter filter;
  Time at{Millis{1'000'000}};
  int kept = 0;
  for (int i = 0; i < 1'000; ++i) {
    kept += filter.keeps(decision(3, ScaleClamp::workers_max, {}, at)) ? 1 : 0;
    kept += filter.keeps(decision(2, ScaleClamp::none, {}, at)) ? 1 : 0;
  }
  EXPECT_EQ(kept, DecisionFilter::kUneventfulMax);
  EXPECT_TRUE(filter.keeps(decision(3, ScaleClamp::none, {1, 0, 0, {}, "", {}}, at)));
  at += Millis{60'000};
  EXPECT_TRUE(filter.keeps(decision(3, ScaleClamp::workers_max, {}, at)));
}

TEST(DecisionsOfAnEngine, SayWhatWasDoneAndWhatHeldItBack) {
  Rig rig(EngineSettings{}, Rig::node_with(2));
  const EndpointId at = rig.endpoint([](EndpointInput& in) {
    in.scaler_type = std::string("REQUEST_COUNT");
    in.scaler_value = 1;
    in.workers_max = 3;
    in.idle_timeout_s = 5;
  });
  for (int i = 0; i < 5; ++i) rig.submit(at);
  const auto& all = rig.all.decisions;
  const auto any = [&](auto&& matches) { return std::ranges::any_of(all, matches); };
  EXPECT_EQ(std::ranges::count_if(all, [](const auto& d) { return d.outcome.started == 1; }), 2);
  EXPECT_TRUE(any([](const auto& d) {
    return d.outcome.hold == ScaleHold::no_place && d.outcome.missing == 1 &&
           d.outcome.why.find("all in use: 1 GPU(s) of ADA_24") != std::string::npos;
  }));
  EXPECT_TRUE(any([](const auto& d) { return d.decision.clamp == ScaleClamp::workers_max; }));
  rig.apply(WorkerExited{rig.started().front(), 1, "exit code 1"});
  EXPECT_TRUE(any([](const auto& d) {
    return d.outcome.hold == ScaleHold::back_off && d.outcome.why.find("exit code 1") != std::string::npos;
  }));
  const std::size_t before = all.size();
  const WorkerId worker = rig.started().back();
  for (int i = 0; i < 5; ++i) {
    for (const JobId& job : rig.work(at, worker)) rig.finish(at, worker, job);
  }
  rig.take(at, worker);
  rig.advance(Millis{60'000});
  EXPECT_TRUE(any([](const auto& d) { return d.outcome.stopped == 1 && d.outcome.why == "idle for 5 s"; }));
  EXPECT_LT(all.size(), before + 20) << "what changes nothing is not recorded";
  for (const RecordedDecision& one : all) EXPECT_EQ(to_text(decide(one.inputs)), to_text(one.decision));
}

}  // namespace
}  // namespace penstock::core
