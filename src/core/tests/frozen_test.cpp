#include <algorithm>

#include "core/tests/rig.h"

// FLASHBOOT: idle workers are frozen and thawed instead of ended and started (contract/data-plane 2.3, 2.9, 3.4).

namespace penstock::core {
namespace {

void with_flashboot(EndpointInput& in) {
  in.flash_boot = std::string("FLASHBOOT");
  in.idle_timeout_s = 5;
}

/// An endpoint with workersMax 1 and its worker, which did a job and polls for the next.
Rig::Staffed staffed(Rig& rig, const Rig::Edit& edit) {
  Rig::Staffed out;
  out.endpoint = rig.endpoint([&](EndpointInput& in) {
    in.workers_max = 1;
    edit(in);
  });
  const JobId job = rig.submit(out.endpoint);
  out.worker = rig.started().back();
  rig.apply(WorkerStarted{out.worker, "handle"});
  rig.take(out.endpoint, out.worker);
  rig.finish(out.endpoint, out.worker, job);
  out.poll = rig.take(out.endpoint, out.worker);
  return out;
}

struct Frozen : testing::Test {
  template <class Order>
  int count() {
    return static_cast<int>(std::ranges::count_if(
        rig.all.orders, [](const LaunchOrder& order) { return std::holds_alternative<Order>(order); }));
  }
  WorkerStatus status(const EndpointId& at, std::size_t index = 0) {
    return rig.engine->workers_of(at).at(index).status;
  }
  /// An endpoint with FLASHBOOT and its worker, which is frozen with an open poll.
  Rig::Staffed frozen(Millis after = Millis{5'000}) {
    const auto at = staffed(rig, with_flashboot);
    rig.advance(after);
    EXPECT_EQ(status(at.endpoint), WorkerStatus::frozen);
    rig.apply(WorkerFrozen{at.worker, false, {100, 0}});
    return at;
  }

  Rig rig;
};

TEST_F(Frozen, AnIdleWorkerIsFrozenAndItsPollStaysOpen) {
  const auto at = frozen();
  EXPECT_EQ(count<FreezeWorker>(), 1);
  EXPECT_EQ(count<StopWorker>(), 0);
  EXPECT_FALSE(rig.answered(at.poll));
  EXPECT_EQ(rig.records<WorkerSaved>().back().worker.frozen, rig.now) << "durable";
  const auto health = *rig.engine->health(at.endpoint);
  EXPECT_EQ(health.idle, 1);
  EXPECT_EQ(health.ready, 0);
  EXPECT_EQ(rig.engine->workers_of(at.endpoint)[0].frozen_memory->resident_bytes, 100);
}

TEST_F(Frozen, ACrashChargesNoTimeInWhichItWasFrozen) {
  const auto at = frozen();
  const auto frozen_ms = [&] {
    rig.send(MeterUsage{});
    std::int64_t sum = 0;
    for (const UsageRow& row : rig.books.usage()) sum += row.worker_ms[static_cast<std::size_t>(UsageState::frozen)];
    return sum;
  };
  rig.advance(Millis{30'000});
  rig.submit(at.endpoint);  // it is thawed
  rig.restart();
  rig.advance(Millis{1'000});
  EXPECT_EQ(frozen_ms(), 30'000);
}

TEST_F(Frozen, AJobGoesRightIntoAYoungPoll) {
  const auto at = frozen();
  rig.advance(Millis{60'000});
  const JobId job = rig.submit(at.endpoint);
  EXPECT_EQ(count<ThawWorker>(), 1);
  EXPECT_EQ(rig.started().size(), 1u) << "no other is started";
  ASSERT_TRUE(rig.answered(at.poll));
  EXPECT_EQ(rig.reply<HandOuts>(at.poll).jobs.at(0).id, job);
  EXPECT_EQ(status(at.endpoint), WorkerStatus::running);
  const WorkerStart& start = rig.engine->find_worker(at.worker)->start;
  EXPECT_EQ(start.kind, StartKind::thawed);
  EXPECT_EQ(start.job, rig.now);
  rig.apply(WorkerThawed{at.worker, Millis{0}});
  EXPECT_EQ(rig.engine->find_worker(at.worker)->start.up, rig.now);
  EXPECT_EQ(rig.engine->starts_of(at.endpoint).at(1).kind, StartKind::thawed);
}

TEST_F(Frozen, APollOlderThanTheWorkersOwnTimeoutNeverGetsAJob) {
  const auto at = frozen();
  rig.advance(Millis{70'000});  // 75 s after it was opened
  ASSERT_TRUE(rig.answered(at.poll));
  EXPECT_TRUE(rig.reply<HandOuts>(at.poll).jobs.empty());
  const JobId job = rig.submit(at.endpoint);
  EXPECT_EQ(count<ThawWorker>(), 1);
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::in_queue);
  EXPECT_EQ(status(at.endpoint), WorkerStatus::initializing);
  EXPECT_EQ(rig.work(at.endpoint, at.worker), std::vector<JobId>{job}) << "its next poll gets it";
  EXPECT_EQ(rig.started().size(), 1u);
}

TEST_F(Frozen, APollThatWasOnItsWayWhenTheWorkerWasFrozenIsUsedToo) {
  const auto at = frozen();
  const Token late = rig.take(at.endpoint, at.worker);
  EXPECT_TRUE(rig.answered(at.poll)) << "the newer one replaces it";
  const JobId job = rig.submit(at.endpoint);
  EXPECT_EQ(rig.reply<HandOuts>(late).jobs.at(0).id, job);
}

TEST_F(Frozen, NoLeaseOrTimeoutEndsIt) {
  const auto at = frozen();
  rig.advance(Millis{3'000'000});
  EXPECT_EQ(count<StopWorker>(), 0);
  EXPECT_EQ(status(at.endpoint), WorkerStatus::frozen);
}

TEST_F(Frozen, ItIsEndedAfterTheSetTime) {
  frozen();
  rig.advance(rig.settings.frozen_for);
  ASSERT_EQ(rig.stopped().size(), 1u);
  EXPECT_EQ(rig.stopped()[0].grace, rig.settings.stop_grace);
  EXPECT_TRUE(rig.noted("frozen for 3600 s"));
}

TEST_F(Frozen, AThawedWorkerThatStaysSilentIsReplaced) {
  const auto at = frozen();
  rig.advance(Millis{100'000});
  const JobId job = rig.submit(at.endpoint);
  rig.advance(Millis{40'000});
  ASSERT_EQ(rig.stopped().size(), 1u);
  EXPECT_EQ(rig.stopped()[0].grace, Millis{0});
  EXPECT_EQ(rig.started().size(), 2u);
  EXPECT_EQ(rig.engine->health(at.endpoint)->unhealthy, 0) << "no crash at start";
  EXPECT_EQ(rig.work(at.endpoint, rig.started()[1]), std::vector<JobId>{job});
}

TEST_F(Frozen, OneThatDiesFrozenIsNoCrashAndIsNotLost) {
  const auto at = frozen();
  rig.apply(WorkerExited{at.worker, std::nullopt, "signal 9 (Killed)"});
  EXPECT_EQ(rig.engine->health(at.endpoint)->unhealthy, 0);
  rig.submit(at.endpoint);
  EXPECT_EQ(rig.started().size(), 2u);
}

TEST_F(Frozen, WithoutFlashBootOrWithTheSettingAtZeroItIsEnded) {
  const auto at = staffed(rig, [](EndpointInput& in) { in.idle_timeout_s = 5; });
  rig.advance(Millis{5'000});
  EXPECT_EQ(count<FreezeWorker>(), 0);
  EXPECT_EQ(count<StopWorker>(), 1);
}

TEST_F(Frozen, SwitchingFlashBootOffEndsIt) {
  const auto at = frozen();
  rig.save(at.endpoint, [](EndpointInput& in) { in.flash_boot = std::string("OFF"); });
  EXPECT_EQ(rig.stopped().size(), 1u);
}

TEST_F(Frozen, ANewReleaseEndsIt) {
  const auto at = frozen();
  rig.save(at.endpoint, [](EndpointInput& in) { in.env = std::vector<EnvVar>{{"A", "1"}}; });
  EXPECT_EQ(rig.stopped().size(), 1u);
}

TEST_F(Frozen, WorkersMinThawsIt) {
  const auto at = frozen();
  rig.save(at.endpoint, [](EndpointInput& in) { in.workers_min = 1; });
  EXPECT_EQ(count<ThawWorker>(), 1);
  EXPECT_EQ(rig.started().size(), 1u);
}

TEST_F(Frozen, ItGivesWayToWorkersMax) {
  const auto at = frozen();
  rig.save(at.endpoint, [](EndpointInput& in) {
    in.workers_min = 0;
    in.workers_max = 0;
  });
  EXPECT_EQ(rig.stopped().size(), 1u);
}

TEST_F(Frozen, AWorkerWithoutAnOpenPollIsNotFrozen) {
  const auto at = staffed(rig, with_flashboot);
  rig.apply(Forget{at.poll});
  rig.advance(Millis{6'000});
  EXPECT_EQ(count<FreezeWorker>(), 0);
  rig.take(at.endpoint, at.worker);
  EXPECT_EQ(count<FreezeWorker>(), 1);
}

TEST_F(Frozen, OneThatCannotBeFrozenIsEnded) {
  const auto at = frozen();
  rig.apply(WorkerFreezeFailed{at.worker, "no way"});
  EXPECT_EQ(rig.stopped().size(), 1u);
  EXPECT_TRUE(rig.noted("it cannot be frozen: no way"));
}

TEST_F(Frozen, ARestartAdoptsItFrozen) {
  const auto at = frozen();
  rig.restart();
  ASSERT_EQ(rig.last.orders.size(), 1u);
  EXPECT_TRUE(std::get<AdoptWorker>(rig.last.orders[0]).frozen);
  EXPECT_EQ(status(at.endpoint), WorkerStatus::frozen);
  const JobId job = rig.submit(at.endpoint);
  EXPECT_EQ(count<ThawWorker>(), 1);
  EXPECT_EQ(rig.work(at.endpoint, at.worker), std::vector<JobId>{job});
  EXPECT_EQ(rig.started().size(), 1u);
}

TEST_F(Frozen, AnOrderlyStopOfTheServerLeavesItForTheNextOne) {
  const auto at = frozen();
  rig.apply(Shutdown{StopWorkers::idle});
  EXPECT_TRUE(rig.stopped().empty());
  EXPECT_EQ(rig.engine->stopping_workers(), 0);
  rig.apply(Shutdown{StopWorkers::all});
  EXPECT_EQ(rig.stopped().size(), 1u);
}

TEST(FrozenCapacity, ItIsEvictedForAnotherEndpoint) {
  Rig rig({}, Rig::node_with(1));
  const auto first = staffed(rig, with_flashboot);
  rig.advance(Millis{5'000});
  const EndpointId second = rig.endpoint();
  rig.submit(second);
  ASSERT_EQ(rig.stopped().size(), 1u);
  EXPECT_EQ(rig.stopped()[0].grace, Millis{0});
  EXPECT_EQ(rig.started().size(), 1u) << "its GPU is not free yet";
  rig.submit(second);
  EXPECT_EQ(rig.stopped().size(), 1u);
  rig.apply(WorkerExited{first.worker, std::nullopt, "signal 9 (Killed)"});
  EXPECT_EQ(rig.started().size(), 2u);
}

TEST(FrozenCapacity, OnlyAsManyAreEvictedAsAreNeededLongestFrozenFirst) {
  Rig rig({}, Rig::node_with(3));
  std::vector<Rig::Staffed> sleepers;
  for (int i = 0; i < 3; ++i) {
    sleepers.push_back(staffed(rig, with_flashboot));
    rig.advance(Millis{1'000});
  }
  rig.advance(Millis{5'000});
  const EndpointId pair = rig.endpoint([](EndpointInput& in) { in.gpu_count = 2; });
  rig.submit(pair);
  ASSERT_EQ(rig.stopped().size(), 2u);
  EXPECT_EQ(rig.stopped()[0].id, sleepers[0].worker);
  EXPECT_EQ(rig.stopped()[1].id, sleepers[1].worker);
}

TEST(FrozenCapacity, SomebodyWhoWaitsGetsThePlaceOfTheNextOneThatIsFrozen) {
  Rig rig({}, Rig::node_with(2));
  const auto first = staffed(rig, [](EndpointInput& in) {
    with_flashboot(in);
    in.idle_timeout_s = 1;  // less than an idle worker is left to its endpoint when another wants but more
  });
  const auto second = staffed(rig, [](EndpointInput& in) {
    in.workers_max = 2;
    in.scaler_type = std::string("REQUEST_COUNT");
    in.scaler_value = 1;
  });
  rig.submit(second.endpoint);
  rig.submit(second.endpoint);
  EXPECT_TRUE(rig.stopped().empty());
  rig.advance(Millis{1'000});
  ASSERT_EQ(rig.stopped().size(), 1u);
  EXPECT_EQ(rig.stopped()[0].id, first.worker);
  EXPECT_EQ(rig.stopped()[0].grace, Millis{0}) << "frozen, not idle";
}

TEST(FrozenCapacity, AParkedGpuIsFreeForOthers) {
  Rig rig({}, Rig::node_with(1));
  const auto first = staffed(rig, with_flashboot);
  rig.advance(Millis{5'000});
  rig.apply(WorkerFrozen{first.worker, true, {}});
  const auto second = staffed(rig, [](EndpointInput&) {});
  EXPECT_EQ(rig.started().size(), 2u);
  EXPECT_TRUE(rig.stopped().empty());
  rig.submit(first.endpoint);
  ASSERT_EQ(rig.stopped().size(), 1u) << "the idle one that has its GPU goes";
  EXPECT_EQ(rig.stopped()[0].id, second.worker);
  rig.apply(WorkerExited{second.worker, 0, "exit code 0"});
  EXPECT_EQ(rig.started().size(), 2u);
  EXPECT_TRUE(std::holds_alternative<ThawWorker>(rig.last.orders.at(0))) << "and it comes back";
  EXPECT_EQ(rig.engine->fleet().gpus_taken(), 1);
}

TEST(FrozenCapacity, AParkedWorkerGivesWayToOneThatHasAPlace) {
  Rig rig({}, Rig::node_with(2));
  const auto other = rig.staffed([](EndpointInput& in) { in.workers_min = 1; });
  const auto first = staffed(rig, with_flashboot);
  rig.advance(Millis{5'000});
  rig.apply(WorkerFrozen{first.worker, true, {}});
  const auto second = rig.staffed([](EndpointInput& in) { in.workers_min = 1; });
  rig.submit(first.endpoint);
  EXPECT_TRUE(rig.stopped().empty()) << "all GPUs are somebody's minimum";
  EXPECT_TRUE(rig.started().size() == 3u);
  rig.save(other.endpoint, [](EndpointInput& in) { in.workers_min = 0; });
  ASSERT_EQ(rig.stopped().size(), 1u);
  EXPECT_EQ(rig.stopped()[0].id, other.worker);
  rig.apply(WorkerExited{other.worker, 0, "exit code 0"});
  ASSERT_EQ(rig.stopped().size(), 2u) << "its own GPU is still taken, so it cannot come back";
  EXPECT_EQ(rig.stopped()[1].id, first.worker);
  EXPECT_EQ(rig.stopped()[1].grace, Millis{0});
  EXPECT_EQ(rig.started().size(), 4u);
  EXPECT_EQ(rig.engine->fleet().gpus_taken(), 2);
  rig.apply(WorkerExited{first.worker, std::nullopt, "signal 9 (Killed)"});
  EXPECT_EQ(rig.engine->fleet().gpus_taken(), 2);
}

TEST(FrozenCapacity, AParkedWorkerComesBackToItsGpus) {
  Rig rig({}, Rig::node_with(1));
  const auto at = staffed(rig, with_flashboot);
  rig.advance(Millis{5'000});
  rig.apply(WorkerFrozen{at.worker, true, {}});
  EXPECT_EQ(rig.engine->fleet().gpus_taken(), 0);
  rig.restart();
  EXPECT_TRUE(std::get<AdoptWorker>(rig.last.orders.at(0)).gpu_parked);
  EXPECT_EQ(rig.engine->fleet().gpus_taken(), 0);
  rig.submit(at.endpoint);
  EXPECT_EQ(rig.engine->fleet().gpus_taken(), 1);
  EXPECT_TRUE(std::holds_alternative<ThawWorker>(rig.last.orders.at(0)));
}

TEST(FrozenCapacity, NoMoreThanTheSetNumberStaysFrozen) {
  EngineSettings settings;
  settings.frozen_max = 1;
  Rig rig(settings);
  const auto first = staffed(rig, with_flashboot);
  rig.advance(Millis{1'000});
  const auto second = staffed(rig, with_flashboot);
  rig.advance(Millis{5'000});
  ASSERT_EQ(rig.stopped().size(), 1u);
  EXPECT_EQ(rig.stopped()[0].id, first.worker);
  EXPECT_EQ(rig.engine->workers_of(second.endpoint)[0].status, WorkerStatus::frozen);
}

}  // namespace
}  // namespace penstock::core
