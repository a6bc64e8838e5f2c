#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace penstock::server {

/// One request that came, and how long its worker had it.
struct Arrival {
  Time at{};
  std::optional<Millis> execution;  // none: drawn from those of the others
  std::string priority = "normal";
};

/// What of an endpoint matters to its scaling, by the names that clients know.
using ScalingSettings = std::vector<std::pair<std::string, std::string>>;

/// `name=value` over what is there. Errors: invalid (no such setting, with those that there are).
Result<void> set_scaling(ScalingSettings& settings, const std::string& assignment);

struct Traffic {
  std::vector<Arrival> arrivals;  // in order
  std::vector<Millis> starts;     // from the decision to start a worker to its first job-take; in order, then drawn
  Time from{};
  Time to{};
};

/// The number of workers changed: by starts, or by those told to go.
struct WorkerChange {
  Time at{};
  int started = 0;
  int stopped = 0;

  friend bool operator==(const WorkerChange&, const WorkerChange&) = default;
};

struct Figures {
  std::int64_t jobs = 0;  // that were handed out
  Millis delay_p50{0};
  Millis delay_p95{0};
  Millis delay_p99{0};
  int cold_starts = 0;  // workers started
  double worker_seconds = 0;
  int workers_most = 0;
  std::vector<WorkerChange> changes;
};

/// `delays` of the jobs, in any order.
Figures measure(std::vector<Millis> delays, std::vector<WorkerChange> changes, Time to);

/// The number of workers at each of `count` instants, evenly from `from` to `to`.
std::vector<int> workers_over_time(const Figures& figures, Time from, Time to, int count);

/// The pool in which a worker would be placed first, by the endpoint's gpuIds.
std::string first_pool(const std::string& gpu_ids, bool is_cpu);

/// Lets the engine itself have this traffic, on a clock of its own, with workers that exist only in time. No limit of
/// GPUs. The same arguments give the same figures. Errors: invalid (settings that no endpoint may have).
Result<Figures> simulate(const Traffic& traffic, const ScalingSettings& settings);

/// A trace: CSV with a header that names the columns `at` (ISO 8601, or milliseconds) and, if there,
/// `execution_ms` and `priority`. Errors: invalid (with the line).
Result<std::vector<Arrival>> read_trace(const std::string& file);

}  // namespace penstock::server
