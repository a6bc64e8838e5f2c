#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/model/job.h"
#include "core/model/worker.h"
#include "core/queue/wait_reason.h"
#include "core/scaling/decide.h"

namespace penstock::core {

/// An explanation for people.
struct Why {
  std::string summary;             // in one sentence
  std::vector<std::string> facts;  // what holds, with the numbers
  std::vector<std::string> helps;  // what would unblock it, the quickest first; empty: there is nothing to unblock

  friend bool operator==(const Why&, const Why&) = default;
};

/// What an endpoint is explained from, at one instant.
struct EndpointSituation {
  EndpointId endpoint;
  WaitFacts facts;
  bool stopping = false;                       // the server
  std::optional<WaitCode> waits;               // of jobs that are not low priority; none: there are none
  std::optional<WaitCode> low_priority_waits;  // of those that are
  int queued = 0;                              // not low priority
  int low_priority_queued = 0;
  std::optional<Millis> oldest_wait;  // of any of both
  int in_progress = 0;
  int busy = 0;  // workers that hold jobs, also such that end afterwards
  int idle = 0;
  int workers_min = 0;
  int idle_timeout_s = 0;
  std::optional<Millis> first_end;       // of the jobs that run: until the first of them is ended by its time-out
  std::optional<Millis> idle_stops_in;   // until the next idle worker stops
  std::optional<ScaleDecision> decided;  // the scaler's, for the inputs of this instant
};

/// What a job is explained from.
struct JobSituation {
  JobId id;
  JobStatus status = JobStatus::in_queue;
  Priority priority = Priority::normal;
  std::optional<WaitReason> wait;   // unless terminal
  std::optional<Millis> waited;     // in the queue, in this life
  std::optional<Millis> ttl_left;   // unless terminal
  std::optional<Millis> ran;        // with its worker
  std::optional<Millis> run_left;   // until its execution time-out
  std::optional<Millis> ended_ago;  // terminal
  std::optional<std::string> error;
  WorkerId worker;
  int attempt = 0;
};

/// "34 s", "12 min": rounded down to what matters.
std::string in_words(Millis time);

Why why(const EndpointSituation& endpoint);
Why why(const JobSituation& job, const EndpointSituation& endpoint);

}  // namespace penstock::core
