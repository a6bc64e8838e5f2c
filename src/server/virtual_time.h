#pragma once

#include <deque>
#include <functional>

#include "api/clock/clock_api.h"
#include "base/time.h"
#include "launch/scripted_workers.h"
#include "net/loop.h"
#include "server/core_loop.h"

namespace penstock::server {

class VirtualClock final : public Clock {
 public:
  explicit VirtualClock(Time begin) : now_(begin) {}
  Time now() const override { return now_; }
  void set(Time now) { now_ = now; }

 private:
  Time now_;
};

/// Moves a virtual clock from one instant at which something is due to the next. Between two instants everything comes
/// to rest: turns are durable, answers are on their way, webhooks are delivered. So the same requests lead to the same
/// history, however fast the machine is.
///
/// Lives on the loop's thread and works in small steps, so that requests are served meanwhile.
class VirtualTime final : public api::VirtualTime {
 public:
  VirtualTime(net::Loop& loop, CoreLoop& core, VirtualClock& clock, launch::ScriptedWorkers& workers)
      : loop_(loop), core_(core), clock_(clock), workers_(workers), pause_(loop) {}

  void advance(Millis by, std::function<void(Result<std::uint64_t>)> done) override;

  /// Something was asked of the workers: what of it takes no time happens without an advance.
  void nudge();

 private:
  struct Goal {
    Millis by{};
    std::optional<Time> at;  // once it is begun
    std::function<void(Result<std::uint64_t>)> done;
    std::uint64_t steps = 0;
  };

  void again();
  void step();
  bool settle_now();
  void finish(Result<std::uint64_t> how);

  net::Loop& loop_;
  CoreLoop& core_;
  VirtualClock& clock_;
  launch::ScriptedWorkers& workers_;
  net::Loop::Timer pause_;
  std::deque<Goal> goals_;
  bool is_stepping_ = false;
  std::uint64_t steps_here_ = 0;  // since the clock stood still
};

}  // namespace penstock::server
