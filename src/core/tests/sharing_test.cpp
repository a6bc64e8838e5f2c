#include "core/fleet/sharing.h"

#include <algorithm>
#include <random>

#include "core/tests/rig.h"

namespace penstock::core {
namespace {

using namespace std::chrono_literals;
using State = Holder::State;

const std::string kAda = "NVIDIA GeForce RTX 4090";

Node node_of(const std::string& name, int gpus) {
  Node node;
  node.name = name;
  for (int i = 0; i < gpus; ++i) node.gpus.push_back({i, kAda, "ADA_24"});
  return node;
}

// ---------------------------------------------------------------- the plan

class RoomTest : public ::testing::Test {
 protected:
  RoomTest() { wish.gpus = *parse_gpu_ids("ADA_24"); }

  void holds(const std::string& worker, const std::string& endpoint, State state, Millis since, int present = 2,
             int workers_min = 0) {
    auto placed = fleet.place(wish);
    ASSERT_TRUE(placed);
    placements.push_back(std::make_unique<Placement>(*placed));
    holders.push_back({*WorkerId::parse(worker), *EndpointId::parse(endpoint), placements.back().get(), state,
                       now - since, present, workers_min});
  }
  std::vector<std::string> leave(Need need, int gpus = 1) {
    auto wanted = wish;
    wanted.gpu_count = gpus;
    plan = plan_room(fleet, wanted, need, holders, {}, now);
    std::vector<std::string> out;
    for (const auto& id : plan.leave) out.push_back(id.str());
    return out;
  }

