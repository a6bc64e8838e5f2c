#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "core/model/bytes.h"

namespace penstock::core {

/// contract/data-plane 1.3. The last four are terminal.
enum class JobStatus { in_queue, in_progress, completed, failed, cancelled, timed_out };

std::string_view to_text(JobStatus status);  // "IN_QUEUE"
std::optional<JobStatus> parse_job_status(std::string_view text);
inline bool is_terminal(JobStatus status) {
  return status >= JobStatus::completed;
}

/// policy.priority. Low (also policy.lowPriority) starts no worker for itself until it has waited for a minute.
enum class Priority { high, normal, low };

std::string_view to_text(Priority priority);  // "high"
std::optional<Priority> parse_priority(std::string_view text);

inline constexpr std::size_t kIdempotencyKeyBytesMax = 255;

/// What the client asked for. Never changes, but see needs_input().
struct JobRequest {
  JobId id;
  EndpointId endpoint;
  bool sync = false;                        // came by /runsync: its result is kept for a shorter time
  Bytes input;                              // null: in the store only, as long as the job waits; or no longer needed
  Bytes s3_config;                          // handed to the worker, never returned
  std::optional<Millis> execution_timeout;  // policy.executionTimeout; none: the endpoint's
  std::optional<Millis> ttl;                // policy.ttl; none: the endpoint's
  Priority priority = Priority::normal;
  /// Of the client: the same key in the same endpoint stands for this job as long as it is there. Empty: none.
  std::string idempotency_key = {};
  Time created{};
  std::string traceparent;  // the client's, valid; empty: none
  std::string webhook;      // URL to tell the end of the job to; empty: none
  BatchId batch;            // that it is a request of; empty: none
};

/// Where the job stands. Small: every change of it is one record.
struct JobState {
  JobStatus status = JobStatus::in_queue;
  int attempt = 0;  // hand-outs so far, over all lives (a /retry starts a new life); the current one when IN_PROGRESS
  int retries = 0;  // hand-outs of this life that were lost with their worker
  Time queued{};    // start of this life: submission, or /retry
  std::optional<Time> started;   // last hand-out
  std::optional<Time> finished;  // terminal
  WorkerId worker;               // of the last hand-out; empty before
  std::optional<std::string> error;
  Time ttl_deadline{};
  Time expires{};            // terminal: when the result is forgotten
  int chunks_delivered = 0;  // the /stream cursor: chunks below it were read

  friend bool operator==(const JobState&, const JobState&) = default;
};

/// Milliseconds from the start of this life to the last hand-out; none while it waits (contract/data-plane 1.2).
std::optional<std::int64_t> delay_ms(const JobState& state);
/// Milliseconds from the last hand-out to the end, 0 when there was none; none before the end.
std::optional<std::int64_t> execution_ms(const JobState& state);

/// What /retry takes (contract/data-plane 1.3).
inline bool may_be_retried(JobStatus status) {
  return status == JobStatus::failed || status == JobStatus::timed_out;
}

/// Whether a job is, or may again be, handed out.
inline bool may_run(JobStatus status) {
  return !is_terminal(status) || may_be_retried(status);
}

/// Otherwise nobody keeps the job's input: nothing hands it out, and no submission with its key is held against it.
inline bool needs_input(const JobRequest& request, const JobState& state) {
  return may_run(state.status) || !request.idempotency_key.empty();
}

inline void leave_unneeded_input(JobRequest& request, const JobState& state) {
  if (needs_input(request, state)) return;
  request.input = nullptr;
  request.s3_config = nullptr;
}

/// A job as the store keeps and restores it.
struct StoredJob {
  JobRequest request;
  JobState state;
  Bytes output;               // result, or the last progress value while IN_PROGRESS
  std::vector<Bytes> chunks;  // of the current attempt, in order
};

}  // namespace penstock::core
