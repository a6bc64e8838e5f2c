#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace penstock::net {

/// The one event loop of a server. Everything that has no lock lives on its thread; `post` and `stop` may be called
/// from any thread, the rest only on the loop's own.
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs until stop(). Handlers that are ready are run in the order they became so.
  void run();
  void stop();

  /// Runs `work` on the loop's thread, after what is already ready.
  void post(std::function<void()> work);

  /// One timer. Setting it again replaces the earlier time; a cancelled or replaced call never runs.
  class Timer {
   public:
    explicit Timer(Loop& loop);
    ~Timer();
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    void set(std::chrono::milliseconds delay, std::function<void()> work);
    void cancel();

   private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
  };

  /// Calls `work` on the loop's thread for each of these signals that arrives, until the loop ends.
  void on_signals(std::initializer_list<int> signals, std::function<void(int)> work);

  /// For this module's own files.
  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::net
