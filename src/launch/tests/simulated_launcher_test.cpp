#include "launch/simulated_launcher.h"

#include <gtest/gtest.h>

namespace penstock::launch {
namespace {

class SimulatedLauncherTest : public testing::Test {
 protected:
  SimulatedLauncherTest() { launcher_.advance(at(0)); }

  static Time at(std::int64_t ms) { return from_ms(1'000'000 + ms); }

  void start(const std::string& name, SimulatedBehaviour behaviour) {
    next_ = std::move(behaviour);
    launcher_.start({id(name), "", {"worker"}, {}});
  }

  static WorkerId id(const std::string& name) { return WorkerId::parse(name).value(); }

  template <class Kind>
  const Kind* last() const {
    return told_.empty() ? nullptr : std::get_if<Kind>(&told_.back());
  }

  std::vector<Event> told_;
  SimulatedBehaviour next_;
  SimulatedLauncher launcher_{[this](const WorkerSpec&) { return next_; },
                              [this](Event event) { told_.push_back(std::move(event)); }};
};

TEST_F(SimulatedLauncherTest, NothingHappensBeforeItsInstant) {
  start("w", {.start_delay = Millis{100}, .exit_after = Millis{50}, .exit_code = 9});
  EXPECT_EQ(launcher_.next_event(), at(100));
  launcher_.advance(at(99));
  EXPECT_TRUE(told_.empty());
  launcher_.advance(at(100));
  EXPECT_NE(last<Started>(), nullptr);
  EXPECT_EQ(launcher_.living().size(), 1U);
  EXPECT_EQ(launcher_.next_event(), at(150));
  launcher_.advance(at(1000));
  ASSERT_NE(last<Exited>(), nullptr);
  EXPECT_EQ(last<Exited>()->exit_code, 9);
  EXPECT_TRUE(launcher_.living().empty());
  EXPECT_EQ(launcher_.next_event(), std::nullopt);
}

TEST_F(SimulatedLauncherTest, DrainsWithinTheGraceOrIsKilledAtItsEnd) {
  start("quick", {.exit_code = 3, .drain = Millis{40}});
  start("slow", {.exit_code = 3, .drain = Millis{400}});
  launcher_.advance(at(0));
  launcher_.stop(id("quick"), Millis{100});
  launcher_.stop(id("slow"), Millis{100});
  launcher_.advance(at(40));
  ASSERT_NE(last<Exited>(), nullptr);
  EXPECT_EQ(last<Exited>()->exit_code, 3);
  EXPECT_EQ(launcher_.next_event(), at(100));
  launcher_.advance(at(100));
  EXPECT_EQ(last<Exited>()->cause, "signal 9 (Killed)");
}

TEST_F(SimulatedLauncherTest, ARestartLosesUntoldEventsAndTheGraceButNotTheWorker) {
  start("stays", {.ignores_term = true});
  start("goes", {.survives_restart = false});
  launcher_.advance(at(0));
  const std::string handle = std::get<Started>(told_[0]).handle;
  start("unborn", {.start_delay = Millis{10}});
  launcher_.stop(id("stays"), Millis{50});
  launcher_.restart();
  told_.clear();
  launcher_.advance(at(1000));
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(launcher_.living(), std::set<WorkerId>{id("stays")});

  launcher_.adopt(id("stays"), handle, {});
  launcher_.adopt(id("goes"), "simulated:2", {});
  launcher_.advance(at(1000));
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(last<Exited>()->id, id("goes"));
  launcher_.crash(id("stays"));
  launcher_.advance(at(1000));
  EXPECT_EQ(last<Exited>()->cause, "signal 9 (Killed)");
}

}  // namespace
}  // namespace penstock::launch
