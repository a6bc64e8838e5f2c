#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "core/model/endpoint.h"

namespace penstock::core {

/// Why a job has not ended yet. Closed: docs/wait-reasons.md says what each means and what helps.
enum class WaitCode {
  running,           // not waiting: a worker has it
  server_stopping,   // nothing is handed out any more
  workers_max_zero,  // no worker may start
  workers_starting,
  workers_busy,
  no_capacity,         // every GPU that would do is taken
  no_matching_node,    // no GPU here would ever do
  release_draining,    // as no_capacity, and workers of the endpoint's former release are among those that hold GPUs
  crash_loop,          // the last workers crashed at start, and the next one is held back
  low_priority_waits,  // no worker is started yet for jobs of low priority alone
  batch_draft,         // not in the queue: its batch is not finalized
  input_loading,       // the input of the next job is being read from the store
  budget_used_up       // a worker is wanted, and the day's budget of the endpoint or account allows none
};
std::string_view to_text(WaitCode code);  // "WORKERS_BUSY"

struct WaitReason {
  WaitCode code = WaitCode::running;
  std::string message;  // in words, with what would help
  Time since{};         // when this became the reason for this job

  friend bool operator==(const WaitReason&, const WaitReason&) = default;
};

/// What an endpoint knows about its waiting jobs once it was reviewed.
struct WaitFacts {
  int workers_max = 0;
  int managed = 0;           // workers of the server's own that do not end
  int ready = 0;             // workers that have asked for a job and do not end
  int starting = 0;          // workers that have not yet
  int former_release = 0;    // workers of an earlier release that end when their jobs do
  bool input_loads = false;  // a worker asks, and the input of the next job is in the store only
  bool wants_more = false;
  std::string budget = {};    // that keeps a wanted worker from starting, in words; empty: none does
  int throttled = 0;          // workers that are wanted and found no place ...
  bool fits_never = false;    // ... now or ever
  std::string no_place = {};  // in words
  int crashes = 0;            // in a row, at start
  std::string crash_cause = {};
  std::optional<Time> held_back_until;  // after a crash
  ScalerType scaler = ScalerType::queue_delay;
  int scaler_value = 4;
  std::optional<Time> low_priority_due;  // when the oldest job of low priority gets a worker of its own
};

/// The reason why jobs in the queue of an endpoint wait; of low priority, or others.
WaitCode waits_for(const WaitFacts& facts, bool low_priority);

/// The same for people.
std::string explain(WaitCode code, const WaitFacts& facts, bool low_priority);

}  // namespace penstock::core
