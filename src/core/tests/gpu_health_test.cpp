#include "core/fleet/gpu_health.h"

#include "core/tests/rig.h"

namespace penstock::core {
namespace {

using namespace std::chrono_literals;

const std::string kAda = "NVIDIA GeForce RTX 4090";

Node node_of(int gpus) {
  Node node;
  node.name = "n";
  for (int i = 0; i < gpus; ++i) node.gpus.push_back({i, kAda, "ADA_24", "GPU-" + std::to_string(i)});
  return node;
}

GpuReadings readings(std::vector<std::pair<std::string, std::string>> problems) {
  GpuReadings out;
  for (auto& [uuid, problem] : problems) {
    out.gpus.push_back({static_cast<int>(out.gpus.size()), uuid, kAda, 24'000, {}, {}, {}, problem});
  }
  return out;
}

class GpuHealthTest : public ::testing::Test {
 protected:
  std::vector<std::string> read(std::vector<std::pair<std::string, std::string>> problems) {
    std::vector<std::string> marked;
    for (const auto& change : health.read(fleet, readings(std::move(problems)), Time{})) {
      const auto* one = std::get_if<GpuHealth::Marked>(&change);
      marked.push_back(one ? one->mark.id + ": " + one->mark.reason : "unmarked");
    }
    return marked;
  }
  std::size_t dies(const std::string& job, int gpu, const std::string& endpoint = "e1") {
    return health.job_died(fleet, on(gpu), *EndpointId::parse(endpoint), *JobId::parse(job), Time{}).size();
  }
  void ends_well(int gpu, const std::string& endpoint = "e1") {
    health.job_ended_well(on(gpu), *EndpointId::parse(endpoint));
  }
  static Placement on(int gpu) { return {"n", "ADA_24", kAda, {gpu}, {"GPU-" + std::to_string(gpu)}}; }

  Fleet fleet{{node_of(3)}};
  GpuHealth health{3};
};

using Texts = std::vector<std::string>;

TEST_F(GpuHealthTest, what_the_driver_says_quarantines_once) {
  EXPECT_EQ(read({{"GPU-0", ""}, {"GPU-1", ""}, {"GPU-2", ""}}), Texts{});
  EXPECT_EQ(read({{"GPU-0", ""}, {"GPU-1", "Xid 79"}, {"GPU-2", ""}}), Texts{"GPU-1: Xid 79"});
  EXPECT_EQ(read({{"GPU-0", ""}, {"GPU-1", "Xid 79"}, {"GPU-2", ""}}), Texts{});
  EXPECT_EQ(read({{"GPU-0", ""}, {"GPU-1", ""}, {"GPU-2", ""}}), Texts{}) << "it stays until it is released";
  EXPECT_TRUE(health.keeps_out("GPU-1"));
}

TEST_F(GpuHealthTest, a_gpu_that_vanishes_cannot_be_released_before_it_is_back) {
  EXPECT_EQ(read({{"GPU-0", ""}, {"GPU-2", ""}}), Texts{"GPU-1: the driver no longer lists it"});
  EXPECT_EQ(health.release(fleet, "GPU-1", Time{}).error().code, Errc::conflict);
  EXPECT_EQ(read({{"GPU-0", ""}, {"GPU-1", ""}, {"GPU-2", ""}}), Texts{});
  EXPECT_TRUE(health.keeps_out("GPU-1"));
  EXPECT_TRUE(health.release(fleet, "GPU-1", Time{}));
  EXPECT_FALSE(health.keeps_out("GPU-1"));
}

TEST_F(GpuHealthTest, what_was_released_counts_again_only_when_it_is_another_thing) {
  read({{"GPU-0", "1 error"}, {"GPU-1", ""}, {"GPU-2", ""}});
  ASSERT_TRUE(health.release(fleet, "GPU-0", Time{}));
  EXPECT_EQ(read({{"GPU-0", "1 error"}, {"GPU-1", ""}, {"GPU-2", ""}}), Texts{});
  EXPECT_FALSE(health.keeps_out("GPU-0"));
  EXPECT_EQ(read({{"GPU-0", "2 errors"}, {"GPU-1", ""}, {"GPU-2", ""}}), Texts{"GPU-0: 2 errors"});
  ASSERT_TRUE(health.release(fleet, "GPU-0", Time{}));
  EXPECT_EQ(read({{"GPU-0", ""}, {"GPU-1", ""}, {"GPU-2", ""}}), Texts{"unmarked"}) << "what was accepted is over";
  EXPECT_EQ(read({{"GPU-0", "2 errors"}, {"GPU-1", ""}, {"GPU-2", ""}}), Texts{"GPU-0: 2 errors"});
}

TEST_F(GpuHealthTest, different_jobs_of_different_endpoints_that_die_in_a_row) {
  EXPECT_EQ(dies("j1", 0, "e1") + dies("j2", 0, "e2"), 0u);
  EXPECT_EQ(dies("j3", 0, "e1"), 1u);
  EXPECT_EQ(health.quarantined("GPU-0")->reason, "3 different jobs died on it one after the other: j1, j2, j3");
  EXPECT_EQ(dies("j4", 0, "e2"), 0u) << "it is quarantined already";
}

TEST_F(GpuHealthTest, a_bad_program_is_no_bad_gpu) {
  for (const char* job : {"j1", "j2", "j3", "j4", "j5"}) EXPECT_EQ(dies(job, 0), 0u) << job;
  ends_well(1);
  EXPECT_EQ(dies("j6", 0), 1u) << "the program works elsewhere";
}

TEST_F(GpuHealthTest, one_job_that_dies_everywhere_is_no_bad_gpu) {
  for (int gpu = 0; gpu < 3; ++gpu) EXPECT_EQ(dies("poison", gpu), 0u);
  ends_well(1);
  EXPECT_EQ(dies("j1", 0, "e2") + dies("j2", 0, "e1"), 0u) << "two that count";
  EXPECT_EQ(dies("j2", 0, "e1"), 0u) << "the same job twice is one";
  EXPECT_EQ(dies("j3", 0, "e1"), 1u);
}

TEST_F(GpuHealthTest, a_job_that_ends_well_clears_its_gpu) {
  EXPECT_EQ(dies("j1", 0, "e1") + dies("j2", 0, "e2"), 0u);
  ends_well(0);
  EXPECT_EQ(dies("j3", 0, "e1") + dies("j4", 0, "e2"), 0u);
  EXPECT_EQ(dies("j5", 0, "e2"), 1u);
}

TEST_F(GpuHealthTest, emulated_gpus_do_not_fail_and_counting_can_be_off) {
  Node emulated = node_of(1);
  emulated.emulated = true;
  const Fleet slots({emulated});
  GpuHealth off(0);
  for (const char* job : {"j1", "j2", "j3", "j4"}) {
    const auto endpoint = *EndpointId::parse(std::string("e") + job);
    EXPECT_TRUE(health.job_died(slots, on(0), endpoint, *JobId::parse(job), Time{}).empty());
    EXPECT_TRUE(off.job_died(fleet, on(0), endpoint, *JobId::parse(job), Time{}).empty());
  }
  EXPECT_TRUE(health.read(slots, {}, Time{}).empty()) << "no driver lists them";
}

TEST_F(GpuHealthTest, by_hand) {
  EXPECT_EQ(health.quarantine(fleet, "GPU-9", "", Time{}).error().code, Errc::not_found);
  EXPECT_EQ(health.release(fleet, "GPU-1", Time{}).error().message, "GPU \"GPU-1\" is not quarantined");
  ASSERT_TRUE(health.quarantine(fleet, "GPU-1", "fan is loud", Time{}));
  EXPECT_EQ(health.quarantine(fleet, "GPU-1", "", Time{}).error().message,
            "GPU \"GPU-1\" is quarantined already: fan is loud");
  EXPECT_TRUE(health.release(fleet, "GPU-1", Time{}));
}

// ---------------------------------------------------------------- in the engine

TEST(Quarantine, no_worker_starts_there_and_the_reason_is_told_also_after_a_restart) {
  Rig rig({}, {node_of(1)});
  rig.send(QuarantineGpu{0, "GPU-0", "fan is loud"});
  const auto id = rig.endpoint([](EndpointInput& in) { in.workers_max = 1; });
  const auto job = rig.submit(id);
  EXPECT_TRUE(rig.started().empty());
  const auto wait = *rig.job(id, job).wait;
  EXPECT_EQ(wait.code, WaitCode::no_capacity);
  EXPECT_NE(wait.message.find("1 is quarantined"), std::string::npos) << wait.message;
  rig.restart();
  EXPECT_TRUE(rig.started().empty());
  EXPECT_EQ(rig.engine->gpus().front().quarantine->reason, "fan is loud");
  rig.send(ReleaseGpu{0, "GPU-0"});
  EXPECT_EQ(rig.started().size(), 1u) << "at once";
  rig.restart();
  EXPECT_EQ(rig.engine->gpus().front().quarantine, nullptr);
}

TEST(Quarantine, an_idle_worker_goes_at_once_and_a_busy_one_after_its_job) {
  Rig rig({}, {node_of(2)});
  const auto id = rig.endpoint([](EndpointInput& in) {
    in.workers_min = 1;
    in.workers_max = 1;
  });
  const WorkerId worker = rig.started().front();
  const auto job = rig.submit(id);
  ASSERT_EQ(rig.work(id, worker), std::vector<JobId>{job});
  rig.apply(ReportGpus{readings({{"GPU-0", "Xid 79"}, {"GPU-1", ""}})});
  EXPECT_TRUE(rig.stopped().empty()) << "its job goes on";
  ASSERT_EQ(rig.started().size(), 2u) << "a worker on a good GPU takes its place";
  EXPECT_EQ(rig.engine->find_worker(rig.started()[1])->placement.uuids, std::vector<std::string>{"GPU-1"});
  rig.finish(id, worker, job);
  ASSERT_EQ(rig.stopped().size(), 1u);
  EXPECT_EQ(rig.stopped().front().id, worker);
  EXPECT_EQ(rig.status(id, job), JobStatus::completed);
}

TEST(Quarantine, jobs_of_two_endpoints_that_die_on_a_gpu) {
  Rig rig({}, {node_of(1)});
  const auto edit = [](EndpointInput& in) { in.workers_max = 1; };
  const EndpointId endpoints[] = {rig.endpoint(edit), rig.endpoint(edit)};
  for (int i = 0; i < 3; ++i) {
    const auto& id = endpoints[i % 2];
    rig.submit(id);
    rig.advance(120s);  // beyond any back-off
    ASSERT_EQ(rig.engine->workers_of(id).size(), 1u) << i;
    const WorkerId worker = rig.engine->workers_of(id).front().worker.id;
    const auto jobs = rig.work(id, worker);
    ASSERT_EQ(jobs.size(), 1u);
    EXPECT_EQ(rig.engine->gpus().front().quarantine, nullptr);
    rig.apply(WorkerExited{worker, 139, "signal 11"});
    rig.send(CancelJob{0, id, jobs.front()});
  }
  const GpuMark* mark = rig.engine->gpus().front().quarantine;
  ASSERT_NE(mark, nullptr);
  EXPECT_EQ(mark->reason.find("3 different jobs died on it"), 0u) << mark->reason;
}

}  // namespace
}  // namespace penstock::core
