#include "launch/scripted_workers.h"

#include <gtest/gtest.h>

#include <algorithm>

// Without an engine: the test answers as one would.

namespace penstock::launch {
namespace {

const WorkerId kWorker = *WorkerId::parse("w1");
const EndpointId kEndpoint = *EndpointId::parse("e1");

class ScriptedWorkersTest : public testing::Test {
 protected:
  void start() {
    core::StartWorker order;
    order.id = kWorker;
    order.endpoint = kEndpoint;
    workers.advance(now);
    workers.obey(order);
    workers.advance(now);
  }
  void advance(Millis by) {
    now += by;
    workers.advance(now);
  }
  template <class C>
  int count() const {
    return static_cast<int>(std::ranges::count_if(given, [](const auto& c) { return std::holds_alternative<C>(c); }));
  }
  void hand_out(const char* input) {
    core::HandOuts out;
    out.jobs.resize(1);
    out.jobs[0].id = *JobId::parse("j1");
    out.jobs[0].input = core::bytes(input);
    answer(out);
  }
  void answer(core::HandOuts out) {
    const auto on_reply = std::move(waiting);
    waiting = nullptr;
    on_reply(core::Reply{1, std::move(out)});
  }

  WorkerPlan worker;
  JobPlan job;
  Time now{Millis{1'000'000}};
  std::vector<core::Command> given;
  std::function<void(core::Reply)> waiting;
  ScriptedWorkers workers{{[this](core::Command c) { given.push_back(std::move(c)); },
                           [this](std::function<void(core::Reply)> on_reply) {
                             waiting = std::move(on_reply);
                             return core::Token{1};
                           },
                           [this](const core::StartWorker&) { return worker; },
                           [this](const EndpointId&, const core::HandOut&) { return job; }}};
};

TEST_F(ScriptedWorkersTest, AWorkerLoadsTakesAJobAndTakesAgain) {
  worker.loading = Millis{2'000};
  job.execution = Millis{300};
  start();
  EXPECT_EQ(count<core::WorkerStarted>(), 1);
  EXPECT_EQ(count<core::TakeJobs>(), 0);
  EXPECT_EQ(workers.next_event(), now + Millis{2'000});
  advance(Millis{2'000});
  EXPECT_EQ(count<core::TakeJobs>(), 1);
  hand_out("{\"n\":1}");
  advance(Millis{299});
  EXPECT_EQ(count<core::FinishJob>(), 0);
  advance(Millis{1});
  ASSERT_EQ(count<core::FinishJob>(), 1);
  EXPECT_EQ(*std::get<core::FinishJob>(given[2]).output, "{\"n\":1}") << "its input, when the plan has no output";
  EXPECT_EQ(count<core::TakeJobs>(), 2);
}

TEST_F(ScriptedWorkersTest, AnEmptyAnswerAtOnceMakesNoHotLoop) {
  start();
  answer({});
  workers.advance(now);
  EXPECT_EQ(count<core::TakeJobs>(), 1);
  advance(Millis{1});
  EXPECT_EQ(count<core::TakeJobs>(), 2);
  advance(Millis{25'000});
  answer({});
  workers.advance(now);
  EXPECT_EQ(count<core::TakeJobs>(), 3) << "a poll that was held is followed by the next at once";
}

TEST_F(ScriptedWorkersTest, StartsFailAndWorkersCrashAsPlanned) {
  worker.start_failure = "no image";
  start();
  ASSERT_EQ(count<core::WorkerStartFailed>(), 1);
  EXPECT_EQ(std::get<core::WorkerStartFailed>(given[0]).reason, "no image");
  EXPECT_EQ(workers.living(), 0u);
  worker = {std::nullopt, Millis{500}, 3};
  start();
  advance(Millis{500});
  ASSERT_EQ(count<core::WorkerExited>(), 1);
  EXPECT_EQ(std::get<core::WorkerExited>(given.back()).exit_code, 3);
  EXPECT_EQ(count<core::TakeJobs>(), 0);
}

TEST_F(ScriptedWorkersTest, AJobMayFailHangOrTakeItsWorkerAlong) {
  start();
  job.error = "boom";
  hand_out("1");
  advance(Millis{0});
  EXPECT_EQ(std::get<core::FinishJob>(given[2]).error, "boom");
  job = {Millis{10}, nullptr, std::nullopt, 137, false};
  hand_out("1");
  advance(Millis{10});
  ASSERT_EQ(count<core::WorkerExited>(), 1);
  EXPECT_EQ(std::get<core::WorkerExited>(given.back()).exit_code, 137);
  start();
  job.hangs = true;
  hand_out("1");
  EXPECT_FALSE(workers.next_event());
}

TEST_F(ScriptedWorkersTest, AStoppedWorkerEndsAndItsPlansWithIt) {
  job.execution = Millis{10};
  start();
  hand_out("1");
  workers.obey(core::StopWorker{kWorker, Millis{1'000}});
  workers.advance(now);
  EXPECT_EQ(count<core::WorkerExited>(), 1);
  advance(Millis{10});
  EXPECT_EQ(count<core::FinishJob>(), 0);
}

}  // namespace
}  // namespace penstock::launch
