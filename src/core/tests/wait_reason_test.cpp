#include "core/queue/wait_reason.h"

#include <memory>

#include "core/tests/rig.h"

// Why a job waits (docs/wait-reasons.md). That a reason is true in every other state is the simulation's to show.

namespace penstock::core {
namespace {

struct WaitReasons : testing::Test {
  Rig rig;
  WaitReason wait(const EndpointId& at, const JobId& job) {
    const JobView view = rig.job(at, job);
    EXPECT_TRUE(view.wait.has_value());
    return view.wait.value_or(WaitReason{});
  }
  WaitCode code(const EndpointId& at, const JobId& job) { return wait(at, job).code; }
  bool says(const EndpointId& at, const JobId& job, const std::string& text) {
    const std::string message = wait(at, job).message;
    EXPECT_NE(message.find(text), std::string::npos) << message;
    return message.find(text) != std::string::npos;
  }
};

TEST_F(WaitReasons, FollowAJobFromThePauseToItsEnd) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  const Time begun = rig.now;
  const JobId job = rig.submit(at);
  EXPECT_EQ(wait(at, job).since, begun);
  EXPECT_EQ(code(at, job), WaitCode::workers_max_zero);
  rig.advance(Millis{5'000});
  EXPECT_EQ(wait(at, job).since, begun);
  rig.save(at, [](EndpointInput& in) { in.workers_max = 1; });
  EXPECT_EQ(code(at, job), WaitCode::workers_starting);
  EXPECT_EQ(wait(at, job).since, rig.now);
  rig.advance(Millis{1'000});
  const WorkerId worker = rig.started().back();
  EXPECT_EQ(rig.work(at, worker).size(), 1u);
  EXPECT_EQ(code(at, job), WaitCode::running);
  EXPECT_EQ(wait(at, job).since, rig.now);
  const JobId next = rig.submit(at);
  EXPECT_EQ(code(at, next), WaitCode::workers_busy);
  EXPECT_TRUE(says(at, next, "workersMax (1) allows no more"));
  rig.finish(at, worker, job);
  EXPECT_FALSE(rig.job(at, job).wait) << "it has ended";
}

TEST_F(WaitReasons, AreInEveryAnswerAboutAJobThatHasNotEnded) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  Submit submit;
  submit.request.endpoint = at;
  submit.request.input = bytes("{}");
  const JobAccepted accepted = rig.reply<JobAccepted>(rig.send(submit));
  ASSERT_TRUE(accepted.wait);
  EXPECT_EQ(accepted.wait->code, WaitCode::workers_max_zero);
  const Token sync = rig.run_sync(at, Millis{1'000});
  const Token awaiting = rig.send(AwaitJob{0, at, accepted.id, Millis{1'000}});
  const Token reading = rig.read(at, accepted.id, Millis{1'000});
  rig.advance(Millis{1'000});
  EXPECT_EQ(rig.reply<JobReply>(sync).job.wait->code, WaitCode::workers_max_zero);
  EXPECT_EQ(rig.reply<JobReply>(awaiting).job.wait->since, rig.now - Millis{1'000});
  EXPECT_EQ(rig.reply<StreamPage>(reading).wait->code, WaitCode::workers_max_zero);
  EXPECT_TRUE(rig.reply<JobReply>(rig.send(LowerTtl{0, at, accepted.id, Millis{99'000}})).job.wait);
  EXPECT_FALSE(rig.reply<JobReply>(rig.send(CancelJob{0, at, accepted.id})).job.wait);
  EXPECT_FALSE(rig.reply<StreamPage>(rig.read(at, accepted.id)).wait);
}

TEST_F(WaitReasons, AJobThatIsTakenAtOnceIsSaidToRun) {
  const auto at = rig.staffed();
  Submit submit;
  submit.request.endpoint = at.endpoint;
  submit.request.input = bytes("{}");
  EXPECT_EQ(rig.reply<JobAccepted>(rig.send(submit)).wait->code, WaitCode::running);
}

TEST_F(WaitReasons, TellATakenPlaceFromOneThatIsNotThere) {
  const EndpointId first = rig.endpoint([](EndpointInput& in) { in.gpu_count = 8; });
  rig.submit(first);
  const EndpointId second = rig.endpoint();
  const JobId waits = rig.submit(second);
  EXPECT_EQ(code(second, waits), WaitCode::no_capacity);
  EXPECT_TRUE(says(second, waits, "all in use: 1 GPU(s) of ADA_24"));
  const EndpointId third = rig.endpoint([](EndpointInput& in) { in.gpu_ids = std::string("AMPERE_80"); });
  const JobId never = rig.submit(third);
  EXPECT_EQ(code(third, never), WaitCode::no_matching_node);
  EXPECT_TRUE(says(third, never, "no node has 1 GPU(s) of AMPERE_80"));
}

TEST_F(WaitReasons, NameAReleaseThatStillHoldsTheGpus) {
  std::destroy_at(&rig);  // made anew in its place: its engine refers to its random numbers
  std::construct_at(&rig, EngineSettings{}, Rig::node_with(1));
  const auto at = rig.staffed();
  const JobId runs = rig.submit(at.endpoint);
  rig.save(at.endpoint, [](EndpointInput& in) { in.env = std::vector<EnvVar>{{"MODEL", "2"}}; });
  const JobId waits = rig.submit(at.endpoint);
  EXPECT_EQ(code(at.endpoint, runs), WaitCode::running);
  EXPECT_EQ(code(at.endpoint, waits), WaitCode::release_draining);
  rig.finish(at.endpoint, at.worker, runs);
  rig.apply(WorkerExited{at.worker, 0, "exit 0"});
  EXPECT_EQ(code(at.endpoint, waits), WaitCode::workers_starting);
}

TEST_F(WaitReasons, NameACrashAndWhenTheNextWorkerStarts) {
  const EndpointId at = rig.endpoint();
  const JobId job = rig.submit(at);
  rig.apply(WorkerExited{rig.started().back(), 1, "it exited with code 1"});
  EXPECT_EQ(code(at, job), WaitCode::crash_loop);
  EXPECT_TRUE(says(
      at, job, "it exited with code 1; the next one starts at " + iso8601(rig.now + rig.settings.crash_backoff_first)));
  rig.advance(rig.settings.crash_backoff_first);
  EXPECT_EQ(code(at, job), WaitCode::workers_starting);
  EXPECT_TRUE(says(at, job, "1 worker in a row crashed at start"));
}

TEST_F(WaitReasons, ANewReleaseForgivesTheCrashesOfTheOldOne) {
  const EndpointId at = rig.endpoint();
  const JobId job = rig.submit(at);
  rig.apply(WorkerStartFailed{rig.started().back(), "no such file"});
  EXPECT_EQ(code(at, job), WaitCode::crash_loop);
  rig.save(at, [](EndpointInput& in) { in.env = std::vector<EnvVar>{{"FIXED", "1"}}; });
  EXPECT_EQ(code(at, job), WaitCode::workers_starting);
  EXPECT_EQ(rig.engine->health(at)->unhealthy, 0);
}

TEST_F(WaitReasons, LowPriorityWaitsForAWorkerOfOthers) {
  const EndpointId at = rig.endpoint();
  const JobId low = rig.submit(at, [](JobRequest& r) { r.priority = Priority::low; });
  EXPECT_EQ(code(at, low), WaitCode::low_priority_waits);
  EXPECT_TRUE(says(at, low, iso8601(rig.now + Millis{60'000})));
  rig.submit(at);
  EXPECT_EQ(code(at, low), WaitCode::workers_starting);
}

TEST_F(WaitReasons, AServerThatStopsSaysSo) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  const Token sync = rig.run_sync(at, Millis{60'000});
  rig.apply(Shutdown{});
  EXPECT_EQ(rig.reply<JobReply>(sync).job.wait->code, WaitCode::server_stopping);
}

TEST_F(WaitReasons, AJobThatIsGoneWhenItsCallerIsAnsweredIsToldAsEnded) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  rig.apply(Shutdown{});
  const Token sync = rig.run_sync(at, Millis{60'000});  // answered at once, which is with the next command
  rig.send(DeleteEndpoint{0, rig.owner, at.str()});
  EXPECT_EQ(rig.reply<JobReply>(sync).job.status, JobStatus::cancelled);
  EXPECT_FALSE(rig.reply<JobReply>(sync).job.wait);
}

TEST_F(WaitReasons, AfterARestartTheyBeginWithIt) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  const JobId job = rig.submit(at);
  rig.advance(Millis{7'000});
  rig.restart();
  EXPECT_EQ(code(at, job), WaitCode::workers_max_zero);
  EXPECT_EQ(wait(at, job).since, rig.now);
}

TEST_F(WaitReasons, BusyWorkersSayWhatTheScalerWillDo) {
  const auto at = rig.staffed([](EndpointInput& in) { in.workers_max = 3; });
  rig.submit(at.endpoint);
  const JobId waits = rig.submit(at.endpoint);
  EXPECT_EQ(code(at.endpoint, waits), WaitCode::workers_busy);
  EXPECT_TRUE(says(at.endpoint, waits, "QUEUE_DELAY starts another one when a job has waited longer than 4 s"));
  rig.advance(Millis{4'001});
  EXPECT_TRUE(says(at.endpoint, waits, "1 worker more will be ready soon"));
}

}  // namespace
}  // namespace penstock::core
