#include "core/timers.h"

#include <algorithm>

namespace penstock::core {

void TimerSlot::arm(Time at, TimerTarget target) {
  if (armed() && key_.at == at) return;
  disarm();
  key_ = {at, ++timers_.armed_};
  target_ = target;
  timers_.add(*this);
}

void TimerSlot::disarm() {
  if (armed()) timers_.remove(*this);
  key_.number = 0;
}

Time Timers::next() const {
  Time next = others_.empty() ? Time::max() : others_.begin()->first.at;
  for (const TimerRun& run : runs_) next = std::min(next, run.first.at);
  return next;
}

std::optional<TimerTarget> Timers::take_due(Time now) {
  if (next() > now) return std::nullopt;
  TimerRun& run = *std::ranges::min_element(runs_, {}, &TimerRun::first);
  const bool other = !others_.empty() && others_.begin()->first < run.first;
  TimerSlot& first = other ? *others_.begin()->second : run.slots.front();
  first.disarm();
  return first.target();
}

/// Of the runs that end early enough it joins the one that ends last, which leaves the others to earlier ones.
void Timers::add(TimerSlot& slot) {
  TimerRun* best = nullptr;
  for (TimerRun& run : runs_) {
    if (run.last <= slot.at() && (!best || best->last < run.last)) best = &run;
  }
  if (!best && runs_.size() < runs_.capacity()) best = &runs_.emplace_back();
  slot.run_ = best;
  if (!best) {
    others_.emplace(slot.key_, &slot);
    return;
  }
  if (best->slots.empty()) best->first = slot.key_;
  best->last = slot.at();
  best->slots.push_back(slot);
}

void Timers::remove(TimerSlot& slot) {
  if (!slot.run_) {
    others_.erase(slot.key_);
    return;
  }
  TimerRun& run = *slot.run_;
  const auto next = run.slots.erase(run.slots.iterator_to(slot));
  const bool was_first = next == run.slots.begin();
  const bool was_last = next == run.slots.end();
  if (was_first) run.first = was_last ? TimerKey{Time::max()} : next->key_;
  if (was_last) run.last = was_first ? Time::min() : run.slots.back().at();
}

}  // namespace penstock::core
