#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/queue/wait_reason.h"

namespace penstock::simulation {

/// A known bug that the harness puts between the engine and the world, to show that it is noticed.
enum class FleetMutation {
  none,
  lost_start,     // a worker is on record and is never started
  lost_exit,      // the end of a worker is not told
  ignored_wakes,  // the engine is not woken when it asked for it
  lost_usage,     // usage is not written down now and then
  doubled_usage,  // or counted twice
  shared_gpu,     // two workers are told the same GPU
  extra_start,    // a worker more than the engine wanted
  false_reason,   // a job is said to wait for workers that start
  // With few GPUs:
  youngest_first,    // of those who need a GPU as much, the last to come gets it
  burst_before_min,  // what is for a workersMin goes to an endpoint that only has jobs
  ended_at_work,     // a busy worker that is asked to make room is ended at once
};

struct FleetScenario {
  std::uint64_t seed = 1;
  int endpoints = 100;
  int gpus = 400;    // workers at a time: one GPU each
  int minutes = 20;  // of arrivals
  FleetMutation mutation = FleetMutation::none;
};

struct FleetOutcome {
  std::optional<std::string> violation;
  int submitted = 0;
  int completed = 0;
  int started = 0;
  int deaths = 0;
  int restarts = 0;   // of the server
  int gpus_lost = 0;  // taken out, for a time
  int most_workers = 0;
  std::int64_t longest_wait_ms = 0;
  std::map<core::WaitCode, int> waits;
};

/// Many endpoints with random settings, bursts of jobs, workers that die, GPUs that come and go, changes of the
/// settings, and crashes of the server, on virtual time. Held against: bounds, quotas, GPUs, a bound on waiting, no
/// worker without a cause, usage to the millisecond, and that every reason to wait is true.
FleetOutcome simulate_fleet(const FleetScenario& scenario);

}  // namespace penstock::simulation
