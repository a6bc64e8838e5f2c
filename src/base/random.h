#pragma once

#include <cstdint>
#include <string>

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

/// A version 4 UUID in lower case.
std::string random_uuid(Random& random);

}  // namespace penstock
