#pragma once

#include <signal.h>
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "launch/launcher.h"
#include "launch/spawn.h"

namespace penstock::launch {

// What the process launcher knows of a worker.

using Instant = std::chrono::steady_clock::time_point;

/// Of a worker that is frozen, or on its way there or back.
struct Ice {
  bool stopped = false;
  bool parked = false;         // its GPU memory
  bool maybe_parked = false;   // nobody here knows: a server that died may have done it
  bool at_parking = false;     // and what comes next waits for that
  bool freeze_wanted = false;  // as soon as it is back from there
  bool reclaimed = false;
  bool has_other_groups = true;
  std::optional<Instant> thaw_asked;
  std::optional<Instant> reclaim_at;
  std::shared_ptr<std::atomic<bool>> reclaim_cancelled;

  void cancel_reclaim() {
    reclaim_at.reset();
    if (reclaim_cancelled) *reclaim_cancelled = true;
    reclaim_cancelled.reset();
  }
};

/// A session of processes with the worker as its leader.
struct ProcessWorker {
  WorkerId id;
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;
  Descriptor pidfd;           // of the leader; none when it was gone before we saw it
  bool ended_unseen = false;  // was a zombie already when it was adopted
  bool told_to_stop = false;
  std::optional<Instant> kill_at;
  std::optional<Ice> ice;
  std::string doom;  // why we killed it ourselves; empty: we did not

  // From here on for one whose leader has ended: what is left of the session is swept before Exited is told.
  bool ended = false;
  bool ours = false;  // the leader is our child and stays a zombie until the sweep is done: its pid cannot be another's
  bool needs_marks = false;  // the leader ended unseen: only processes that bear the worker's marks are its own
  std::set<std::pair<pid_t, std::uint64_t>> doomed;  // were sent SIGKILL: pid and start time
  Exited exit;
};

/// How a leader ended.
Exited exit_of(const WorkerId& id, const siginfo_t& info);

/// Kills whatever bears the marks of the worker whose log this is.
void kill_marked(const std::string& log, const WorkerId& id);

}  // namespace penstock::launch
