#include "store/yielding_mutex.h"

#include <gtest/gtest.h>

#include <thread>

namespace penstock::store {
namespace {

void expect_lets_others_in(void (YieldingMutex::*let_in)()) {
  YieldingMutex mutex;
  for (int round = 0; round < 1000; ++round) {
    bool was_in = false;
    mutex.lock();
    std::thread other([&] {
      mutex.lock();
      was_in = true;
      mutex.unlock();
    });
    while (!mutex.is_wanted()) std::this_thread::yield();
    EXPECT_FALSE(was_in);
    (mutex.*let_in)();
    EXPECT_TRUE(was_in);
    EXPECT_FALSE(mutex.is_wanted());
    mutex.unlock();
    other.join();
  }
}

TEST(YieldingMutex, whoever_waits_is_let_in_and_the_holder_holds_it_again) {
  expect_lets_others_in(&YieldingMutex::let_others_in);
  expect_lets_others_in(&YieldingMutex::give_way);
}

TEST(YieldingMutex, nobody_waits) {
  YieldingMutex mutex;
  mutex.lock();
  mutex.let_others_in();
  mutex.give_way();
  EXPECT_FALSE(mutex.is_wanted());
  mutex.unlock();
}

}  // namespace
}  // namespace penstock::store
