#include <algorithm>
#include <functional>
#include <numeric>

#include "core/fleet/spread.h"
#include "core/tests/rig.h"

namespace penstock::core {
namespace {

using namespace std::chrono_literals;

const std::string kAda = "NVIDIA GeForce RTX 4090";
const std::string kA4000 = "NVIDIA RTX A4000";

Node node(std::string name, int adas, int a4000s) {
  Node out;
  out.name = std::move(name);
  for (int i = 0; i < adas + a4000s; ++i) {
    const bool ada = i < adas;
    out.gpus.push_back({i, ada ? kAda : kA4000, ada ? "ADA_24" : "AMPERE_16"});
  }
  return out;
}

TEST(PoolShares, most_are_for_the_first_and_they_add_up) {
  EXPECT_EQ(pool_shares(2, 4), (std::vector<int>{4, 0})) << "fewer than five go together";
  EXPECT_EQ(pool_shares(2, 5), (std::vector<int>{3, 2}));
  EXPECT_EQ(pool_shares(3, 7), (std::vector<int>{4, 2, 1}));
  EXPECT_EQ(pool_shares(1, 9), (std::vector<int>{9}));
  for (std::size_t pools = 1; pools <= 40; ++pools) {
    for (const int workers : {0, 1, 4, 5, 6, 23, 1'000, 100'000}) {
      const auto shares = pool_shares(pools, workers);
      EXPECT_EQ(std::accumulate(shares.begin(), shares.end(), 0), workers);
      EXPECT_TRUE(std::is_sorted(shares.begin(), shares.end(), std::greater{}))
          << pools << " pools, " << workers << " workers";
    }
  }
}

TEST(PoolShares, the_next_pool_is_the_first_that_lacks_some) {
  const std::vector<std::string> pools = {"A", "B"};
  EXPECT_EQ(next_pool(pools, {}, 5), "A");
  EXPECT_EQ(next_pool(pools, {{"A", 2}}, 5), "A");
  EXPECT_EQ(next_pool(pools, {{"A", 3}}, 5), "B");
  EXPECT_EQ(next_pool(pools, {{"A", 1}, {"B", 2}}, 5), "A");
  EXPECT_EQ(next_pool(pools, {{"A", 3}, {"B", 2}}, 5), "A") << "all have theirs";
}

std::map<std::string, int> pools_of(const Rig& rig, const EndpointId& endpoint) {
  std::map<std::string, int> out;
  for (const auto& view : rig.engine->workers_of(endpoint)) ++out[view.worker.placement.pool];
  return out;
}

TEST(Placement, from_five_workers_on_they_are_spread_over_the_pools) {
  Rig rig({}, {node("n", 10, 10)});
  const auto four = rig.endpoint([](EndpointInput& in) {
    in.gpu_ids = std::string("ADA_24,AMPERE_16");
    in.workers_min = 4;
    in.workers_max = 4;
  });
  EXPECT_EQ(pools_of(rig, four), (std::map<std::string, int>{{"ADA_24", 4}}));
  const auto six = rig.endpoint([](EndpointInput& in) {
    in.gpu_ids = std::string("AMPERE_16,ADA_24");
    in.workers_min = 6;
    in.workers_max = 6;
  });
  EXPECT_EQ(pools_of(rig, six), (std::map<std::string, int>{{"AMPERE_16", 4}, {"ADA_24", 2}}));
}

TEST(Placement, a_full_pool_is_no_reason_to_wait) {
  Rig rig({}, {node("n", 1, 9)});
  const auto id = rig.endpoint([](EndpointInput& in) {
    in.gpu_ids = std::string("ADA_24,AMPERE_16");
    in.workers_min = 6;
    in.workers_max = 6;
  });
  EXPECT_EQ(pools_of(rig, id), (std::map<std::string, int>{{"ADA_24", 1}, {"AMPERE_16", 5}}));
}

TEST(Placement, a_worker_goes_back_to_where_one_ran_also_after_a_restart) {
  Rig rig({}, {node("two", 2, 0), node("four", 4, 0)});
  const auto blocker = rig.endpoint([](EndpointInput& in) {
    in.gpu_count = 2;
    in.workers_min = 1;
    in.workers_max = 1;
  });
  const auto id = rig.endpoint([](EndpointInput& in) { in.workers_max = 1; });
  rig.submit(id);
  const WorkerId first = rig.engine->workers_of(id).front().worker.id;
  ASSERT_EQ(rig.engine->find_worker(first)->placement.node, "four");
  rig.restart();
  rig.apply(WorkerExited{rig.engine->workers_of(blocker).front().worker.id, 0, "exit code 0"});
  rig.apply(WorkerExited{first, 0, "exit code 0"});
  rig.advance(5s);
  ASSERT_EQ(rig.engine->workers_of(id).size(), 1u);
  EXPECT_EQ(rig.engine->workers_of(id).front().worker.placement.node, "four");
}

/// An endpoint whose only worker ran on node "four" and is gone, with both nodes free.
struct Gone {
  Rig rig{{}, {node("two", 2, 0), node("four", 4, 0)}};
  EndpointId id;

