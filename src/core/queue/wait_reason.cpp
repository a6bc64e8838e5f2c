#include "core/queue/wait_reason.h"

#include "base/error.h"

namespace penstock::core {
namespace {

std::string counted(int count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

std::string crashes(const WaitFacts& facts) {
  return counted(facts.crashes, "worker") + " in a row crashed at start, the last one because " + facts.crash_cause;
}

/// What stands between an endpoint whose workers are busy and one worker more.
std::string busy(const WaitFacts& facts, bool low_priority) {
  std::string text =
      (facts.ready == 1 ? "the one ready worker is" : "all " + std::to_string(facts.ready) + " ready workers are") +
      std::string(" at work; ") + (low_priority ? "jobs of higher priority go first, and " : "");
  if (facts.starting > 0) return text + counted(facts.starting, "worker") + " more will be ready soon";
  if (facts.managed >= facts.workers_max) {
    return text + "workersMax (" + std::to_string(facts.workers_max) + ") allows no more: raise it for more at once";
  }
  if (!facts.budget.empty()) return text + "no more are started today: " + facts.budget;
  if (facts.wants_more && facts.held_back_until) {
    return text + "the next one starts at " + iso8601(*facts.held_back_until) + ", since " + crashes(facts);
  }
  if (facts.throttled > 0) return text + "there is no place for another one: " + facts.no_place;
  if (facts.scaler == ScalerType::request_count) {
    return text + "REQUEST_COUNT starts one worker for every " + counted(facts.scaler_value, "request") +
           ": lower scalerValue for more at once";
  }
  return text + "QUEUE_DELAY starts another one when a job has waited longer than " +
         std::to_string(facts.scaler_value) + " s";
}

}  // namespace

std::string_view to_text(WaitCode code) {
  switch (code) {
    case WaitCode::running:
      return "RUNNING";
    case WaitCode::server_stopping:
      return "SERVER_STOPPING";
    case WaitCode::workers_max_zero:
      return "WORKERS_MAX_ZERO";
    case WaitCode::workers_starting:
      return "WORKERS_STARTING";
    case WaitCode::workers_busy:
      return "WORKERS_BUSY";
    case WaitCode::no_capacity:
      return "NO_CAPACITY";
    case WaitCode::no_matching_node:
      return "NO_MATCHING_NODE";
    case WaitCode::release_draining:
      return "RELEASE_DRAINING";
    case WaitCode::crash_loop:
      return "CRASH_LOOP";
    case WaitCode::low_priority_waits:
      return "LOW_PRIORITY_WAITS";
    case WaitCode::batch_draft:
      return "BATCH_DRAFT";
    case WaitCode::input_loading:
      return "INPUT_LOADING";
    case WaitCode::budget_used_up:
      return "BUDGET_USED_UP";
  }
  return "";
}

WaitCode waits_for(const WaitFacts& facts, bool low_priority) {
  if (facts.input_loads) return WaitCode::input_loading;
  if (facts.ready > 0) return WaitCode::workers_busy;
  if (facts.starting > 0) return WaitCode::workers_starting;
  if (facts.workers_max == 0) return WaitCode::workers_max_zero;
  if (!facts.budget.empty()) return WaitCode::budget_used_up;
  if (low_priority && !facts.wants_more) return WaitCode::low_priority_waits;
  ENSURE(facts.wants_more);  // for other jobs the first worker is always wanted
  if (facts.held_back_until) return WaitCode::crash_loop;
  ENSURE(facts.throttled > 0);
  if (facts.fits_never) return WaitCode::no_matching_node;
  return facts.former_release > 0 ? WaitCode::release_draining : WaitCode::no_capacity;
}

std::string explain(WaitCode code, const WaitFacts& facts, bool low_priority) {
  switch (code) {
    case WaitCode::running:
      return "a worker is at work on it";
    case WaitCode::server_stopping:
      return "this server is stopping; the job is kept and goes on when it is started again";
    case WaitCode::workers_max_zero:
      return "workersMax is 0, so no worker is started: raise it, or attach a worker of your own";
    case WaitCode::workers_starting:
      return counted(facts.starting, "worker") + (facts.starting == 1 ? " starts" : " start") +
             "; the job is taken as soon as one is ready" +
             (facts.crashes > 0 ? " (before, " + crashes(facts) + ")" : std::string());
    case WaitCode::workers_busy:
      return busy(facts, low_priority);
    case WaitCode::no_capacity:
      return "no worker can start now; " + facts.no_place + "; one starts as soon as enough of that is free";
    case WaitCode::no_matching_node:
      return "no worker can start on this server: " + facts.no_place +
             "; change the GPUs, places or network volumes of the endpoint";
    case WaitCode::release_draining:
      return "the endpoint has a new release, and " + counted(facts.former_release, "worker") +
             " of the former one still hold GPUs; the job is taken when theirs are done (" + facts.no_place + ")";
    case WaitCode::crash_loop:
      return crashes(facts) + "; the next one starts at " + iso8601(*facts.held_back_until) +
             ", or at once when a new release of the endpoint (image, command, environment) cures it";
    case WaitCode::low_priority_waits:
      return "its priority is low: no worker is started for it alone before " +
             (facts.low_priority_due ? iso8601(*facts.low_priority_due) : std::string("it has waited 60 s")) +
             "; it is taken sooner when a worker is there for other jobs";
    case WaitCode::batch_draft:
      return "its batch is a draft: it is queued when the batch is finalized";
    case WaitCode::input_loading:
      return "the inputs of the next jobs are being read from disk, since queued inputs take more memory than "
             "jobs.queued_memory_mb; they are handed out at once then";
    case WaitCode::budget_used_up:
      return "no worker is started today: " + facts.budget + "; raise or remove the budget, or wait for tomorrow (UTC)";
  }
  return "";
}

}  // namespace penstock::core
