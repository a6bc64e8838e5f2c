#include "core/tests/rig.h"

// How many workers an endpoint has, and when they come and go (contract/data-plane 3).

namespace penstock::core {
namespace {

struct Scaling : testing::Test {
  int present(const EndpointId& at) {
    int count = 0;
    for (const WorkerView& view : rig.engine->workers_of(at)) count += view.status != WorkerStatus::draining ? 1 : 0;
    return count;
  }
  int started() { return static_cast<int>(rig.started().size()); }
  int stopped() { return static_cast<int>(rig.stopped().size()); }
  void end(const WorkerId& worker) { rig.apply(WorkerExited{worker, 0, "exit code 0"}); }
  Rig::Edit scaler(const char* type, int value, int max) {
    return [=](EndpointInput& in) {
      in.scaler_type = std::string(type);
      in.scaler_value = value;
      in.workers_max = max;
    };
  }

  Rig rig;
};

// ---------------------------------------------------------------- known from the field

TEST_F(Scaling, AWorkerThatInitialisesIsNotStartedTwice) {
  const EndpointId delay = rig.endpoint(scaler("QUEUE_DELAY", 1, 10));
  const EndpointId count = rig.endpoint(scaler("REQUEST_COUNT", 1, 10));
  rig.submit(delay);
  rig.submit(count);
  ASSERT_EQ(started(), 2);
  for (int i = 0; i < 50; ++i) rig.advance(Millis{1'000});
  rig.restart();
  for (int i = 0; i < 50; ++i) rig.advance(Millis{1'000});
  EXPECT_EQ(present(delay), 1);
  EXPECT_EQ(present(count), 1);
}

TEST_F(Scaling, ABurstStartsWhatItNeedsAtOnceAndNoMore) {
  const EndpointId at = rig.endpoint(scaler("REQUEST_COUNT", 2, 20));
  for (int i = 0; i < 10; ++i) rig.submit(at);
  EXPECT_EQ(started(), 5);
  for (int i = 0; i < 100; ++i) rig.advance(Millis{1'000});
  EXPECT_EQ(started(), 5);
  EXPECT_EQ(stopped(), 0);
}

TEST_F(Scaling, AWorkerThatIsToldToLeaveGetsNoJobInTheSameStep) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.idle_timeout_s = 5; });
  const JobId first = rig.submit(at);
  const WorkerId worker = rig.started().at(0);
  ASSERT_EQ(rig.work(at, worker), std::vector<JobId>{first});
  rig.finish(at, worker, first);
  const Token poll = rig.take(at, worker);
  rig.now += Millis{5'000};  // its idle time-out is due in the very step in which the job comes
  const JobId second = rig.submit(at);
  EXPECT_EQ(stopped(), 1);
  EXPECT_TRUE(rig.reply<HandOuts>(poll).jobs.empty()) << "who is told to leave gets no job any more";
  EXPECT_EQ(rig.status(at, second), JobStatus::in_queue);
  EXPECT_EQ(started(), 2) << "and the job has another worker on its way";
}

TEST_F(Scaling, AWorkerThatWasJustGivenAJobIsNotStopped) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.idle_timeout_s = 5; });
  const JobId first = rig.submit(at);
  const WorkerId worker = rig.started().at(0);
  ASSERT_EQ(rig.work(at, worker), std::vector<JobId>{first});
  rig.finish(at, worker, first);
  rig.take(at, worker);
  rig.advance(Millis{4'999});
  const JobId second = rig.submit(at);
  ASSERT_EQ(rig.status(at, second), JobStatus::in_progress);
  rig.advance(Millis{9'000});
  EXPECT_EQ(stopped(), 0);
  rig.save(at, [](EndpointInput& in) { in.workers_max = 0; });
  EXPECT_EQ(stopped(), 0) << "workersMax too waits for the job";
  rig.finish(at, worker, second);
  EXPECT_EQ(rig.status(at, second), JobStatus::completed);
  EXPECT_EQ(stopped(), 1);
}

TEST_F(Scaling, AWorkerThatNeverBecomesReadyIsNoCapacity) {
  const EndpointId at = rig.endpoint(scaler("REQUEST_COUNT", 1, 1));
  const JobId job = rig.submit(at);
  const WorkerId stuck = rig.started().at(0);
  rig.advance(rig.settings.start_timeout - Millis{1});
  EXPECT_EQ(rig.settings.start_timeout, Millis{7 * 60'000});
  EXPECT_EQ(stopped(), 0);
  rig.advance(Millis{1});
  ASSERT_GE(stopped(), 1);
  EXPECT_EQ(rig.stopped().back().id, stuck);
  EXPECT_EQ(rig.stopped().back().grace, Millis{0});
  EXPECT_EQ(rig.engine->health(at)->unhealthy, 1);
  rig.advance(Millis{1'000});
  EXPECT_EQ(started(), 2) << "workersMax is 1, and the one that hangs is not counted, though it has not exited";
  ASSERT_EQ(rig.work(at, rig.started().back()), std::vector<JobId>{job});
}

TEST_F(Scaling, TheIdleTimeBeginsWithTheEndOfTheJobNotWithTheNextPoll) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.idle_timeout_s = 5; });
  const JobId job = rig.submit(at);
  const WorkerId worker = rig.started().at(0);
  ASSERT_EQ(rig.work(at, worker), std::vector<JobId>{job});
  rig.finish(at, worker, job);
  rig.advance(Millis{3'000});
  rig.take(at, worker);  // it comes back late
  rig.ping(at, worker, {});
  rig.advance(Millis{1'999});
  EXPECT_EQ(stopped(), 0);
  rig.advance(Millis{1});
  EXPECT_EQ(stopped(), 1);
}

TEST_F(Scaling, TheIdleTimeOfANewWorkerBeginsWhenItIsReady) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.idle_timeout_s = 5; });
  const JobId job = rig.submit(at);
  rig.advance(Millis{60'000});
  rig.send(CancelJob{0, at, job});
  const WorkerId worker = rig.started().at(0);
  rig.take(at, worker);
  rig.advance(Millis{4'999});
  EXPECT_EQ(stopped(), 0);
  rig.advance(Millis{1});
  EXPECT_EQ(stopped(), 1);
}

// ---------------------------------------------------------------- up

TEST_F(Scaling, QueueDelayStartsOneThenOnePerDelay) {
  const EndpointId at = rig.endpoint(scaler("QUEUE_DELAY", 4, 3));
  for (int i = 0; i < 6; ++i) rig.submit(at);
  EXPECT_EQ(started(), 1) << "at once, from zero";
  rig.advance(Millis{4'000});
  EXPECT_EQ(started(), 1);
  rig.advance(Millis{1});
  EXPECT_EQ(started(), 2) << "without any other event";
  rig.advance(Millis{4'001});
  EXPECT_EQ(started(), 3);
  rig.advance(Millis{60'000});
  EXPECT_EQ(started(), 3) << "workersMax";
}

TEST_F(Scaling, QueueDelayCountsWorkersOnTheirWay) {
  const EndpointId at = rig.endpoint(scaler("QUEUE_DELAY", 1, 5));
  rig.submit(at);
  rig.advance(Millis{30'000});
  EXPECT_EQ(started(), 1) << "one job, one worker that is starting";
}

TEST_F(Scaling, RequestCountFollowsTheRequests) {
  const EndpointId at = rig.endpoint(scaler("REQUEST_COUNT", 4, 10));
  for (int i = 0; i < 9; ++i) rig.submit(at);
  EXPECT_EQ(started(), 3);
  EXPECT_EQ(rig.all.decisions.back().decision.rule, ScaleRule::request_count);
  EXPECT_EQ(decide(rig.all.decisions.back().inputs), rig.all.decisions.back().decision) << "a record can be replayed";
}

TEST_F(Scaling, LowPriorityWaitsAMinuteForAWorker) {
  const EndpointId at = rig.endpoint();
  rig.submit(at, [](JobRequest& r) { r.priority = Priority::low; });
  rig.advance(Millis{59'999});
  EXPECT_EQ(started(), 0);
  rig.advance(Millis{1});
  EXPECT_EQ(started(), 1);
}

TEST_F(Scaling, WorkersMaxZeroAcceptsJobsAndStartsNobody) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  const JobId job = rig.submit(at);
  rig.advance(Millis{600'000});
  EXPECT_EQ(started(), 0);
  EXPECT_EQ(rig.status(at, job), JobStatus::in_queue);
  rig.save(at, [](EndpointInput& in) { in.workers_max = 1; });
  EXPECT_EQ(started(), 1);
}

TEST_F(Scaling, StartOrdersSayWhatToRun) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) {
    in.new_template->docker_args = std::string("python3 h.py");
    in.new_template->env = std::vector<EnvVar>{{"A", "template"}, {"B", "template"}};
    in.env = std::vector<EnvVar>{{"B", "endpoint"}, {"C", "endpoint"}};
    in.workers_min = 1;
  });
  const auto& start = std::get<StartWorker>(rig.all.orders.at(0));
  EXPECT_EQ(start.endpoint, at);
  EXPECT_EQ(start.image, "example/image:1");
  EXPECT_EQ(start.docker_args, "python3 h.py");
  EXPECT_EQ(start.env, (std::vector<EnvVar>{{"A", "template"}, {"B", "endpoint"}, {"C", "endpoint"}}));
  EXPECT_EQ(start.placement.node, "here");
  EXPECT_EQ(start.placement.gpus, std::vector<int>{0});
}

// ---------------------------------------------------------------- capacity

TEST(ScalingCapacity, WithoutAFreeGpuAnEndpointIsThrottled) {
  Rig rig({}, Rig::node_with(1));
  const auto first = rig.staffed();
  const EndpointId second = rig.endpoint();
  rig.submit(second);
  EXPECT_EQ(rig.engine->health(second)->throttled, 1);
  EXPECT_EQ(rig.started().size(), 1u);
  rig.save(first.endpoint, [](EndpointInput& in) {
    in.workers_min = 0;
    in.workers_max = 0;
  });
  rig.apply(WorkerExited{first.worker, 0, "exit code 0"});
  EXPECT_EQ(rig.started().size(), 2u) << "a freed GPU is somebody's chance at once";
  EXPECT_EQ(rig.engine->health(second)->throttled, 0);
}

TEST(ScalingCapacity, CpuEndpointsNeedNoGpu) {
  Rig rig({}, Rig::node_with(0));
  rig.endpoint([](EndpointInput& in) {
    in.gpu_ids = {};
    in.instance_ids = std::vector<std::string>{"cpu3c-2-4"};
    in.workers_min = 2;
  });
  EXPECT_EQ(rig.started().size(), 2u);
}

// ---------------------------------------------------------------- down

TEST_F(Scaling, IdleWorkersStopAfterTheIdleTimeout) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.idle_timeout_s = 5; });
  const JobId job = rig.submit(at);
  const WorkerId worker = rig.started().at(0);
  ASSERT_EQ(rig.work(at, worker), std::vector<JobId>{job});
  rig.advance(Millis{20'000});
  rig.ping(at, worker, {job});
  EXPECT_EQ(stopped(), 0) << "busy is not idle";
  rig.finish(at, worker, job);
  const Token poll = rig.take(at, worker);
  rig.advance(Millis{4'999});
  EXPECT_EQ(stopped(), 0);
  rig.advance(Millis{1});
  ASSERT_EQ(stopped(), 1);
  EXPECT_EQ(rig.stopped()[0].grace, rig.settings.stop_grace);
  EXPECT_TRUE(rig.answered(poll)) << "its polls are answered before SIGTERM";
  EXPECT_TRUE(rig.answered(rig.take(at, worker))) << "and later ones at once";
}

TEST_F(Scaling, WorkersMinStay) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) {
    in.workers_min = 1;
    in.idle_timeout_s = 1;
    in.scaler_type = std::string("REQUEST_COUNT");
    in.scaler_value = 1;
  });
  const JobId a = rig.submit(at);
  const JobId b = rig.submit(at);
  for (const WorkerId& worker : rig.started()) {
    for (const JobId& job : rig.work(at, worker, 2)) rig.finish(at, worker, job);
    rig.take(at, worker);
  }
  EXPECT_EQ(rig.status(at, a), JobStatus::completed);
  EXPECT_EQ(rig.status(at, b), JobStatus::completed);
  EXPECT_EQ(present(at), 2);
  rig.advance(Millis{60'000});
  EXPECT_EQ(present(at), 1);
  end(rig.stopped().at(0).id);
  rig.apply(WorkerExited{rig.engine->workers_of(at).at(0).worker.id, 1, "exit code 1"});
  rig.advance(Millis{1'000});
  EXPECT_EQ(present(at), 1) << "one that dies is replaced";
}

TEST_F(Scaling, RequestCountDoesNotStopAWorkerOnlyToStartAnother) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) {
    in.workers_max = 2;
    in.idle_timeout_s = 1;
    in.scaler_type = std::string("REQUEST_COUNT");
    in.scaler_value = 1;
  });
  const JobId a = rig.submit(at);
  const JobId b = rig.submit(at);
  ASSERT_EQ(started(), 2);
  const WorkerId busy = rig.started()[0];
  const WorkerId idle = rig.started()[1];
  ASSERT_EQ(rig.work(at, busy, 2), (std::vector<JobId>{a, b})) << "one worker holds both requests";
  rig.take(at, idle);
  rig.advance(Millis{20'000});
  EXPECT_EQ(started(), 2);
  EXPECT_EQ(stopped(), 0);
  rig.finish(at, busy, a);
  rig.advance(Millis{1'000});
  EXPECT_EQ(stopped(), 1) << "one request is left, and one worker";
}

TEST_F(Scaling, LoweringWorkersMaxDrainsTheSurplusIdleFirst) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) {
    in.workers_min = 3;
    in.workers_max = 3;
  });
  const auto staff = rig.started();
  const JobId job = rig.submit(at);
  ASSERT_EQ(rig.work(at, staff[1]), std::vector<JobId>{job});
  rig.take(at, staff[0]);
  rig.save(at, [](EndpointInput& in) {
    in.workers_min = 0;
    in.workers_max = 1;
  });
  ASSERT_EQ(stopped(), 2);
  EXPECT_EQ(rig.stopped()[0].id, staff[2]) << "the one that is not ready";
  EXPECT_EQ(rig.stopped()[1].id, staff[0]) << "then the idle one";
  rig.save(at, [](EndpointInput& in) { in.workers_max = 0; });
  EXPECT_EQ(stopped(), 2) << "the busy one may finish";
  rig.finish(at, staff[1], job);
  EXPECT_EQ(rig.status(at, job), JobStatus::completed);
  ASSERT_EQ(stopped(), 3);
  EXPECT_EQ(rig.stopped()[2].id, staff[1]);
}

TEST_F(Scaling, ADrainingWorkerGetsNoJobs) {
  const auto at = rig.staffed();
  const JobId job = rig.submit(at.endpoint);
  const Token poll = rig.take(at.endpoint, at.worker, 1, true);
  rig.save(at.endpoint, [](EndpointInput& in) {
    in.workers_min = 0;
    in.workers_max = 0;
  });
  const JobId next = rig.submit(at.endpoint);
  EXPECT_FALSE(rig.answered(poll) && !rig.reply<HandOuts>(poll).jobs.empty());
  rig.finish(at.endpoint, at.worker, job);
  EXPECT_EQ(rig.status(at.endpoint, next), JobStatus::in_queue);
}

TEST_F(Scaling, AWorkerThatStopsAskingWhileJobsWaitIsReplaced) {
  const auto at = rig.staffed([](EndpointInput& in) { in.idle_timeout_s = 3'600; });
  rig.apply(Forget{at.poll});  // and it does not come back
  rig.submit(at.endpoint);
  rig.ping(at.endpoint, at.worker, {});
  rig.advance(Millis{39'999});
  EXPECT_EQ(stopped(), 0);
  rig.advance(Millis{1});
  EXPECT_EQ(stopped(), 1);
  EXPECT_EQ(started(), 2);
}

// ---------------------------------------------------------------- releases

TEST_F(Scaling, AReleaseReplacesIdleWorkersAtOnceAndBusyOnesAfterTheirJob) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) {
    in.workers_min = 2;
    in.workers_max = 2;
  });
  const auto staff = rig.started();
  const JobId job = rig.submit(at);
  ASSERT_EQ(rig.work(at, staff[0]), std::vector<JobId>{job});
  rig.take(at, staff[1]);
  rig.save(at, [](EndpointInput& in) { in.env = std::vector<EnvVar>{{"MODEL", "2"}}; });
  ASSERT_EQ(stopped(), 1);
  EXPECT_EQ(rig.stopped()[0].id, staff[1]);
  EXPECT_EQ(started(), 4) << "both are replaced";
  EXPECT_EQ(rig.engine->find_worker(rig.started()[2])->release, 1);
  EXPECT_EQ(rig.status(at, job), JobStatus::in_progress);
  rig.finish(at, staff[0], job);
  EXPECT_EQ(rig.status(at, job), JobStatus::completed);
  EXPECT_EQ(stopped(), 2);
}

TEST_F(Scaling, ATemplateChangeRollsItsEndpoint) {
  const auto at = rig.staffed();
  TemplateInput edit;
  edit.id = rig.template_of(at.endpoint).str();
  edit.name = rig.engine->find_template(rig.template_of(at.endpoint))->name;
  edit.image = std::string("example/image:2");
  rig.send(SaveTemplate{0, rig.owner, edit});
  EXPECT_EQ(stopped(), 1);
  EXPECT_EQ(std::get<StartWorker>(rig.all.orders.back()).image, "example/image:2");
}

TEST_F(Scaling, AWorkerMayAskToBeReplaced) {
  const auto at = rig.staffed();
  const JobId job = rig.submit(at.endpoint);
  rig.send(FinishJob{0, at.endpoint, at.worker, job, bytes("1"), std::nullopt, true});
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::completed);
  EXPECT_EQ(stopped(), 1);
  EXPECT_EQ(started(), 2);
  end(at.worker);
  EXPECT_EQ(rig.engine->health(at.endpoint)->unhealthy, 0) << "that is no crash";
}

// ---------------------------------------------------------------- crashes

TEST_F(Scaling, CrashesAreBackedOff) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 1; });
  const JobId job = rig.submit(at);
  const int waits_s[] = {1, 2, 4, 8, 16, 32, 60, 3'600};
  int crashes = 0;
  for (const int wait_s : waits_s) {
    rig.apply(WorkerExited{rig.started().back(), 1, "exit code 1"});
    EXPECT_EQ(rig.engine->health(at)->unhealthy, 1);
    ++crashes;
    rig.advance(Millis{wait_s * 1'000 - 1});
    EXPECT_EQ(started(), crashes) << "after crash " << crashes;
    rig.advance(Millis{1});
    EXPECT_EQ(started(), crashes + 1) << "after crash " << crashes;
  }
  EXPECT_EQ(rig.status(at, job), JobStatus::in_queue) << "jobs wait meanwhile";
  rig.work(at, rig.started().back());
  EXPECT_EQ(rig.engine->health(at)->unhealthy, 0) << "a worker that becomes ready ends it";
  rig.apply(WorkerExited{rig.started().back(), 1, "exit code 1"});
  rig.advance(Millis{1'000});
  EXPECT_EQ(started(), crashes + 2);
}

TEST_F(Scaling, StartFailuresCountAsCrashes) {
  const EndpointId at = rig.endpoint();
  rig.submit(at);
  rig.apply(WorkerStartFailed{rig.started().back(), "no such image"});
  EXPECT_TRUE(rig.noted("no such image"));
  EXPECT_EQ(rig.engine->fleet().gpus_taken(), 0);
  EXPECT_EQ(started(), 1);
  rig.advance(Millis{1'000});
  EXPECT_EQ(started(), 2);
}

TEST_F(Scaling, WorkersThatFailTogetherAreOneCrash) {
  rig.endpoint([](EndpointInput& in) {
    in.workers_min = 8;
    in.workers_max = 8;
  });
  const auto staff = rig.started();
  ASSERT_EQ(staff.size(), 8u);
  rig.advance(Millis{10});
  for (const WorkerId& worker : staff) rig.apply(WorkerStartFailed{worker, "registry not reachable"});
  rig.advance(Millis{1'000});
  EXPECT_EQ(started(), 16) << "after a second, not after an hour";
  rig.advance(Millis{10});
  for (int i = 8; i < 16; ++i) rig.apply(WorkerStartFailed{rig.started()[static_cast<std::size_t>(i)], "still not"});
  rig.advance(Millis{1'999});
  EXPECT_EQ(started(), 16);
  rig.advance(Millis{1});
  EXPECT_EQ(started(), 24);
}

TEST_F(Scaling, AnyWorkerThatBecomesReadyEndsTheBackOff) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) {
    in.workers_max = 2;
    in.workers_min = 2;
  });
  const auto staff = rig.started();
  rig.save(at, [](EndpointInput& in) {
    in.workers_min = 1;
    in.workers_max = 1;
  });
  ASSERT_EQ(stopped(), 1);
  const WorkerId leaving = rig.stopped()[0].id;
  rig.apply(WorkerExited{leaving == staff[0] ? staff[1] : staff[0], 1, "exit code 1"});
  EXPECT_EQ(started(), 2);
  rig.take(at, leaving);
  EXPECT_EQ(started(), 3) << "at once, although the one that became ready is leaving";
}

TEST_F(Scaling, AWorkerMustBecomeReadyInTime) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 1; });
  rig.submit(at);
  rig.apply(WorkerStarted{rig.started()[0], "handle"});
  EXPECT_EQ(rig.engine->health(at)->initializing, 1);
  rig.advance(rig.settings.start_timeout - Millis{1});
  EXPECT_EQ(stopped(), 0);
  rig.advance(Millis{1});
  EXPECT_GE(stopped(), 1);
  EXPECT_EQ(rig.stopped().back().grace, Millis{0});
  EXPECT_EQ(rig.engine->health(at)->unhealthy, 1);
  end(rig.started()[0]);
  rig.advance(Millis{1'000});
  EXPECT_EQ(started(), 2);
}

TEST_F(Scaling, AnImageMayAskForALongerStart) {
  rig.endpoint([](EndpointInput& in) {
    in.workers_min = 1;
    in.env = std::vector<EnvVar>{{"RUNPOD_INIT_TIMEOUT", "800"}};
  });
  rig.advance(Millis{799'999});
  EXPECT_EQ(stopped(), 0);
  rig.advance(Millis{1});
  EXPECT_GE(stopped(), 1);
}

// ---------------------------------------------------------------- counters

TEST_F(Scaling, HealthCountsWorkersByWhatTheyDo) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) {
    in.workers_min = 3;
    in.workers_max = 3;
  });
  const auto staff = rig.started();
  EXPECT_EQ(rig.engine->health(at)->initializing, 3);
  rig.submit(at);
  rig.work(at, staff[0]);
  rig.take(at, staff[1]);
  const Health health = *rig.engine->health(at);
  EXPECT_EQ(health.running, 1);
  EXPECT_EQ(health.idle, 1);
  EXPECT_EQ(health.ready, 1);
  EXPECT_EQ(health.initializing, 1);
  EXPECT_EQ(health.in_progress, 1);
  EXPECT_EQ(health.in_queue, 0);
  EXPECT_EQ(health.throttled, 0);
  const auto views = rig.engine->workers_of(at);
  EXPECT_EQ(to_text(views[0].status), "running");
  EXPECT_EQ(views[0].jobs, 1);
  EXPECT_EQ(to_text(views[1].status), "idle");
  EXPECT_EQ(to_text(views[2].status), "initializing");
}

TEST_F(Scaling, NothingIsDoneBetweenWakeUps) {
  const EndpointId at = rig.endpoint(scaler("QUEUE_DELAY", 4, 3));
  for (int i = 0; i < 3; ++i) rig.submit(at);
  rig.now += Millis{3'000};
  rig.apply(Tick{});
  EXPECT_TRUE(rig.last.orders.empty());
  EXPECT_TRUE(rig.last.replies.empty());
  ASSERT_TRUE(rig.engine->next_wakeup());
  EXPECT_EQ(*rig.engine->next_wakeup(), rig.now + Millis{1'001});
}

}  // namespace
}  // namespace penstock::core