  Gone() {
    const auto blocker = rig.endpoint([](EndpointInput& in) {
      in.gpu_count = 2;
      in.workers_min = 1;
      in.workers_max = 1;
    });
    id = rig.endpoint([](EndpointInput& in) { in.workers_max = 1; });
    const JobId job = rig.submit(id);
    end(id);
    rig.send(CancelJob{0, id, job});
    rig.save(blocker, [](EndpointInput& in) { in.workers_min = 0; });
    end(blocker);
  }
  void end(const EndpointId& endpoint) {
    const auto workers = rig.engine->workers_of(endpoint);
    ASSERT_EQ(workers.size(), 1u);
    rig.apply(WorkerExited{workers.front().worker.id, 0, "exit code 0"});
  }
  Placement next() {
    rig.advance(10s);
    rig.submit(id);
    const auto workers = rig.engine->workers_of(id);
    EXPECT_EQ(workers.size(), 1u);
    return workers.empty() ? Placement{} : workers.front().worker.placement;
  }
};

TEST(Placement, where_it_ran_outlives_a_restart_without_workers) {
  Gone known;
  EXPECT_TRUE(known.rig.engine->workers_of(known.id).empty());
  known.rig.restart();
  EXPECT_TRUE(known.rig.engine->workers_of(known.id).empty());
  EXPECT_EQ(known.next().node, "four");
}

TEST(Placement, a_gpu_where_it_ran_is_known_by_its_uuid) {
  Rig rig({}, {node("n", 3, 0)});
  for (auto& gpu : rig.nodes[0].gpus) gpu.uuid = "GPU-" + std::to_string(gpu.index);
  rig.restart();
  const auto id = rig.endpoint([](EndpointInput& in) { in.workers_max = 1; });
  const JobId job = rig.submit(id);
  ASSERT_EQ(rig.engine->workers_of(id).front().worker.placement.uuids, std::vector<std::string>{"GPU-0"});
  rig.apply(WorkerExited{rig.started().back(), 0, "exit code 0"});
  rig.send(CancelJob{0, id, job});
  std::swap(rig.nodes[0].gpus[0].uuid, rig.nodes[0].gpus[2].uuid);
  rig.restart();
  rig.advance(10s);
  rig.submit(id);
  const auto again = rig.engine->workers_of(id).front().worker.placement;
  EXPECT_EQ(again.uuids, std::vector<std::string>{"GPU-0"});
  EXPECT_EQ(again.gpus, std::vector<int>{2});
}

TEST(Placement, the_places_of_an_endpoint_are_few_and_written_only_when_they_change) {
  Rig rig({}, Rig::node_with(12));
  const auto id = rig.endpoint([](EndpointInput& in) {
    in.workers_min = 12;
    in.workers_max = 12;
  });
  ASSERT_EQ(rig.records<PlacesSaved>().size(), 12u);
  const EndpointPlaces last = rig.records<PlacesSaved>().back().value;
  EXPECT_EQ(last.endpoint, id);
  EXPECT_EQ(last.places.size(), kPlacesKept);
  EXPECT_EQ(last.places.front().gpus, std::vector<int>{11}) << "the latest first";
  rig.restart();
  rig.apply(WorkerExited{rig.started().back(), 0, "exit code 0"});
  rig.advance(10s);
  ASSERT_EQ(rig.engine->workers_of(id).size(), 12u);
  const auto after = rig.records<PlacesSaved>();
  EXPECT_EQ(after.size(), 12u) << "the worker went back to where one ran last";
  EXPECT_EQ(rig.books.load().places.size(), 1u);
  rig.save(id, [](EndpointInput& in) {
    in.workers_min = 0;
    in.workers_max = 0;
  });
  const Token deleted = rig.send(DeleteEndpoint{0, rig.owner, id.str()});
  EXPECT_TRUE(rig.answered(deleted));
  EXPECT_TRUE(rig.books.load().places.empty());
}

TEST(Placement, living_workers_of_an_older_data_directory_are_remembered) {
  Rig rig({}, {node("two", 2, 0), node("four", 4, 0)});
  const auto id = rig.endpoint([](EndpointInput& in) { in.workers_min = 1; });
  StoredState older = rig.books.load();
  ASSERT_EQ(std::exchange(older.places, {}).size(), 1u);
  Engine engine(rig.settings, rig.nodes, rig.random);
  Effects effects;
  engine.restore(rig.now, std::move(older), effects);
  const auto saved = std::ranges::find_if(
      effects.records, [](const Record& record) { return std::holds_alternative<PlacesSaved>(record); });
  ASSERT_NE(saved, effects.records.end());
  EXPECT_EQ(std::get<PlacesSaved>(*saved).value.places.front().node, "two");
}

TEST(Placement, the_cuda_floor_comes_from_the_endpoint_and_from_the_template) {
  auto old = node("old", 1, 0);
  old.cuda_version = "12.1";
  auto young = node("young", 2, 0);
  young.cuda_version = "12.6";
  Rig rig({}, {old, young});
  const auto by_endpoint = rig.endpoint([](EndpointInput& in) {
    in.min_cuda_version = std::string("12.4");
    in.workers_min = 1;
  });
  EXPECT_EQ(rig.engine->workers_of(by_endpoint).front().worker.placement.node, "young");
  const auto by_env = rig.endpoint([](EndpointInput& in) {
    in.env = std::vector<EnvVar>{{"NVIDIA_REQUIRE_CUDA", "cuda>=12.5"}};
    in.workers_min = 1;
  });
  EXPECT_EQ(rig.engine->workers_of(by_env).front().worker.placement.node, "young");
  const auto never = rig.endpoint([](EndpointInput& in) {
    in.allowed_cuda_versions = std::string("13.0,12.9");
    in.workers_max = 1;
  });
  const auto job = rig.submit(never);
  const auto wait = *rig.job(never, job).wait;
  EXPECT_EQ(wait.code, WaitCode::no_matching_node);
  EXPECT_NE(wait.message.find("with CUDA 12.9 or newer"), std::string::npos) << wait.message;
}

TEST(Placement, a_version_that_is_none_is_refused) {
  Rig rig;
  const auto id = rig.endpoint();
  const auto refused = rig.save(id, [](EndpointInput& in) { in.min_cuda_version = std::string("latest"); });
  EXPECT_EQ(rig.error(refused), "minCudaVersion is \"latest\"; versions such as 12.4 are accepted");
}

}  // namespace
}  // namespace penstock::core
