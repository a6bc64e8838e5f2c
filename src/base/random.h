#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"

namespace penstock {

/// A source of random bits. The shell uses the system's; tests and simulation a seeded one.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;

  /// Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound);
};

/// splitmix64: small, fast, the same everywhere for one seed. Not for secrets.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override;

 private:
  std::uint64_t state_;
};

/// The kernel's generator, read in blocks. Good for identifiers and secrets.
class SystemRandom final : public Random {
 public:
  std::uint64_t next() override;

 private:
  std::uint64_t block_[64] = {};
  std::size_t left_ = 0;
};

/// `count` characters of `[a-z0-9]`.
std::string random_alphanumeric(Random& random, int count);

/// UUIDs in lower case, in the form of version 4, each behind all earlier ones in alphabetical order: an index over
/// them grows at its end, and a listing by id is a listing by age. The first 48 bits are the time in milliseconds, or a
/// little ahead of it while more than 4,096 are made in one; the next 12 count those of one millisecond; 62 are random.
class TimeOrderedUuids {
 public:
  /// `random` must outlive this.
  explicit TimeOrderedUuids(Random& random) : random_(random) {}

  std::string next(Time now);

 private:
  Random& random_;
  std::uint64_t last_ = 0;  // time and count of the one before
};

}  // namespace penstock
