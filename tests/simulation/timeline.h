#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>

#include "base/random.h"
#include "base/time.h"

namespace penstock::simulation {

using namespace std::chrono_literals;

/// Virtual time and what is to happen in it. Acts of the same instant happen in the order in which they were planned.
class Timeline {
 public:
  using Act = std::function<void()>;

  explicit Timeline(Time start) : now_(start) {}

  Time now() const { return now_; }
  void after(Millis delay, Act act) { acts_.emplace(now_ + std::max(delay, Millis{0}), std::move(act)); }

  std::optional<Time> next() const {
    if (acts_.empty()) return std::nullopt;
    return acts_.begin()->first;
  }

  /// Time goes on, at most to the next act.
  void move_to(Time time) { now_ = std::max(now_, time); }

  /// Does one act that is due; false when there is none.
  bool act() {
    if (acts_.empty() || acts_.begin()->first > now_) return false;
    const Act act = std::move(acts_.begin()->second);
    acts_.erase(acts_.begin());
    act();
    return true;
  }

 private:
  Time now_;
  std::multimap<Time, Act> acts_;
};

/// Chance, from the seed of the run.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}

  int below(int bound) { return static_cast<int>(random_.below(static_cast<std::uint64_t>(bound))); }
  int between(int low, int high) { return low + below(high - low + 1); }
  Millis between(Millis low, Millis high) {
    return Millis{low.count() +
                  static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>((high - low).count() + 1)))};
  }
  bool chance(int per_mille) { return per_mille > 0 && below(1000) < per_mille; }
  template <class Items>
  auto& pick(Items& items) {
    return items[static_cast<std::size_t>(below(static_cast<int>(std::size(items))))];
  }
  /// Mostly short, now and then long: the durations that find bugs.
  Millis skewed(Millis low, Millis high) {
    const Millis middle = low + (high - low) / 16;
    return chance(850) ? between(low, middle) : between(middle, high);
  }
  Random& random() { return random_; }

 private:
  SeededRandom random_;
};

}  // namespace penstock::simulation
