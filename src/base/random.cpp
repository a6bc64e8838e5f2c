#include "base/random.h"

#include <sys/random.h>

#include <algorithm>

#include "base/error.h"

namespace penstock {

std::uint64_t Random::below(std::uint64_t bound) {
  ENSURE(bound > 0);
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  std::uint64_t value = next();
  while (value >= limit) value = next();
  return value % bound;
}

std::uint64_t SeededRandom::next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

std::uint64_t SystemRandom::next() {
  if (left_ == 0) {
    ENSURE(::getrandom(block_, sizeof block_, 0) == static_cast<ssize_t>(sizeof block_));
    left_ = std::size(block_);
  }
  return block_[--left_];
}

std::string random_alphanumeric(Random& random, int count) {
  static constexpr char kAlphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string text;
  for (int i = 0; i < count; ++i) text += kAlphabet[random.below(36)];
  return text;
}

std::string TimeOrderedUuids::next(Time now) {
  last_ = std::max(last_ + 1, static_cast<std::uint64_t>(to_ms(now)) << 12);
  const std::uint64_t high = (last_ >> 12 << 16) | 0x4000ULL | (last_ & 0x0fffULL);
  const std::uint64_t low = (random_.next() & 0x3fffffffffffffffULL) | 0x8000000000000000ULL;
  std::string text = "00000000-0000-0000-0000-000000000000";
  std::size_t at = 0;
  for (const std::uint64_t half : {high, low}) {
    for (int shift = 60; shift >= 0; shift -= 4) {
      if (text[at] == '-') ++at;
      text[at++] = "0123456789abcdef"[(half >> shift) & 0xf];
    }
  }
  return text;
}

}  // namespace penstock
