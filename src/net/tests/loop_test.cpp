#include "net/loop.h"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>
#include <vector>

namespace penstock::net {
namespace {

using std::chrono::milliseconds;

TEST(Loop, RunsPostedWorkInOrder) {
  Loop loop;
  std::vector<int> order;
  loop.post([&] {
    order.push_back(1);
    loop.post([&] {
      order.push_back(3);
      loop.stop();
    });
  });
  loop.post([&] { order.push_back(2); });
  loop.run();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(Loop, TakesWorkFromOtherThreads) {
  Loop loop;
  int count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 1000; ++j) {
        loop.post([&] {
          if (++count == 4000) loop.stop();
        });
      }
    });
  }
  loop.run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, 4000);
}

TEST(Loop, TimerRunsOnceAfterItsDelay) {
  Loop loop;
  Loop::Timer timer(loop);
  const auto start = std::chrono::steady_clock::now();
  int runs = 0;
  timer.set(milliseconds(20), [&] {
    ++runs;
    loop.stop();
  });
  loop.run();
  EXPECT_EQ(runs, 1);
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(20));
}

TEST(Loop, TimerThatIsSetAgainForgetsTheEarlierTime) {
  Loop loop;
  Loop::Timer timer(loop);
  std::vector<int> runs;
  timer.set(milliseconds(1), [&] { runs.push_back(1); });
  timer.set(milliseconds(10), [&] {
    runs.push_back(2);
    timer.set(milliseconds(1), [&] {  // from its own call
      runs.push_back(3);
      loop.stop();
    });
  });
  loop.run();
  EXPECT_EQ(runs, (std::vector<int>{2, 3}));
}

TEST(Loop, CancelledTimerNeverRunsThoughItIsDue) {
  Loop loop;
  auto due = std::make_unique<Loop::Timer>(loop);
  Loop::Timer end(loop);
  bool ran = false;
  loop.post([&] {
    due->set(milliseconds(0), [&] { ran = true; });
    const auto until = std::chrono::steady_clock::now() + milliseconds(5);
    while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
    due.reset();
    end.set(milliseconds(10), [&] { loop.stop(); });
  });
  loop.run();
  EXPECT_FALSE(ran);
}

TEST(Loop, ReportsEachSignal) {
  Loop loop;
  std::vector<int> seen;
  loop.on_signals({SIGUSR1, SIGUSR2}, [&](int number) {
    seen.push_back(number);
    if (seen.size() == 3) return loop.stop();
    std::raise(SIGUSR2);
  });
  loop.post([] { std::raise(SIGUSR1); });
  loop.run();
  EXPECT_EQ(seen, (std::vector<int>{SIGUSR1, SIGUSR2, SIGUSR2}));
}

}  // namespace
}  // namespace penstock::net
