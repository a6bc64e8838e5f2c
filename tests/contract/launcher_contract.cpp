// What every launcher promises (launch/launcher.h).

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "launcher_rigs.h"

namespace penstock::launch::contract {
namespace {

using Kind = Life::Kind;

constexpr Millis kLongGrace{10'000'000};

class LauncherContract : public testing::TestWithParam<const char*> {
 protected:
  LauncherContract() : rig_(std::string_view(GetParam()) == "process" ? make_process_rig() : make_simulated_rig()) {}

  static WorkerId id(const std::string& text) { return WorkerId::parse(text).value(); }

  void start(const std::string& name, Kind kind, int code = 0) {
    rig_->launcher().start(rig_->spec(id(name), {kind, code}));
  }

  /// Starts a worker and waits until it behaves as it should. Gives its handle.
  std::string start_ready(const std::string& name, Kind kind, int code = 0) {
    start(name, kind, code);
    EXPECT_TRUE(rig_->wait([&] { return all<Started>(name).size() == 1 && is_ready(name); })) << name;
    const auto started = all<Started>(name);
    return started.empty() ? "" : started[0].handle;
  }

  bool is_ready(const std::string& name) {
    const auto lines = rig_->launcher().log_tail(id(name), 1);
    return lines && *lines == std::vector<std::string>{"ready"};
  }

  void stop(const std::string& name, Millis grace) { rig_->launcher().stop(id(name), grace); }

  Exited wait_for_exit(const std::string& name) {
    EXPECT_TRUE(rig_->wait([&] { return !all<Exited>(name).empty(); })) << name << " has not ended";
    const auto exits = all<Exited>(name);
    return exits.empty() ? Exited{} : exits[0];
  }

  template <class Kind>
  std::vector<Kind> all(const std::string& name) const {
    std::vector<Kind> found;
    for (const Event& event : rig_->events()) {
      const auto* value = std::get_if<Kind>(&event);
      if (value != nullptr && value->id.str() == name) found.push_back(*value);
    }
    return found;
  }

  /// Another worker's whole life after all that was asked for so far: what was to be told before has been told then.
  void settle() {
    const std::string name = "settle-" + std::to_string(settled_++);
    start(name, Kind::exits);
    wait_for_exit(name);
  }

  std::unique_ptr<Rig> rig_;

