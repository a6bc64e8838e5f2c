#include "core/tests/rig.h"

// The worker protocol (contract/data-plane 2): hand-out, fencing, leases, stop signals.

namespace penstock::core {
namespace {

using Ids = std::vector<JobId>;

struct Workers : testing::Test {
  /// An endpoint with workersMax `count` and as many workers, all ready, none polling.
  EndpointId team(int count) {
    const EndpointId at = rig.endpoint([&](EndpointInput& in) {
      in.workers_min = count;
      in.workers_max = count;
    });
    staff = rig.started();
    for (const WorkerId& worker : staff) rig.apply(Forget{rig.take(at, worker)});
    return at;
  }
  Ids handed(Token poll) {
    Ids ids;
    if (!rig.answered(poll)) return ids;
    for (const HandOut& job : rig.reply<HandOuts>(poll).jobs) ids.push_back(job.id);
    return ids;
  }

  Rig rig;
  std::vector<WorkerId> staff;
};

// ---------------------------------------------------------------- hand-out

TEST_F(Workers, AHeldPollGetsTheNextJob) {
  const auto at = rig.staffed();
  EXPECT_FALSE(rig.answered(at.poll));
  rig.advance(Millis{1'000});
  const JobId job = rig.submit(at.endpoint, [](JobRequest& r) { r.s3_config = bytes("{\"bucketName\":\"b\"}"); });
  const HandOut& out = rig.reply<HandOuts>(at.poll).jobs.at(0);
  EXPECT_EQ(out.id, job);
  EXPECT_EQ(out.attempt, 1);
  EXPECT_EQ(text_of(out.s3_config), "{\"bucketName\":\"b\"}");
  const JobView view = rig.job(at.endpoint, job);
  EXPECT_EQ(view.status, JobStatus::in_progress);
  EXPECT_EQ(view.worker, at.worker);
  EXPECT_EQ(view.delay_ms, 0);
}

TEST_F(Workers, APollWithoutJobsIsHeldThenEmpty) {
  const auto at = rig.staffed();
  rig.advance(rig.settings.poll_hold - Millis{1});
  EXPECT_FALSE(rig.answered(at.poll));
  rig.advance(Millis{1});
  EXPECT_TRUE(handed(at.poll).empty());
  EXPECT_TRUE(rig.answered(at.poll));
}

TEST_F(Workers, ANewPollReplacesTheOldOne) {
  const auto at = rig.staffed();
  const Token second = rig.take(at.endpoint, at.worker);
  EXPECT_TRUE(rig.answered(at.poll));
  const JobId job = rig.submit(at.endpoint);
  EXPECT_EQ(handed(second), Ids{job});
}

TEST_F(Workers, BatchesAreBoundedByWhatWasAskedFor) {
  const auto at = rig.staffed();
  rig.apply(Forget{at.poll});
  Ids jobs;
  for (int i = 0; i < 5; ++i) jobs.push_back(rig.submit(at.endpoint));
  EXPECT_EQ(rig.work(at.endpoint, at.worker, 3), (Ids{jobs[0], jobs[1], jobs[2]}));
  EXPECT_EQ(rig.engine->health(at.endpoint)->in_progress, 3);
  EXPECT_EQ(rig.engine->health(at.endpoint)->running, 1);
  EXPECT_EQ(rig.work(at.endpoint, at.worker, 0), Ids{jobs[3]}) << "a poll asks for at least one";
}

TEST_F(Workers, ABatchIsAFairShare) {
  const EndpointId at = team(2);
  const Token first = rig.take(at, staff[0], 4);
  const Token second = rig.take(at, staff[1], 4);
  rig.apply(Forget{first});
  rig.apply(Forget{second});
  Ids jobs;
  for (int i = 0; i < 3; ++i) jobs.push_back(rig.submit(at));
  const Token a = rig.take(at, staff[0], 4);
  EXPECT_EQ(handed(a).size(), 3u) << "alone it gets all";
  for (const JobId& job : jobs) rig.send(CancelJob{0, at, job});

  const Token b = rig.take(at, staff[0], 4);
  const Token c = rig.take(at, staff[1], 4);
  for (int i = 0; i < 2; ++i) rig.submit(at);
  EXPECT_EQ(handed(b).size(), 1u);
  EXPECT_EQ(handed(c).size(), 1u);
}

TEST_F(Workers, IdleWorkersAreAskedBeforeBusyOnes) {
  const EndpointId at = team(2);
  const JobId first = rig.submit(at);
  EXPECT_EQ(rig.work(at, staff[0], 2), Ids{first});
  const Token busy = rig.take(at, staff[0], 1, true);
  const Token idle = rig.take(at, staff[1]);
  const JobId second = rig.submit(at);
  EXPECT_EQ(handed(idle), Ids{second});
  EXPECT_FALSE(rig.answered(busy));
  const JobId third = rig.submit(at);
  EXPECT_EQ(handed(busy), Ids{third});
}

TEST_F(Workers, AWorkerThatMayBeBlockedIsAskedLast) {
  const EndpointId at = team(3);
  rig.submit(at);
  ASSERT_EQ(rig.work(at, staff[0]).size(), 1u);
  rig.advance(rig.settings.ping_interval);
  rig.submit(at);
  ASSERT_EQ(rig.work(at, staff[1]).size(), 1u);
  const Token fresh = rig.take(at, staff[1], 1, true);
  const Token old = rig.take(at, staff[0], 1, true);
  rig.submit(at);
  EXPECT_TRUE(rig.answered(fresh));
  EXPECT_FALSE(rig.answered(old)) << "it has held a job for longer than a ping interval";
}

TEST_F(Workers, LowPriorityJobsComeLast) {
  const auto at = rig.staffed();
  rig.apply(Forget{at.poll});
  const JobId low = rig.submit(at.endpoint, [](JobRequest& r) { r.priority = Priority::low; });
  const JobId normal = rig.submit(at.endpoint);
  EXPECT_EQ(rig.work(at.endpoint, at.worker, 1), Ids{normal});
  EXPECT_EQ(rig.work(at.endpoint, at.worker, 1), Ids{low});
}

TEST_F(Workers, JobsStayInTheirEndpoint) {
  const auto a = rig.staffed();
  const auto b = rig.staffed();
  const JobId job = rig.submit(a.endpoint);
  EXPECT_FALSE(rig.answered(b.poll));
  EXPECT_EQ(handed(a.poll), Ids{job});
  const Token stranger = rig.take(a.endpoint, b.worker);
  EXPECT_FALSE(rig.answered(stranger)) << "held for a moment, so that it makes no hot loop";
  rig.advance(rig.settings.unknown_worker_hold);
  EXPECT_EQ(rig.code(stranger), Errc::not_found);
  rig.reply<Done>(rig.finish(a.endpoint, b.worker, job));
  EXPECT_EQ(rig.status(a.endpoint, job), JobStatus::in_progress);
}

// ---------------------------------------------------------------- fencing

TEST_F(Workers, OnlyTheHolderIsHeard) {
  const EndpointId at = team(2);
  const JobId job = rig.submit(at);
  ASSERT_EQ(rig.work(at, staff[0]), Ids{job});
  rig.reply<Done>(rig.finish(at, staff[1], job, "stolen"));
  rig.send(ReportProgress{0, at, staff[1], job, bytes("50")});
  rig.chunk(at, staff[1], job, "c");
  EXPECT_EQ(rig.status(at, job), JobStatus::in_progress);
  EXPECT_EQ(text_of(rig.job(at, job).output), "(none)");
  rig.finish(at, staff[0], job, "mine");
  EXPECT_EQ(text_of(rig.job(at, job).output), "mine");
}

TEST_F(Workers, ADuplicateResultChangesNothing) {
  const auto at = rig.staffed();
  const JobId job = rig.submit(at.endpoint);
  rig.finish(at.endpoint, at.worker, job, "1");
  rig.reply<Done>(rig.finish(at.endpoint, at.worker, job, "2"));
  rig.reply<Done>(rig.fail_job(at.endpoint, at.worker, job, "no"));
  EXPECT_EQ(text_of(rig.job(at.endpoint, job).output), "1");
  EXPECT_EQ(rig.engine->health(at.endpoint)->jobs, (Counters{1, 0, 0}));
}

TEST_F(Workers, ALateResultIsGoodWhileTheJobWaits) {
  const EndpointId at = team(1);
  const JobId job = rig.submit(at);
  rig.work(at, staff[0]);
  rig.ping(at, staff[0], {});  // it pings, and does not list the job
  rig.advance(Millis{40'000});
  ASSERT_EQ(rig.status(at, job), JobStatus::in_queue);
  EXPECT_EQ(rig.job(at, job).retries, 1);
  rig.finish(at, staff[0], job, "late");
  EXPECT_EQ(rig.status(at, job), JobStatus::completed);
  EXPECT_EQ(text_of(rig.job(at, job).output), "late");
}

TEST_F(Workers, ALateResultIsRefusedOnceAnotherHasTheJob) {
  const EndpointId at = team(2);
  const JobId job = rig.submit(at);
  rig.work(at, staff[0]);
  rig.apply(WorkerExited{staff[0], 1, "exit code 1"});
  ASSERT_EQ(rig.work(at, staff[1]), Ids{job});
  rig.reply<Done>(rig.finish(at, staff[0], job, "late"));
  EXPECT_EQ(rig.status(at, job), JobStatus::in_progress);
  rig.finish(at, staff[1], job, "second");
  EXPECT_EQ(text_of(rig.job(at, job).output), "second");
  EXPECT_EQ(rig.job(at, job).retries, 1);
}

TEST_F(Workers, FailuresKeepTheirOutput) {
  const auto at = rig.staffed();
  const JobId job = rig.submit(at.endpoint);
  rig.send(FinishJob{0, at.endpoint, at.worker, job, bytes("{\"x\":1}"), "bad", false});
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::failed);
  EXPECT_EQ(rig.job(at.endpoint, job).error, "bad");
  EXPECT_EQ(text_of(rig.job(at.endpoint, job).output), "{\"x\":1}");
}

TEST_F(Workers, ProgressShowsUntilTheResult) {
  const auto at = rig.staffed();
  const JobId job = rig.submit(at.endpoint);
  const Token reader = rig.read(at.endpoint, job, Millis{5'000});
  rig.reply<Done>(rig.send(ReportProgress{0, at.endpoint, at.worker, job, bytes("\"half\"")}));
  EXPECT_EQ(text_of(rig.job(at.endpoint, job).output), "\"half\"");
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::in_progress);
  EXPECT_FALSE(rig.answered(reader)) << "progress is no chunk";
  rig.finish(at.endpoint, at.worker, job, "\"all\"");
  rig.reply<Done>(rig.send(ReportProgress{0, at.endpoint, at.worker, job, bytes("\"late\"")}));
  EXPECT_EQ(text_of(rig.job(at.endpoint, job).output), "\"all\"");
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::completed);
}

// ---------------------------------------------------------------- lost hand-outs

TEST_F(Workers, AHandOutThatWasNotWrittenCountsNoAttempt) {
  const auto at = rig.staffed();
  const JobId job = rig.submit(at.endpoint);
  ASSERT_EQ(handed(at.poll), Ids{job});
  rig.apply(HandOutLost{at.endpoint, at.worker, {{job, 1}}});
  const JobView view = rig.job(at.endpoint, job);
  EXPECT_EQ(view.status, JobStatus::in_queue);
  EXPECT_EQ(view.retries, 0);
  EXPECT_TRUE(view.worker.empty());
  rig.finish(at.endpoint, at.worker, job);
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::in_queue) << "nobody holds it";
  const Token again = rig.take(at.endpoint, at.worker);
  EXPECT_EQ(rig.reply<HandOuts>(again).jobs.at(0).attempt, 1);
  EXPECT_EQ(rig.engine->health(at.endpoint)->jobs.retried, 0);
}

TEST_F(Workers, ALostHandOutGoesToTheFront) {
  const EndpointId at = team(1);
  const JobId first = rig.submit(at);
  const JobId second = rig.submit(at);
  ASSERT_EQ(rig.work(at, staff[0]), Ids{first});
  rig.apply(HandOutLost{at, staff[0], {{first, 1}}});
  EXPECT_EQ(rig.work(at, staff[0], 2), (Ids{first, second}));
}

TEST_F(Workers, OnlyTheHandOutThatIsMeantIsTakenBack) {
  const EndpointId at = team(2);
  const JobId job = rig.submit(at);
  rig.work(at, staff[0]);
  rig.apply(HandOutLost{at, staff[1], {{job, 1}}});
  rig.apply(HandOutLost{at, staff[0], {{job, 2}}});
  EXPECT_EQ(rig.status(at, job), JobStatus::in_progress);
  rig.finish(at, staff[0], job);
  rig.apply(HandOutLost{at, staff[0], {{job, 1}}});
  EXPECT_EQ(rig.status(at, job), JobStatus::completed);
}

// ---------------------------------------------------------------- leases

TEST_F(Workers, PingsRenewTheLeasesOfWhatTheyList) {
  const EndpointId at = team(1);
  const JobId listed = rig.submit(at);
  const JobId omitted = rig.submit(at);
  rig.work(at, staff[0], 2);
  for (int i = 0; i < 3; ++i) {
    rig.advance(Millis{10'000});
    rig.ping(at, staff[0], {listed, *JobId::parse("of-another-worker")});
  }
  EXPECT_EQ(rig.status(at, omitted), JobStatus::in_progress);
  rig.advance(Millis{10'000});
  EXPECT_EQ(rig.status(at, omitted), JobStatus::in_queue);
  EXPECT_EQ(rig.status(at, listed), JobStatus::in_progress);
  EXPECT_TRUE(rig.stopped().empty()) << "the worker answers, so it lives";
}

TEST_F(Workers, ChunksAndProgressRenewTheLease) {
  const EndpointId at = team(1);
  const JobId job = rig.submit(at);
  rig.work(at, staff[0]);
  rig.ping(at, staff[0], {});
  rig.advance(Millis{30'000});
  rig.chunk(at, staff[0], job, "c");
  rig.advance(Millis{30'000});
  rig.send(ReportProgress{0, at, staff[0], job, bytes("1")});
  rig.advance(Millis{39'999});
  EXPECT_EQ(rig.status(at, job), JobStatus::in_progress);
  rig.advance(Millis{1});
  EXPECT_EQ(rig.status(at, job), JobStatus::in_queue);
}

TEST_F(Workers, ASecondLossFailsTheJob) {
  const EndpointId at = team(2);
  const JobId job = rig.submit(at);
  rig.work(at, staff[0]);
  rig.apply(WorkerExited{staff[0], std::nullopt, "signal 9 (Killed)"});
  EXPECT_EQ(rig.engine->health(at)->jobs.retried, 1);
  rig.advance(Millis{500});
  ASSERT_EQ(rig.work(at, staff[1]), Ids{job});
  EXPECT_EQ(rig.job(at, job).delay_ms, 500) << "recomputed";
  rig.apply(WorkerExited{staff[1], std::nullopt, "signal 9 (Killed)"});
  const JobView view = rig.job(at, job);
  EXPECT_EQ(view.status, JobStatus::failed);
  EXPECT_EQ(view.error, "job timed out after 1 retries");
  EXPECT_EQ(view.retries, 1);
}

TEST_F(Workers, ASilentWorkerIsKilled) {
  const EndpointId at = team(1);
  const JobId job = rig.submit(at);
  rig.work(at, staff[0]);
  rig.ping(at, staff[0], {job});
  rig.advance(Millis{39'999});
  EXPECT_TRUE(rig.stopped().empty());
  rig.advance(Millis{1});
  EXPECT_EQ(rig.status(at, job), JobStatus::in_queue);
  ASSERT_FALSE(rig.stopped().empty());
  EXPECT_EQ(rig.stopped().back().id, staff[0]);
  EXPECT_EQ(rig.stopped().back().grace, Millis{0});
}

TEST_F(Workers, AWorkerThatNeverPingsLivesAsLongAsItsProcess) {
  const EndpointId at = team(1);
  const JobId job = rig.submit(at, [](JobRequest& r) { r.execution_timeout = Millis{3'600'000}; });
  rig.work(at, staff[0]);
  rig.advance(Millis{1'800'000});
  EXPECT_EQ(rig.status(at, job), JobStatus::in_progress);
  rig.apply(WorkerExited{staff[0], 1, "exit code 1"});
  EXPECT_EQ(rig.status(at, job), JobStatus::in_queue);
}

TEST_F(Workers, ExecutionTimeoutFailsTheJobAndEndsTheWorker) {
  const auto at = rig.staffed([](EndpointInput& in) { in.execution_timeout_ms = 20'000; });
  const JobId job = rig.submit(at.endpoint);
  const Token stops = rig.poll_stops(at.endpoint, at.worker);
  rig.advance(Millis{20'000});
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::failed);
  EXPECT_EQ(rig.job(at.endpoint, job).error, "job timed out");
  EXPECT_EQ(rig.job(at.endpoint, job).execution_ms, 20'000);
  EXPECT_EQ(rig.reply<StopList>(stops).jobs, Ids{job});
  ASSERT_EQ(rig.stopped().size(), 1u);
  EXPECT_EQ(rig.stopped()[0].grace, rig.settings.stop_grace);
}

TEST_F(Workers, ZeroMeansNoExecutionTimeout) {
  const auto at = rig.staffed([](EndpointInput& in) { in.execution_timeout_ms = 0; });
  const JobId own = rig.submit(at.endpoint, [](JobRequest& r) { r.execution_timeout = Millis{5'000}; });
  rig.advance(Millis{5'000});
  EXPECT_EQ(rig.status(at.endpoint, own), JobStatus::failed) << "the job's own wins";
  const auto other = rig.staffed([](EndpointInput& in) { in.execution_timeout_ms = 0; });
  const JobId job = rig.submit(other.endpoint);
  rig.advance(Millis{7'200'000});
  EXPECT_EQ(rig.status(other.endpoint, job), JobStatus::in_progress);
}

// ---------------------------------------------------------------- stop signals

struct Stops : Workers {
  void SetUp() override {
    at = team(1);
    worker = staff[0];
    job = rig.submit(at);
    rig.work(at, worker, 2);
    rig.ping(at, worker, {job});
  }
  void ping_every(Millis time) {
    for (Millis passed{0}; passed < time; passed += Millis{5'000}) {
      rig.advance(Millis{5'000});
      rig.ping(at, worker, {job});
    }
  }
  EndpointId at;
  WorkerId worker;
  JobId job;
};

TEST_F(Stops, AreToldToTheNextPoll) {
  rig.send(CancelJob{0, at, job});
  EXPECT_EQ(rig.reply<StopList>(rig.poll_stops(at, worker)).jobs, Ids{job});
}

TEST_F(Stops, AreRepeatedButNotAtOnce) {
  rig.send(CancelJob{0, at, job});
  rig.poll_stops(at, worker);
  const Token again = rig.poll_stops(at, worker);
  rig.advance(rig.settings.job_stop_repeat - Millis{1});
  EXPECT_FALSE(rig.answered(again)) << "no hot loop";
  rig.advance(Millis{1});
  EXPECT_EQ(rig.reply<StopList>(again).jobs, Ids{job});
}

TEST_F(Stops, EndWhenPingsNoLongerListTheJob) {
  rig.send(CancelJob{0, at, job});
  rig.poll_stops(at, worker);
  rig.ping(at, worker, {});
  const Token again = rig.poll_stops(at, worker);
  rig.advance(rig.settings.poll_hold);
  EXPECT_TRUE(rig.reply<StopList>(again).jobs.empty());
  rig.advance(Millis{120'000});
  EXPECT_TRUE(rig.stopped().empty());
}

TEST_F(Stops, EndWithAResult) {
  rig.send(CancelJob{0, at, job});
  rig.finish(at, worker, job);
  const Token poll = rig.poll_stops(at, worker);
  rig.advance(rig.settings.poll_hold);
  EXPECT_TRUE(rig.reply<StopList>(poll).jobs.empty());
}

TEST_F(Stops, AWorkerThatStillListsTheJobAfterTheGraceIsKilled) {
  rig.send(CancelJob{0, at, job});
  ping_every(rig.settings.job_stop_grace - Millis{5'000});
  EXPECT_TRUE(rig.stopped().empty());
  ping_every(Millis{5'000});
  ASSERT_FALSE(rig.stopped().empty());
  EXPECT_EQ(rig.stopped().back().grace, Millis{0});
  EXPECT_TRUE(rig.noted("it did not stop job"));
}

TEST_F(Stops, AWorkerThatNeverPingedIsKilledAfterTheGrace) {
  const EndpointId other = team(1);
  const WorkerId silent = rig.started().back();
  rig.apply(Forget{rig.take(other, silent)});
  const JobId running = rig.submit(other);
  ASSERT_EQ(rig.work(other, silent), Ids{running});
  rig.send(CancelJob{0, other, running});
  rig.advance(rig.settings.job_stop_grace - Millis{1});
  EXPECT_TRUE(rig.stopped().empty());
  rig.advance(Millis{1});
  EXPECT_FALSE(rig.stopped().empty());
}

TEST_F(Stops, ANewLifeOfTheJobIsNotStopped) {
  const JobId timed = rig.submit(at, [](JobRequest& r) { r.ttl = Millis{10'000}; });
  ASSERT_EQ(rig.work(at, worker), Ids{timed});
  rig.advance(Millis{10'000});
  ASSERT_EQ(rig.status(at, timed), JobStatus::timed_out);
  rig.send(RetryJob{0, at, timed});
  ASSERT_EQ(rig.reply<HandOuts>(rig.take(at, worker, 1, true)).jobs.at(0).id, timed);
  const Token stops = rig.poll_stops(at, worker);
  rig.advance(Millis{6'000});
  rig.ping(at, worker, {job, timed});
  EXPECT_FALSE(rig.answered(stops)) << "the worker is to run it again";
  EXPECT_TRUE(rig.stopped().empty());
}

// ---------------------------------------------------------------- external workers

TEST_F(Workers, ExternalWorkersTakeJobsToo) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  const WorkerId mine = rig.attach(at);
  const JobId job = rig.submit(at);
  EXPECT_EQ(rig.work(at, mine), Ids{job});
  EXPECT_TRUE(rig.started().empty());
  rig.finish(at, mine, job);
  EXPECT_EQ(rig.status(at, job), JobStatus::completed);
  rig.advance(Millis{3'600'000});
  EXPECT_TRUE(rig.stopped().empty()) << "nobody stops what the user started";
  EXPECT_NE(rig.engine->find_worker(mine), nullptr);
}

TEST_F(Workers, AnExternalWorkerThatFallsSilentLosesItsJobs) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  const WorkerId mine = rig.attach(at);
  const JobId job = rig.submit(at);
  rig.work(at, mine);
  rig.advance(Millis{40'000});
  EXPECT_EQ(rig.status(at, job), JobStatus::in_queue);
  EXPECT_TRUE(rig.stopped().empty());
}

TEST_F(Workers, DetachingGivesJobsBackAtOnce) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  const WorkerId mine = rig.attach(at);
  const JobId job = rig.submit(at);
  rig.work(at, mine);
  const Token poll = rig.take(at, mine, 1, true);
  rig.reply<Done>(rig.send(DetachWorker{0, at, mine}));
  EXPECT_TRUE(rig.answered(poll));
  EXPECT_EQ(rig.status(at, job), JobStatus::in_queue);
  EXPECT_EQ(rig.code(rig.send(DetachWorker{0, at, mine})), Errc::not_found);
  const auto managed = rig.staffed();
  EXPECT_EQ(rig.code(rig.send(DetachWorker{0, managed.endpoint, managed.worker})), Errc::not_found)
      << "only what the user attached";
}

TEST_F(Workers, ExternalWorkersAreBounded) {
  rig.settings.external_workers_max = 1;
  rig.restart();
  const EndpointId at = rig.endpoint();
  rig.attach(at);
  EXPECT_EQ(rig.code(rig.send(AttachWorker{0, at})), Errc::busy);
  EXPECT_EQ(rig.code(rig.send(AttachWorker{0, *EndpointId::parse("nowhere")})), Errc::not_found);
}

}  // namespace
}  // namespace penstock::core
