#pragma once

#include <cstdint>
#include <vector>

#include "core/fleet/fleet.h"
#include "core/settings.h"

namespace penstock::simulation {

/// How often each thing goes wrong, in chances out of 1000. All of them are drawn from the seed; many are 0 in a run,
/// so that calm runs occur as well as each fault alone.
struct Faults {
  // of the server, for each turn
  int crash_before_commit = 0;
  int crash_after_commit = 0;
  int crash_between_replies = 0;
  int crash_between_orders = 0;
  int graceful_restart = 0;  // for each act of a client or the operator

  // of the network, for each request or answer
  int request_lost = 0;
  int answer_lost = 0;
  int client_leaves = 0;
  int webhook_refused = 0;
  int webhook_lost = 0;

  // of workers, for each start
  int start_fails = 0;
  int exits_at_start = 0;
  int never_ready = 0;
  int ignores_term = 0;
  int never_pings = 0;
  int dies_with_server = 0;
  int refreshes = 0;

  // of workers, for each job
  int rejects_job = 0;  // drops it without a word
  int dies_in_job = 0;
  int hangs_in_job = 0;
  int hangs_after_job = 0;
  int loses_result = 0;
  int repeats_result = 0;
  int late_result = 0;  // no pings for so long that the lease ends, then a result
};

/// A known bug that the harness puts in, to show that the suite notices.
enum class Mutation {
  none,
  drop_record,          // the store loses a record now and then
  torn_turn,            // a crash leaves the first half of a turn in the store
  reply_before_commit,  // callers are answered, then the server crashes before the commit
  foreign_result,       // a result is taken from a worker that does not hold the job
  overwrite_result,     // a second result replaces the first
  double_reply,         // a caller is answered twice
  lost_reply,           // a caller is never answered
  ignore_wakeups,       // the shell does not wake up when the engine asked for it
  lost_stop_order,      // the launcher is not told to stop a worker
  lost_exit,            // the end of a worker is not told
  unwritten_chunks,     // a page that was not written is reported as written
  wrong_endpoint,       // a worker's poll reaches another endpoint's queue
  forgotten_key,        // the job of an idempotency key that memory has let go of is not looked for
  unrecorded_webhook,   // the end of a job is told without being written down
  lost_post,            // a webhook is neither sent nor its end told
  wrong_reason,         // a job is said to wait for another reason than it does
  lost_usage,           // usage is not written down now and then
  counted_twice,        // or counted twice
  ignored_budget,       // workers are started though a budget (none a day, as it is written down) is used up
  old_reason,           // the reason is said to hold for longer than it does
};

/// Everything that a seed fixes before a run begins.
struct Scenario {
  std::uint64_t seed = 0;
  int steps = 0;  // acts of clients and the operator
  core::EngineSettings settings;
  std::vector<core::Node> nodes;
  Faults faults;
  int endpoints = 1;
  int concurrency_max = 1;   // jobs at once in one worker
  bool check_twin = false;   // every record is also applied twice to a second store
  int full_check_every = 8;  // turns
  Mutation mutation = Mutation::none;
  bool narrated = false;  // print every command and what came of it
};

Scenario make_scenario(std::uint64_t seed, int steps);

}  // namespace penstock::simulation
