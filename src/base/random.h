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

/// A UUID in lower case, in the form of version 4, whose first 48 bits are the time in milliseconds: later ones sort
/// behind earlier ones, so that an index over them grows at its end. 74 bits are random.
std::string time_ordered_uuid(Random& random, Time now);

}  // namespace penstock
