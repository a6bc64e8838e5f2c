#pragma once

#include <atomic>
#include <mutex>
#include <thread>

namespace penstock::store {

/// A mutex whose holder can let those in who wait for it. To unlock and lock it again would not do: whoever runs
/// already is faster than whoever must wake up first.
class YieldingMutex {
 public:
  void lock() {
    ++waiting_;
    mutex_.lock();
    --waiting_;
    waiting_.notify_all();
  }
  void unlock() { mutex_.unlock(); }

  bool is_wanted() const { return waiting_ > 0; }

  /// For the holder, who holds it again afterwards.
  void let_others_in() {
    if (!is_wanted()) return;
    mutex_.unlock();
    lock_after_others();
  }

  /// The same, and whoever wants the processor has it first, not waiting for this mutex either.
  void give_way() {
    mutex_.unlock();
    std::this_thread::yield();
    lock_after_others();
  }

 private:
  void lock_after_others() {
    for (int count = waiting_; count > 0; count = waiting_) waiting_.wait(count);
    mutex_.lock();
  }

  std::mutex mutex_;
  std::atomic<int> waiting_ = 0;
};

}  // namespace penstock::store
