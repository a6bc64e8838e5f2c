#pragma once

#include <boost/intrusive/set.hpp>
#include <variant>

#include "base/time.h"

namespace penstock::core {

struct EndpointEntry;
struct JobEntry;
struct Waiter;
struct DeliveryEntry;
struct BatchEntry;

using TimerTarget = std::variant<JobEntry*, EndpointEntry*, Waiter*, DeliveryEntry*, BatchEntry*>;

class TimerSlot;
struct Earlier {
  bool operator()(const TimerSlot& one, const TimerSlot& other) const;
};
/// Those that are armed, by time; of the same time in the order in which they were armed.
using Timers = boost::intrusive::multiset<TimerSlot, boost::intrusive::compare<Earlier>,
                                          boost::intrusive::constant_time_size<false>>;

/// The one timer of its owner; gone with it.
class TimerSlot : public boost::intrusive::set_base_hook<> {
 public:
  explicit TimerSlot(Timers& timers) : timers_(timers) {}
  ~TimerSlot() { disarm(); }
  TimerSlot(const TimerSlot&) = delete;
  TimerSlot& operator=(const TimerSlot&) = delete;

  void arm(Time at, TimerTarget target) {
    if (armed() && at_ == at) return;
    disarm();
    at_ = at;
    target_ = target;
    timers_.insert(timers_.end(), *this);  // most are set for later than all others
  }
  void disarm() {
    if (armed()) timers_.erase(timers_.iterator_to(*this));
  }
  bool armed() const { return is_linked(); }
  Time at() const { return at_; }
  const TimerTarget& target() const { return target_; }

 private:
  Timers& timers_;
  Time at_{};
  TimerTarget target_;
};

inline bool Earlier::operator()(const TimerSlot& one, const TimerSlot& other) const {
  return one.at() < other.at();
}

}  // namespace penstock::core
