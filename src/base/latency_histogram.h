#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace penstock {

/// How long something took, counted by fixed bounds. Adding is a few comparisons; one thread.
class LatencyHistogram {
 public:
  using Microseconds = std::chrono::microseconds;

  /// Upper bounds, each included; longer ones have no bound.
  static constexpr std::array<Microseconds, 14> kBounds = {
      Microseconds{50},      Microseconds{100},     Microseconds{200},     Microseconds{500},      Microseconds{1'000},
      Microseconds{2'000},   Microseconds{5'000},   Microseconds{10'000},  Microseconds{20'000},   Microseconds{50'000},
      Microseconds{100'000}, Microseconds{200'000}, Microseconds{500'000}, Microseconds{1'000'000}};

  void add(std::chrono::steady_clock::duration took) {
    std::size_t bucket = 0;
    while (bucket < kBounds.size() && took > kBounds[bucket]) ++bucket;
    ++counts_[bucket];
    sum_ += took;
  }

  /// Of one bucket alone; the last one is without bound.
  std::uint64_t count_in(std::size_t bucket) const { return counts_[bucket]; }
  std::uint64_t count() const {
    std::uint64_t all = 0;
    for (const std::uint64_t one : counts_) all += one;
    return all;
  }
  std::chrono::duration<double> sum() const { return sum_; }

 private:
  std::array<std::uint64_t, kBounds.size() + 1> counts_{};
  std::chrono::steady_clock::duration sum_{};
};

}  // namespace penstock
