#include "core/fleet/start_history.h"
#include "core/tests/rig.h"

// The phases of a worker's start, and the cold start figures that come of them.

namespace penstock::core {
namespace {

Time at(std::int64_t ms) {
  return from_ms(1'000'000 + ms);
}

WorkerStart start_of(StartKind kind, std::int64_t ready_ms) {
  WorkerStart start;
  start.kind = kind;
  start.decided = at(0);
  start.placed = at(0);
  start.launched = at(1);
  start.up = at(3);
  start.polled = at(ready_ms);
  start.job = at(ready_ms + 2);
  return start;
}

TEST(StartHistory, GivesPercentilesByNearestRankForEachKind) {
  StartHistory history;
  for (int i = 1; i <= 100; ++i) history.add_ready(start_of(StartKind::spawned, i));
  history.add_ready(start_of(StartKind::thawed, 7));
  history.add_job(start_of(StartKind::thawed, 7));
  const auto figures = history.figures();
  ASSERT_EQ(figures.size(), 2u);
  EXPECT_EQ(figures[0].kind, StartKind::spawned);
  EXPECT_EQ(figures[0].count, 100);
  EXPECT_EQ(figures[0].ready.p50, Millis{50});
  EXPECT_EQ(figures[0].ready.p95, Millis{95});
  EXPECT_EQ(figures[0].up.p95, Millis{3});
  EXPECT_EQ(figures[0].job.samples, 0);
  EXPECT_EQ(figures[1].kind, StartKind::thawed);
  EXPECT_EQ(figures[1].job.p50, Millis{2});
}

TEST(StartHistory, KeepsTheLatestStartsAndCountsAll) {
  StartHistory history;
  for (int i = 0; i < 300; ++i) history.add_ready(start_of(StartKind::spawned, 1'000));
  for (int i = 0; i < 256; ++i) history.add_ready(start_of(StartKind::spawned, 10));
  const auto figures = history.figures();
  EXPECT_EQ(figures.at(0).count, 556);
  EXPECT_EQ(figures.at(0).ready.samples, 256);
  EXPECT_EQ(figures.at(0).ready.p95, Millis{10});
}

TEST(StartHistory, LeavesOutWorkersThatNobodyDecidedOn) {
  StartHistory history;
  WorkerStart attached;
  attached.kind = StartKind::attached;
  attached.polled = at(5);
  history.add_ready(attached);
  EXPECT_TRUE(history.figures().empty());
}

TEST(Starts, EveryPhaseIsRecorded) {
  Rig rig;
  const EndpointId endpoint = rig.endpoint();
  const Time decided = rig.now;
  const JobId job = rig.submit(endpoint);
  const WorkerId worker = rig.started().at(0);
  rig.advance(Millis{20});
  rig.apply(WorkerStarted{worker, "handle", StartKind::spawned, Millis{5}});
  rig.advance(Millis{80});
  EXPECT_EQ(rig.work(endpoint, worker), std::vector<JobId>{job});
  const WorkerStart& start = rig.engine->find_worker(worker)->start;
  EXPECT_EQ(start.decided, decided);
  EXPECT_EQ(start.placed, decided);
  EXPECT_EQ(start.launched, decided + Millis{15});
  EXPECT_EQ(start.up, decided + Millis{20});
  EXPECT_EQ(start.polled, decided + Millis{100});
  EXPECT_EQ(start.job, decided + Millis{100});
  EXPECT_EQ(rig.records<WorkerSaved>().back().worker.start, start) << "and durable";
  const auto figures = rig.engine->starts_of(endpoint);
  ASSERT_EQ(figures.size(), 1u);
  EXPECT_EQ(figures[0].count, 1);
  EXPECT_EQ(figures[0].ready.p50, Millis{100});
}

TEST(Starts, ThePhasesAreNotWrittenAgainByLaterJobs) {
  Rig rig;
  const auto at = rig.staffed();
  const JobId job = rig.submit(at.endpoint);
  const auto recorded = rig.records<WorkerSaved>().size();
  rig.finish(at.endpoint, at.worker, job);
  rig.submit(at.endpoint);
  rig.take(at.endpoint, at.worker);
  EXPECT_EQ(rig.records<WorkerSaved>().size(), recorded);
}

TEST(Starts, WaitingForAPlaceCountsFromTheDecision) {
  Rig rig({}, Rig::node_with(1));
  const auto first = rig.staffed();
  const EndpointId second = rig.endpoint();
  const Time decided = rig.now;
  rig.submit(second);
  rig.advance(Millis{3'000});
  rig.apply(WorkerExited{first.worker, 1, "exit code 1"});
  ASSERT_EQ(rig.started().size(), 2u);
  const WorkerStart& start = rig.engine->find_worker(rig.started()[1])->start;
  EXPECT_EQ(start.decided, decided);
  EXPECT_EQ(start.placed, rig.now);
}

TEST(Starts, FiguresOfLivingWorkersSurviveARestart) {
  Rig rig;
  const auto at = rig.staffed();
  rig.submit(at.endpoint);
  rig.restart();
  const auto figures = rig.engine->starts_of(at.endpoint);
  ASSERT_EQ(figures.size(), 1u);
  EXPECT_EQ(figures[0].count, 1);
  EXPECT_EQ(figures[0].job.samples, 1);
}

}  // namespace
}  // namespace penstock::core
