#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::bench {

/// Prints the text to standard error and ends the program with status 1.
[[noreturn]] void die(std::string_view text);

/// CLOCK_MONOTONIC, comparable between processes of one machine.
std::int64_t now_ns();

/// User and system time of this process, in seconds.
double own_cpu_seconds();

/// The same of another process, from /proc/<pid>/stat (10 ms steps on most kernels). Ends the program when it is gone.
double cpu_seconds_of(pid_t pid);

struct Percentiles {
  std::size_t count = 0;
  double p50_ms = 0, p90_ms = 0, p99_ms = 0, max_ms = 0;
};

/// Every sample is kept, so the percentiles are exact (nearest rank).
class Samples {
 public:
  void add(std::int64_t ns) { ns_.push_back(ns); }
  Percentiles percentiles();  // sorts in place

 private:
  std::vector<std::int64_t> ns_;
};

/// `{"p50":..,"p90":..,"p99":..,"max":..}` in milliseconds.
std::string to_json(const Percentiles& p);

}  // namespace penstock::bench