  Time now{Millis{1'000'000'000}};
  Fleet fleet{{node_of("n", 4)}};
  PlacementWish wish;
  std::vector<std::unique_ptr<Placement>> placements;
  std::vector<Holder> holders;
  RoomPlan plan;
};

using Texts = std::vector<std::string>;

TEST_F(RoomTest, frozen_before_idle_before_busy_and_the_longest_first) {
  holds("busy", "a", State::busy, 900s);
  holds("idle-short", "b", State::idle, 5s);
  holds("idle-long", "c", State::idle, 10s);
  holds("frozen", "d", State::frozen, 1s);
  EXPECT_EQ(leave(Need::first), Texts{"frozen"});
  EXPECT_EQ(leave(Need::first, 2), (Texts{"frozen", "idle-long"}));
  EXPECT_EQ(leave(Need::first, 3), (Texts{"frozen", "idle-long", "idle-short"}));
  EXPECT_EQ(leave(Need::first, 4), (Texts{"frozen", "idle-long", "idle-short", "busy"}));
  EXPECT_EQ(leave(Need::more, 4), Texts{}) << "nobody who works goes for a burst";
}

TEST_F(RoomTest, who_leaves_anyway_is_counted_on_first) {
  holds("leaving", "a", State::leaving, 1s);
  holds("idle", "b", State::idle, 10s);
  EXPECT_EQ(leave(Need::first, 3), Texts{"leaving"}) << "two are free already";
}

TEST_F(RoomTest, nobody_goes_below_its_workers_min) {
  holds("a1", "a", State::idle, 10s, 2, 1);
  holds("a2", "a", State::idle, 9s, 2, 1);
  holds("b1", "b", State::busy, 900s, 1, 1);
  holds("c1", "c", State::starting, 1s, 1, 0);
  EXPECT_EQ(leave(Need::minimum), Texts{"a1"});
  EXPECT_EQ(leave(Need::minimum, 2), Texts{});
  EXPECT_FALSE(plan.enough);
  EXPECT_EQ(plan.again_at, now + 2s) << "the one that starts will be idle or busy";
}

TEST_F(RoomTest, an_endpoint_with_several_gives_before_the_only_one_has_had_its_turn) {
  holds("only", "a", State::busy, 59s, 1);
  holds("b1", "b", State::busy, 10s, 2);
  holds("b2", "b", State::busy, 9s, 2);
  holds("c1", "c", State::busy, 61s, 1);
  EXPECT_EQ(leave(Need::first), Texts{"c1"}) << "its turn is over";
  holders.pop_back();
  EXPECT_EQ(leave(Need::first), Texts{"b1"});
  EXPECT_EQ(leave(Need::first, 2), Texts{}) << "b keeps one";
  EXPECT_EQ(plan.again_at, now + 1s);
  EXPECT_EQ(plan.turn_ends, now + 1s);
}

TEST_F(RoomTest, a_burst_takes_only_what_has_rested) {
  holds("a", "a", State::idle, 500ms, 1);
  for (const char* name : {"b", "c", "d"}) holds(name, name, State::busy, 10s, 1);
  EXPECT_EQ(leave(Need::more), Texts{});
  EXPECT_EQ(plan.again_at, now + 1500ms);
  EXPECT_EQ(leave(Need::first), Texts{"a"});
}

TEST(RoomProperty, random_fleets_give_enough_and_no_more_and_nobody_goes_below_its_minimum) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 dice(seed);
    const auto below = [&](int n) { return static_cast<int>(dice() % static_cast<unsigned>(n)); };
    std::vector<Node> nodes;
    for (int n = 0; n <= below(3); ++n) nodes.push_back(node_of("n" + std::to_string(n), 1 + below(6)));
    Fleet fleet(nodes);
    PlacementWish wish;
    wish.gpus = *parse_gpu_ids("ADA_24");
    std::vector<std::unique_ptr<Placement>> placements;
    std::vector<Holder> holders;
    const Time now{Millis{1'000'000'000}};
    std::map<EndpointId, int> present;
    std::map<EndpointId, int> minimum;
    for (int w = 0; w < 12; ++w) {
      wish.gpu_count = 1 + below(2);
      const auto placed = fleet.place(wish);
      if (!placed) continue;
      placements.push_back(std::make_unique<Placement>(*placed));
      const auto endpoint = *EndpointId::parse("e" + std::to_string(below(4)));
      const auto state = static_cast<State>(below(5));
      if (state > State::frozen) ++present[endpoint];
      minimum.try_emplace(endpoint, below(3));
      holders.push_back({*WorkerId::parse("w" + std::to_string(w)), endpoint, placements.back().get(), state,
                         now - Millis{below(100'000)}, 0, 0});
    }
    for (Holder& holder : holders) {
      holder.present = present[holder.endpoint];
      holder.workers_min = minimum[holder.endpoint];
    }
    wish.gpu_count = 1 + below(3);
    if (fleet.find(wish)) continue;
    const auto need = static_cast<Need>(below(3));
    const RoomPlan plan = plan_room(fleet, wish, need, holders, {}, now);
    ASSERT_EQ(plan.enough, !plan.leave.empty()) << "seed " << seed;
    Fleet after = fleet;
    std::map<EndpointId, int> gone;
    for (const WorkerId& id : plan.leave) {
      const Holder& holder = *std::ranges::find(holders, id, &Holder::worker);
      after.release(*holder.placement);
      if (holder.state <= State::frozen) continue;
      ++gone[holder.endpoint];
      ASSERT_NE(holder.state, State::starting) << "seed " << seed;
      ASSERT_TRUE(need != Need::more || holder.state != State::busy) << "seed " << seed;
    }
    for (const auto& [endpoint, count] : gone) {
      ASSERT_GE(present[endpoint] - count, minimum[endpoint]) << "seed " << seed;
    }
    if (plan.enough) ASSERT_TRUE(after.find(wish)) << "seed " << seed;
    for (const WorkerId& id : plan.leave) {  // each of them is needed
      Fleet without = fleet;
      for (const WorkerId& other : plan.leave) {
        if (other != id) without.release(*std::ranges::find(holders, other, &Holder::worker)->placement);
      }
      ASSERT_FALSE(without.find(wish)) << "seed " << seed << ": " << id.str() << " need not go";
    }
  }
}

// ---------------------------------------------------------------- in the engine

/// Endpoints on few GPUs, and workers that do as they are told.
class Crowd {
 public:
  explicit Crowd(int gpus) : rig({}, {node_of("n", gpus)}) {}

  EndpointId endpoint(int workers_min, int workers_max, int gpu_count = 1) {
    const auto id = rig.endpoint([&](EndpointInput& in) {
      in.workers_min = workers_min;
      in.workers_max = workers_max;
      in.gpu_count = gpu_count;
      in.scaler_type = std::string("REQUEST_COUNT");
      in.scaler_value = 1;
      in.idle_timeout_s = 3'600;
    });
    all.push_back(id);
    return id;
  }
  int workers(const EndpointId& id) const {
    return static_cast<int>(std::ranges::count_if(
        rig.engine->workers_of(id), [](const WorkerView& w) { return w.status != WorkerStatus::draining; }));
  }
  /// Those who were told to go are gone; every other one asks for a job.
  void settle() {
    for (bool changed = true; changed;) {
      changed = false;
      for (const StopWorker& stop : std::vector(rig.stopped())) {
        if (!rig.engine->find_worker(stop.id)) continue;
        rig.apply(WorkerExited{stop.id, 0, "exit code 0"});
        changed = true;
      }
      for (const auto& id : all) {
        for (const auto& view : rig.engine->workers_of(id)) {
          if (view.status == WorkerStatus::initializing || view.status == WorkerStatus::idle) {
            rig.take(id, view.worker.id);
          }
        }
      }
    }
  }
  /// Every running job ends.
  void finish_all() {
    for (const auto& id : all) {
      for (const auto& view : rig.engine->workers_of(id)) {
        for (const auto& job : jobs[id]) {
          if (rig.status(id, job) == JobStatus::in_progress && rig.job(id, job).worker == view.worker.id) {
            rig.finish(id, view.worker.id, job);
          }
        }
      }
    }
    settle();
  }
  void submit(const EndpointId& id, int count = 1) {
    for (int i = 0; i < count; ++i) jobs[id].push_back(rig.submit(id));
  }
  int done(const EndpointId& id) const {
    const auto found = jobs.find(id);
    if (found == jobs.end()) return 0;
    return static_cast<int>(std::ranges::count_if(
        found->second, [&](const JobId& job) { return rig.status(id, job) == JobStatus::completed; }));
  }

  Rig rig;
  std::vector<EndpointId> all;
  std::map<EndpointId, std::vector<JobId>> jobs;
};

TEST(Sharing, an_idle_worker_of_another_endpoint_gives_way) {
  Crowd crowd(1);
  const auto first = crowd.endpoint(0, 1);
  const auto second = crowd.endpoint(0, 1);
  crowd.submit(first);
  crowd.settle();
  crowd.submit(second);
  EXPECT_EQ(crowd.workers(first), 1) << "it works";
  crowd.finish_all();
  crowd.settle();
  EXPECT_EQ(crowd.workers(first), 0);
  EXPECT_EQ(crowd.workers(second), 1) << "long before the idle time-out";
  EXPECT_TRUE(crowd.rig.noted("endpoint " + second.str() + " has jobs and no worker and waits for its GPUs"));
}

TEST(Sharing, the_minimum_of_all_comes_before_the_burst_of_one) {
  Crowd crowd(4);
  const auto burst = crowd.endpoint(0, 4);
  crowd.submit(burst, 8);
  crowd.settle();
  ASSERT_EQ(crowd.workers(burst), 4);
  const auto always = crowd.endpoint(2, 2);
  EXPECT_EQ(crowd.workers(always), 0);
  const auto throttled = crowd.rig.engine->throttled(always);
  ASSERT_TRUE(throttled);
  EXPECT_EQ(throttled->workers, 2);
  EXPECT_NE(throttled->reason.find("goes for it as soon as its job is done"), std::string::npos) << throttled->reason;
  crowd.finish_all();
  crowd.rig.advance(1s);
  crowd.finish_all();
  EXPECT_EQ(crowd.workers(always), 2);
  EXPECT_EQ(crowd.workers(burst), 2);
  EXPECT_FALSE(crowd.rig.engine->throttled(always));
}

TEST(Sharing, workers_within_the_minimum_are_left_alone_and_the_reason_says_so) {
  Crowd crowd(2);
  const auto always = crowd.endpoint(2, 2);
  const auto other = crowd.endpoint(0, 2);
  crowd.settle();
  crowd.submit(other);
  crowd.rig.advance(600s);
  crowd.settle();
  EXPECT_EQ(crowd.workers(always), 2);
  EXPECT_EQ(crowd.workers(other), 0);
  EXPECT_EQ(crowd.rig.job(other, crowd.jobs[other].front()).wait->code, WaitCode::no_capacity);
}

TEST(Sharing, one_that_needs_many_gpus_is_not_passed_over_for_ever) {
  Crowd crowd(2);
  const auto small = crowd.endpoint(0, 2);
  crowd.submit(small, 40);
  crowd.settle();
  const auto large = crowd.endpoint(0, 1, 2);
  crowd.submit(large);
  for (int i = 0; i < 30 && crowd.done(large) == 0; ++i) {
    crowd.rig.advance(5s);
    crowd.finish_all();
  }
  EXPECT_EQ(crowd.done(large), 1);
  for (int i = 0; i < 60 && crowd.done(small) < 40; ++i) {
    crowd.rig.advance(5s);
    crowd.finish_all();
  }
  EXPECT_EQ(crowd.done(small), 40) << "and the others go on";
}

TEST(Sharing, the_places_of_several_workers_are_sought_at_once) {
  Crowd crowd(3);
  std::vector<EndpointId> idle;
  for (int i = 0; i < 3; ++i) {
    idle.push_back(crowd.endpoint(0, 1));
    crowd.submit(idle.back());
  }
  crowd.settle();
  crowd.finish_all();
  crowd.endpoint(3, 3);
  EXPECT_EQ(crowd.rig.stopped().size(), 3u) << "not one after the other";
  crowd.settle();
  EXPECT_EQ(crowd.workers(crowd.all.back()), 3);
  EXPECT_EQ(crowd.rig.stopped().size(), 3u);
}

TEST(Sharing, a_free_gpu_that_is_kept_for_another_is_named_as_such) {
  Crowd crowd(2);
  const auto busy = crowd.endpoint(0, 2);
  crowd.submit(busy, 2);
  crowd.settle();
  ASSERT_EQ(crowd.workers(busy), 2);
  const auto large = crowd.endpoint(2, 2, 2);
  const auto small = crowd.endpoint(0, 1);
  crowd.submit(small);
  const auto reason = [&] { return crowd.rig.job(small, crowd.jobs[small].front()).wait->message; };
  EXPECT_NE(reason().find("all in use"), std::string::npos) << reason();
  const auto worker = crowd.rig.job(busy, crowd.jobs[busy].front()).worker;
  crowd.rig.finish(busy, worker, crowd.jobs[busy].front());
  crowd.settle();
  EXPECT_EQ(crowd.rig.engine->fleet().gpus_taken(), 1);
  EXPECT_NE(reason().find("is kept for endpoint " + large.str() + ", which needs one for its workersMin"),
            std::string::npos)
      << reason();
  crowd.rig.save(large, [](EndpointInput& in) { in.workers_min = in.workers_max = 0; });
  crowd.settle();
  EXPECT_EQ(crowd.rig.status(small, crowd.jobs[small].front()), JobStatus::in_progress) << "it is kept no longer";
}

TEST(Sharing, one_with_a_job_now_and_then_gets_through_beside_one_that_is_flooded) {
  Crowd crowd(1);
  const auto flooded = crowd.endpoint(0, 3);
  const auto rare = crowd.endpoint(0, 1);
  crowd.submit(flooded, 3);
  crowd.settle();
  crowd.submit(rare);
  const auto wait = crowd.rig.job(rare, crowd.jobs[rare].front()).wait;
  EXPECT_NE(wait->message.find("is asked to go for it at " + iso8601(crowd.rig.now + 60s)), std::string::npos)
      << wait->message;
  int waited = 0;  // in seconds
  int waited_most = 0;
  for (int step = 0; step < 200; ++step) {  // of 5 s, as long as a job
    while (crowd.rig.engine->health(flooded)->in_queue < 3) crowd.submit(flooded);
    if (step % 40 == 10) crowd.submit(rare);
    crowd.rig.advance(5s);
    crowd.finish_all();
    const bool waits = crowd.rig.engine->health(rare)->in_queue > 0;
    waited = waits ? waited + 5 : 0;
    waited_most = std::max(waited_most, waited);
  }
  EXPECT_EQ(crowd.done(rare), 6);
  EXPECT_LE(waited_most, 70) << "a turn, and a job";
  EXPECT_GT(crowd.done(flooded), 150) << "and it costs the other little";
}

/// The stated bound: whoever has jobs and no worker gets one when all before it in the line had a turn on each GPU,
/// with jobs of five seconds here.
TEST(Sharing, nobody_starves_and_every_minimum_is_honoured_in_random_crowds) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    std::mt19937_64 dice(seed);
    const auto below = [&](int n) { return static_cast<int>(dice() % static_cast<unsigned>(n)); };
    const int gpus = 2 + below(4);
    Crowd crowd(gpus);
    int minimum_left = gpus - 1;  // one is for everybody
    std::map<EndpointId, int> minimum;
    const int endpoints = 3 + below(5);
    for (int i = 0; i < endpoints; ++i) {
      const int least = std::min(below(2), minimum_left);
      minimum_left -= least;
      const auto id = crowd.endpoint(least, std::max(least, 1 + below(4)));
      minimum[id] = least;
    }
    crowd.settle();
    std::map<EndpointId, int> without;  // steps in a row with jobs and without any worker
    const int bound = (endpoints + 1) * (60 / 5 + 3);
    for (int step = 0; step < 150; ++step) {
      for (const auto& id : crowd.all) {
        if (crowd.rig.engine->health(id)->in_queue < 3) crowd.submit(id, 1 + below(2));  // all of them always want
      }
      crowd.rig.advance(5s);
      crowd.finish_all();
      crowd.rig.engine->check_invariants();
      for (const auto& id : crowd.all) {
        without[id] = crowd.workers(id) == 0 ? without[id] + 1 : 0;
        ASSERT_LE(without[id], bound) << "seed " << seed << ": endpoint " << id.str() << " starves at step " << step;
        if (step > 40) ASSERT_GE(crowd.workers(id), minimum[id]) << "seed " << seed << " at step " << step;
      }
    }
    for (const auto& id : crowd.all) EXPECT_GT(crowd.done(id), 0) << "seed " << seed;
  }
}

}  // namespace
}  // namespace penstock::core
