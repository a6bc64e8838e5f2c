#pragma once

#include <boost/container/static_vector.hpp>
#include <boost/intrusive/list.hpp>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <variant>

#include "base/time.h"

namespace penstock::core {

struct EndpointEntry;
struct JobEntry;
struct Waiter;
struct DeliveryEntry;
struct BatchEntry;

using TimerTarget = std::variant<JobEntry*, EndpointEntry*, Waiter*, DeliveryEntry*, BatchEntry*>;

/// By time; of the same time in the order in which they were armed.
struct TimerKey {
  Time at{};
  std::uint64_t number = 0;  // in the order of arming, from 1; 0: not armed

  friend auto operator<=>(const TimerKey&, const TimerKey&) = default;
};

class Timers;
struct TimerRun;

/// The one timer of its owner; gone with it. `Timers` outlives it.
class TimerSlot : public boost::intrusive::list_base_hook<> {
 public:
  explicit TimerSlot(Timers& timers) : timers_(timers) {}
  ~TimerSlot() { disarm(); }
  TimerSlot(const TimerSlot&) = delete;
  TimerSlot& operator=(const TimerSlot&) = delete;

  /// Does nothing if it is armed for that time.
  void arm(Time at, TimerTarget target);
  void disarm();
  bool armed() const { return key_.number != 0; }
  Time at() const { return key_.at; }
  const TimerTarget& target() const { return target_; }

 private:
  friend class Timers;

  Timers& timers_;
  TimerRun* run_ = nullptr;  // where it lies; null: with the others
  TimerKey key_;
  TimerTarget target_;
};

/// Timers in order. Their first and last time are kept beside them, so that none has to be read for these.
struct TimerRun {
  TimerKey first{Time::max()};
  Time last = Time::min();
  boost::intrusive::list<TimerSlot, boost::intrusive::constant_time_size<false>> slots;
};

/// Those that are armed.
///
/// Nearly all are armed for one of a few times from now, so they come in a few ascending sequences. Each is a run:
/// arming and disarming touch only the neighbours there, which were armed at about the same time. Whatever fits in no
/// run lies in a tree.
class Timers {
 public:
  /// When the first one is due. Time::max(): none is armed.
  Time next() const;
  /// Disarms the first one if it is due by `now`, which is before Time::max().
  std::optional<TimerTarget> take_due(Time now);

 private:
  friend class TimerSlot;

  void add(TimerSlot& slot);
  void remove(TimerSlot& slot);

  boost::container::static_vector<TimerRun, 16> runs_;  // as many as were needed so far
  std::map<TimerKey, TimerSlot*> others_;               // that fit in no run
  std::uint64_t armed_ = 0;                             // so far
};

}  // namespace penstock::core
