#include "core/tests/rig.h"

// What a server finds when it starts again, and what it does when it stops.

namespace penstock::core {
namespace {

using Ids = std::vector<JobId>;

struct Restart : testing::Test {
  Rig rig;
};

TEST_F(Restart, TheControlPlaneIsAsItWas) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) {
    in.workers_max = 0;
    in.locations = std::string("US");
  });
  rig.apply(SaveApiKey{ApiKey{"k1", rig.owner, "first", "aa", KeyScope::all, rig.now}});
  const Endpoint before = *rig.engine->find_endpoint(at);
  const Template value = *rig.engine->find_template(before.template_id);
  rig.restart();
  ASSERT_NE(rig.engine->find_endpoint(at), nullptr);
  EXPECT_EQ(*rig.engine->find_endpoint(at), before);
  EXPECT_EQ(*rig.engine->find_template(before.template_id), value);
  EXPECT_EQ(rig.engine->find_key("aa")->id, "k1");
  EXPECT_EQ(rig.engine->first_account()->id, rig.owner);
}

TEST_F(Restart, QueuedJobsKeepTheirOrderAndTime) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  const JobId first = rig.submit(at, [](JobRequest& r) { r.ttl = Millis{60'000}; });
  const JobId second = rig.submit(at);
  rig.advance(Millis{30'000});
  rig.restart();
  EXPECT_EQ(rig.engine->health(at)->in_queue, 2);
  const WorkerId mine = rig.attach(at);
  EXPECT_EQ(rig.work(at, mine, 2), (Ids{first, second}));
  EXPECT_EQ(rig.job(at, first).delay_ms, 30'000);
  rig.ping(at, mine, {first, second});
  rig.advance(Millis{30'000});
  EXPECT_EQ(rig.status(at, first), JobStatus::timed_out) << "its time to live went on";
}

TEST_F(Restart, AClockThatWasSetBackMakesNoNegativeTimes) {
  JobState state;
  state.status = JobStatus::completed;
  state.queued = from_ms(5'000);
  state.started = from_ms(4'000);
  state.finished = from_ms(3'000);
  EXPECT_EQ(delay_ms(state), 0);
  EXPECT_EQ(execution_ms(state), 0);
}

TEST_F(Restart, ManagedWorkersAreAdoptedAndGoOn) {
  const auto at = rig.staffed();
  const JobId job = rig.submit(at.endpoint);
  rig.chunk(at.endpoint, at.worker, job, "a");
  rig.restart();
  ASSERT_EQ(rig.last.orders.size(), 1u);
  const auto& adopt = std::get<AdoptWorker>(rig.last.orders[0]);
  EXPECT_EQ(adopt.id, at.worker);
  EXPECT_EQ(adopt.handle, "handle");
  EXPECT_EQ(rig.engine->fleet().gpus_taken(), 1);
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::in_progress);
  EXPECT_EQ(rig.chunk_texts(rig.reply<StreamPage>(rig.read(at.endpoint, job))), std::vector<std::string>{"a"});
  rig.ping(at.endpoint, at.worker, {job});
  rig.finish(at.endpoint, at.worker, job, "9");
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::completed);
  EXPECT_EQ(rig.job(at.endpoint, job).retries, 0);
}

TEST_F(Restart, TheStreamCursorSurvives) {
  const auto at = rig.staffed();
  const JobId job = rig.submit(at.endpoint);
  rig.chunk(at.endpoint, at.worker, job, "a");
  rig.chunk(at.endpoint, at.worker, job, "b");
  const StreamPage page = rig.reply<StreamPage>(rig.read(at.endpoint, job));
  rig.page_done(at.endpoint, job, page, true);
  rig.chunk(at.endpoint, at.worker, job, "c");
  const StreamPage lost = rig.reply<StreamPage>(rig.read(at.endpoint, job));
  rig.restart();
  EXPECT_EQ(rig.chunk_texts(rig.reply<StreamPage>(rig.read(at.endpoint, job))), rig.chunk_texts(lost))
      << "a page of which nobody knows whether it arrived is shown again";
}

TEST_F(Restart, AttemptsOfAnEarlierServerAreFree) {
  const auto at = rig.staffed();
  const JobId job = rig.submit(at.endpoint);
  rig.advance(Millis{10});
  rig.restart();
  rig.apply(WorkerExited{at.worker, std::nullopt, "ended while the server was down"});
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::in_queue);
  EXPECT_EQ(rig.job(at.endpoint, job).retries, 0);
  for (int attempt = 0; attempt < 2; ++attempt) {
    rig.advance(Millis{2'000});
    ASSERT_EQ(rig.work(at.endpoint, rig.started().back()), Ids{job}) << "it still has both of its own";
    rig.apply(WorkerExited{rig.started().back(), 1, "exit code 1"});
  }
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::failed);
  EXPECT_EQ(rig.job(at.endpoint, job).error, "job timed out after 1 retries");
}

TEST_F(Restart, AJobWhoseWorkerIsNotKnownGoesToTheFront) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  const WorkerId mine = rig.attach(at);
  const JobId running = rig.submit(at);
  rig.submit(at);
  ASSERT_EQ(rig.work(at, mine), Ids{running});
  rig.books.apply(WorkerRemoved{mine});  // a store of which this is all that is left
  rig.restart();
  EXPECT_EQ(rig.status(at, running), JobStatus::in_queue);
  EXPECT_EQ(rig.work(at, rig.attach(at)), Ids{running});
}

TEST_F(Restart, ExternalWorkersAreKnownAndMayBeGone) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  const WorkerId mine = rig.attach(at);
  const JobId job = rig.submit(at);
  rig.work(at, mine);
  rig.advance(Millis{10});
  rig.restart();
  EXPECT_TRUE(rig.last.orders.empty()) << "nobody adopts what the user started";
  EXPECT_EQ(rig.status(at, job), JobStatus::in_progress);
  rig.advance(Millis{40'000});
  EXPECT_EQ(rig.status(at, job), JobStatus::in_queue) << "it has one lease to be heard of again";
}

TEST_F(Restart, TheTimeWithoutAServerIsNoTimeThatAJobRan) {
  const auto at = rig.staffed();
  const JobId job = rig.submit(at.endpoint, [](JobRequest& r) { r.execution_timeout = Millis{60'000}; });
  const auto goes_on = [&](Millis time) {
    for (; time > Millis{0}; time -= Millis{10'000}) {
      rig.ping(at.endpoint, at.worker, {job});
      rig.advance(std::min(time, Millis{10'000}));
    }
  };
  std::vector<Absence> absences;
  const auto away = [&](Millis time) {  // or a clock that jumped while no server was there
    absences.push_back({rig.now, rig.now + time});
    rig.now += time;
    rig.restart(absences);
  };
  goes_on(Millis{20'000});
  away(Millis{36'000'000});
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::in_progress);
  goes_on(Millis{20'000});
  away(Millis{-7'200'000});
  goes_on(Millis{10'000});
  away(Millis{100'000});
  goes_on(Millis{9'000});
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::in_progress);
  goes_on(Millis{2'000});
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::failed) << "60 s of a server's time are over";
  EXPECT_EQ(rig.job(at.endpoint, job).error, "job timed out");
}

TEST_F(Restart, NorWhenTheServerEndedBeforeItNotedThatItWasThere) {
  const auto at = rig.staffed();
  const Time noted = rig.now;
  rig.advance(Millis{2'000});
  const JobId job = rig.submit(at.endpoint, [](JobRequest& r) { r.execution_timeout = Millis{60'000}; });
  rig.advance(Millis{1'000});
  rig.now += Millis{36'000'000};
  rig.restart({Absence{noted, rig.now}});
  const auto goes_on = [&](int times) {
    for (int i = 0; i < times; ++i) {
      rig.ping(at.endpoint, at.worker, {job});
      rig.advance(Millis{10'000});
    }
  };
  goes_on(5);
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::in_progress);
  goes_on(2);
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::failed);
}

TEST_F(Restart, FinishedJobsStayInTheStore) {
  const auto at = rig.staffed();
  const JobId job = rig.submit(at.endpoint);
  rig.finish(at.endpoint, at.worker, job, "5");
  rig.restart();
  EXPECT_FALSE(rig.engine->has_job(at.endpoint, job));
  EXPECT_EQ(rig.engine->health(at.endpoint)->jobs, (Counters{1, 0, 0}));
  rig.recall(job);
  EXPECT_EQ(text_of(rig.job(at.endpoint, job).output), "5");
  rig.finish(at.endpoint, at.worker, job, "6");
  EXPECT_EQ(text_of(rig.job(at.endpoint, job).output), "5");
}

TEST_F(Restart, DrainingWorkersAreStoppedAgain) {
  const auto at = rig.staffed();
  rig.save(at.endpoint, [](EndpointInput& in) {
    in.workers_min = 0;
    in.workers_max = 0;
  });
  rig.restart();
  ASSERT_EQ(rig.last.orders.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<AdoptWorker>(rig.last.orders[0]));
  EXPECT_EQ(std::get<StopWorker>(rig.last.orders[1]).id, at.worker);
}

TEST_F(Restart, WorkersOfADeletedEndpointAreEnded) {
  const auto at = rig.staffed();
  rig.save(at.endpoint, [](EndpointInput& in) {
    in.workers_min = 0;
    in.workers_max = 0;
  });
  rig.send(DeleteEndpoint{0, rig.owner, at.endpoint.str()});
  rig.restart();
  ASSERT_EQ(rig.last.orders.size(), 2u);
  EXPECT_EQ(std::get<AdoptWorker>(rig.last.orders[0]).id, at.worker);
  EXPECT_EQ(std::get<StopWorker>(rig.last.orders[1]).id, at.worker);
  EXPECT_EQ(rig.engine->fleet().gpus_taken(), 1);
  rig.apply(WorkerExited{at.worker, 0, "exit code 0"});
  EXPECT_EQ(rig.engine->fleet().gpus_taken(), 0);
  rig.restart();
  EXPECT_TRUE(rig.last.orders.empty());
}

TEST_F(Restart, ManyWorkersGoneAtOnceAreNoRowOfCrashes) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) {
    in.workers_min = 8;
    in.workers_max = 8;
  });
  rig.advance(Millis{10});
  rig.restart();  // of the whole machine
  for (const WorkerView& view : rig.engine->workers_of(at)) {
    rig.apply(WorkerExited{view.worker.id, std::nullopt, "ended while the server was down"});
  }
  rig.advance(Millis{1'000});
  EXPECT_EQ(rig.started().size(), 16u);
}

// ---------------------------------------------------------------- shutdown

TEST_F(Restart, ShutdownAnswersEveryCaller) {
  const auto at = rig.staffed();
  rig.apply(Forget{at.poll});
  const JobId job = rig.submit(at.endpoint);
  const Token waits[] = {rig.run_sync(at.endpoint, Millis{90'000}),
                         rig.send(AwaitJob{0, at.endpoint, job, Millis{90'000}}),
                         rig.read(at.endpoint, job, Millis{90'000}), rig.poll_stops(at.endpoint, at.worker),
                         rig.take(at.endpoint, *WorkerId::parse("unknown"))};
  rig.apply(Shutdown{});
  for (const Token token : waits) EXPECT_TRUE(rig.answered(token));
  EXPECT_TRUE(rig.reply<HandOuts>(rig.take(at.endpoint, at.worker)).jobs.empty()) << "no hand-out from now on";
  EXPECT_TRUE(rig.reply<StopList>(rig.poll_stops(at.endpoint, at.worker)).jobs.empty());
  EXPECT_EQ(rig.reply<JobReply>(rig.send(AwaitJob{0, at.endpoint, job, Millis{90'000}})).job.status,
            JobStatus::in_queue);
  EXPECT_TRUE(rig.answered(rig.read(at.endpoint, job, Millis{90'000})));
  const Token late = rig.run_sync(at.endpoint, Millis{90'000});
  rig.advance(Millis{0});
  EXPECT_TRUE(rig.answered(late)) << "accepted, and not waited for";
}

TEST_F(Restart, ShutdownStopsIdleWorkersOrAll) {
  for (const StopWorkers which : {StopWorkers::idle, StopWorkers::all}) {
    Rig fresh;
    const auto busy = fresh.staffed();
    const auto idle = fresh.staffed();
    const JobId job = fresh.submit(busy.endpoint);
    ASSERT_EQ(fresh.status(busy.endpoint, job), JobStatus::in_progress);
    fresh.apply(Shutdown{which});
    EXPECT_EQ(fresh.stopped().size(), which == StopWorkers::all ? 2u : 1u);
    fresh.finish(busy.endpoint, busy.worker, job, "1");
    EXPECT_EQ(fresh.status(busy.endpoint, job), JobStatus::completed) << "results are taken until the end";
    fresh.apply(WorkerExited{idle.worker, 0, "exit code 0"});
    EXPECT_EQ(fresh.started().size(), 2u) << "nobody is started in its place";
  }
}

TEST_F(Restart, AJobThatTheShutdownCutShortLosesNoTry) {
  const auto at = rig.staffed();
  const JobId job = rig.submit(at.endpoint);
  rig.apply(Shutdown{StopWorkers::all});
  rig.apply(WorkerExited{at.worker, std::nullopt, "signal 9 (Killed)"});
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::in_queue);
  EXPECT_EQ(rig.job(at.endpoint, job).retries, 0);
}

// ---------------------------------------------------------------- determinism

TEST_F(Restart, EqualCommandsGiveEqualRecords) {
  const auto story = [](Rig& rig) {
    const auto at = rig.staffed();
    for (int i = 0; i < 5; ++i) rig.submit(at.endpoint);
    rig.advance(Millis{12'345});
    rig.apply(WorkerExited{at.worker, 1, "exit code 1"});
    rig.advance(Millis{60'000});
    std::vector<std::string> told;
    for (const auto& change : rig.records<JobChanged>()) {
      told.push_back(to_string(change.id) + std::string(to_text(change.state.status)) + change.state.worker.str());
    }
    for (const std::string& note : rig.all.notes) told.push_back(note);
    return told;
  };
  Rig other;
  EXPECT_EQ(story(rig), story(other));
}

}  // namespace
}  // namespace penstock::core