 private:
  int settled_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Launchers, LauncherContract, testing::Values("process", "simulated"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(LauncherContract, TellsStartAndEndOnceInThisOrder) {
  start("w", Kind::exits, 3);
  const Exited exit = wait_for_exit("w");
  EXPECT_EQ(exit.exit_code, 3);
  EXPECT_EQ(exit.cause, "exit code 3");
  stop("w", kLongGrace);
  stop("w", Millis{0});
  settle();
  const auto events = rig_->events();
  ASSERT_EQ(events.size(), 4U);
  EXPECT_TRUE(std::holds_alternative<Started>(events[0]));
  EXPECT_TRUE(std::holds_alternative<Exited>(events[1]));
}

TEST_P(LauncherContract, ASignalIsNamedAndIsNoExitCode) {
  start("w", Kind::dies, SIGABRT);
  const Exited exit = wait_for_exit("w");
  EXPECT_EQ(exit.exit_code, std::nullopt);
  EXPECT_EQ(exit.cause, "signal 6 (Aborted)");
}

TEST_P(LauncherContract, AWorkerThatCannotStartIsToldOnceWithAReason) {
  start("w", Kind::never_starts);
  EXPECT_TRUE(rig_->wait([&] { return !all<StartFailed>("w").empty(); }));
  EXPECT_NE(all<StartFailed>("w")[0].reason, "");
  settle();
  EXPECT_EQ(all<StartFailed>("w").size(), 1U);
  EXPECT_TRUE(all<Started>("w").empty());
  EXPECT_TRUE(all<Exited>("w").empty());
}

TEST_P(LauncherContract, TheSameIdMayComeAgainButNotTwiceAtOnce) {
  start_ready("w", Kind::runs);
  start("w", Kind::runs);
  EXPECT_TRUE(rig_->wait([&] { return !all<StartFailed>("w").empty(); }));
  EXPECT_NE(all<StartFailed>("w")[0].reason.find("already running"), std::string::npos);
  stop("w", Millis{0});
  wait_for_exit("w");
  start("w", Kind::exits, 5);
  EXPECT_TRUE(rig_->wait([&] { return all<Exited>("w").size() == 2; }));
  EXPECT_EQ(all<Exited>("w")[1].exit_code, 5);
}

TEST_P(LauncherContract, StopLetsAWorkerDrain) {
  start_ready("w", Kind::drains, 7);
  stop("w", kLongGrace);
  EXPECT_EQ(wait_for_exit("w").exit_code, 7);
}

TEST_P(LauncherContract, StopEndsAWorkerThatKnowsNothingOfSignals) {
  start_ready("w", Kind::runs);
  stop("w", kLongGrace);
  EXPECT_EQ(wait_for_exit("w").cause, "signal 15 (Terminated)");
}

TEST_P(LauncherContract, AStopRightBehindTheStartIsNotLost) {
  start("w", Kind::runs);
  stop("w", kLongGrace);
  wait_for_exit("w");
  EXPECT_EQ(all<Started>("w").size(), 1U);
}

TEST_P(LauncherContract, AStubbornWorkerIsKilledAfterTheGraceAndNotBefore) {
  start_ready("w", Kind::stubborn);
  const Time stopped = rig_->now();
  stop("w", Millis{300});
  EXPECT_EQ(wait_for_exit("w").cause, "signal 9 (Killed)");
  EXPECT_GE(rig_->now() - stopped, Millis{300});
}

TEST_P(LauncherContract, TheGraceCanBeShortened) {
  start_ready("w", Kind::stubborn);
  stop("w", kLongGrace);
  stop("w", Millis{50});
  EXPECT_EQ(wait_for_exit("w").cause, "signal 9 (Killed)");
}

TEST_P(LauncherContract, TheGraceCannotBeProlonged) {
  start_ready("w", Kind::stubborn);
  stop("w", Millis{50});
  stop("w", kLongGrace);
  EXPECT_EQ(wait_for_exit("w").cause, "signal 9 (Killed)");
}

TEST_P(LauncherContract, NoGraceKillsAtOnce) {
  start_ready("w", Kind::drains);
  stop("w", Millis{0});
  EXPECT_EQ(wait_for_exit("w").cause, "signal 9 (Killed)");
}

TEST_P(LauncherContract, CallsForUnknownWorkersDoNothing) {
  stop("w", kLongGrace);
  stop("w", Millis{0});
  const auto lines = rig_->launcher().log_tail(id("w"), 10);
  ASSERT_FALSE(lines);
  EXPECT_EQ(lines.error().code, Errc::not_found);
  settle();
  EXPECT_EQ(rig_->events().size(), 2U);
}

TEST_P(LauncherContract, TheLogOutlivesTheWorker) {
  start("w", Kind::exits);
  wait_for_exit("w");
  EXPECT_TRUE(is_ready("w"));
}

TEST_P(LauncherContract, ManyWorkersAtOnce) {
  constexpr int kWorkers = 200;
  const auto name = [](int i) { return "w-" + std::to_string(i); };
  const auto count = [&](auto kind) {
    const auto events = rig_->events();
    return std::count_if(events.begin(), events.end(),
                         [](const Event& event) { return std::holds_alternative<decltype(kind)>(event); });
  };
  for (int i = 0; i < kWorkers; ++i) start(name(i), Kind::runs);
  EXPECT_TRUE(rig_->wait([&] { return count(Started{}) == kWorkers; }));
  for (int i = 0; i < kWorkers; ++i) stop(name(i), kLongGrace);
  EXPECT_TRUE(rig_->wait([&] { return count(Exited{}) == kWorkers; }));
  settle();
  for (int i = 0; i < kWorkers; ++i) {
    EXPECT_EQ(all<Started>(name(i)).size(), 1U) << name(i);
    ASSERT_EQ(all<Exited>(name(i)).size(), 1U) << name(i);
  }
}

TEST_P(LauncherContract, ALivingWorkerIsTakenBackAfterARestart) {
  const std::string handle = start_ready("w", Kind::drains, 7);
  rig_->restart();
  rig_->launcher().adopt(id("w"), handle, {});
  rig_->launcher().adopt(id("w"), handle, {});
  settle();
  EXPECT_TRUE(all<Exited>("w").empty());
  EXPECT_TRUE(is_ready("w"));
  stop("w", kLongGrace);
  const Exited exit = wait_for_exit("w");
  EXPECT_EQ(exit.exit_code.value_or(7), 7);
  settle();
  EXPECT_EQ(all<Exited>("w").size(), 1U);
}

TEST_P(LauncherContract, AnAdoptedStubbornWorkerIsKilledAfterTheGrace) {
  const std::string handle = start_ready("w", Kind::stubborn);
  rig_->restart();
  rig_->launcher().adopt(id("w"), handle, {});
  stop("w", Millis{50});
  EXPECT_EQ(wait_for_exit("w").exit_code, std::nullopt);
}

TEST_P(LauncherContract, AWorkerThatEndedWhileTheServerWasDownIsToldGone) {
  const std::string handle = start_ready("w", Kind::runs);
  rig_->restart([&] { rig_->end_unseen(handle); });
  rig_->launcher().adopt(id("w"), handle, {});
  const Exited exit = wait_for_exit("w");
  EXPECT_EQ(exit.exit_code, std::nullopt);
  settle();
  EXPECT_EQ(all<Exited>("w").size(), 1U);
}

TEST_P(LauncherContract, AHandleThatNamesAnotherIsToldGoneAndTheOtherLives) {
  const std::string handle = start_ready("w", Kind::drains, 7);
  rig_->restart();
  rig_->launcher().adopt(id("old"), rig_->reused(handle), {});
  EXPECT_EQ(wait_for_exit("old").cause, "ended while the server was down");
  rig_->launcher().adopt(id("strange"), "no handle at all", {});
  wait_for_exit("strange");

  rig_->launcher().adopt(id("w"), handle, {});
  stop("w", kLongGrace);
  EXPECT_EQ(wait_for_exit("w").exit_code.value_or(7), 7);
}

TEST_P(LauncherContract, AWorkerThatNobodyTakesBackIsNotTouched) {
  const std::string handle = start_ready("w", Kind::drains, 7);
  rig_->restart();
  stop("w", Millis{0});
  settle();
  EXPECT_TRUE(all<Exited>("w").empty());
  rig_->launcher().adopt(id("w"), handle, {});
  stop("w", kLongGrace);
  EXPECT_EQ(wait_for_exit("w").exit_code.value_or(7), 7);
}

TEST_P(LauncherContract, AFrozenWorkerIsToldAndThawedAndStillEnds) {
  start_ready("w", Kind::drains, 7);
  rig_->launcher().freeze(id("w"));
  EXPECT_TRUE(rig_->wait([&] { return all<Frozen>("w").size() == 1; }));
  rig_->launcher().thaw(id("w"));
  EXPECT_TRUE(rig_->wait([&] { return all<Thawed>("w").size() == 1; }));
  rig_->launcher().freeze(id("w"));
  EXPECT_TRUE(rig_->wait([&] { return all<Frozen>("w").size() == 2; }));
  stop("w", kLongGrace);
  EXPECT_EQ(wait_for_exit("w").exit_code, 7) << "it is resumed to drain";
}

TEST_P(LauncherContract, AFrozenWorkerCanBeKilled) {
  start_ready("w", Kind::stubborn);
  rig_->launcher().freeze(id("w"));
  EXPECT_TRUE(rig_->wait([&] { return all<Frozen>("w").size() == 1; }));
  stop("w", Millis{0});
  EXPECT_EQ(wait_for_exit("w").cause, "signal 9 (Killed)");
}

TEST_P(LauncherContract, AFrozenWorkerIsAdoptedFrozenAndThawedLater) {
  const std::string handle = start_ready("w", Kind::drains, 3);
  rig_->launcher().freeze(id("w"));
  EXPECT_TRUE(rig_->wait([&] { return all<Frozen>("w").size() == 1; }));
  rig_->restart();
  rig_->launcher().adopt(id("w"), handle, {true, false});
  rig_->launcher().thaw(id("w"));
  EXPECT_TRUE(rig_->wait([&] { return all<Thawed>("w").size() == 1; }));
  EXPECT_TRUE(all<Exited>("w").empty());
  stop("w", kLongGrace);
  wait_for_exit("w");
}

TEST_P(LauncherContract, FreezingNobodyDoesNothing) {
  rig_->launcher().freeze(id("w"));
  rig_->launcher().thaw(id("w"));
  settle();
  EXPECT_TRUE(all<Frozen>("w").empty());
  EXPECT_TRUE(all<Thawed>("w").empty());
}

}  // namespace
}  // namespace penstock::launch::contract
