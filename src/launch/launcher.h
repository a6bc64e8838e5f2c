#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "base/time.h"
#include "core/model/template.h"
#include "launch/cgroups.h"

namespace penstock::launch {

/// Everything that is needed to bring one worker to life.
struct WorkerSpec {
  WorkerId id;
  std::string image;                      // "process:<absolute directory>" for the process launcher
  std::vector<std::string> command;       // argv; not empty
  std::vector<core::EnvVar> environment;  // complete, but for what the launcher itself passes through (PATH, HOME ...)
  ResourceLimits limits = {};             // held to where the system allows it
};

/// The worker runs. `handle` finds it again after a restart of the server: give it to adopt().
struct Started {
  WorkerId id;
  std::string handle;
  Millis took{0};       // from the launcher's turning to it until its process ran
  bool forked = false;  // from a process that had imported already, instead of run afresh
};
struct StartFailed {
  WorkerId id;
  std::string reason;
};
/// The worker is gone, and everything it started with it.
struct Exited {
  WorkerId id;
  std::optional<int> exit_code;  // none: ended by a signal, or not known (an adopted worker)
  std::string cause;             // for people: "exit code 1", "signal 9 (Killed)", "ended while the server was down"
};
/// Memory of a worker and its helpers.
struct Memory {
  std::int64_t resident_bytes = 0;
  std::int64_t swapped_bytes = 0;
};
/// The worker is stopped where it was. Told again when its memory was reclaimed meanwhile.
struct Frozen {
  WorkerId id;
  bool gpu_parked = false;  // its GPU memory lies in host memory: its GPUs are free
  Memory memory;
};
struct FreezeFailed {
  WorkerId id;
  std::string reason;
};
/// It runs again.
struct Thawed {
  WorkerId id;
  Millis took{0};
};
using Event = std::variant<Started, StartFailed, Exited, Frozen, FreezeFailed, Thawed>;

/// What an earlier server process left behind.
struct AdoptAs {
  bool frozen = false;
  bool gpu_parked = false;
};

/// Called on a thread of the launcher; must only hand the event over.
using EventSink = std::function<void(Event)>;

/// Brings workers to life and ends them. Calls return at once; what happens is told by events: for each start() one
/// Started or StartFailed, and after a Started exactly one Exited; for each adopt() at most one Exited. Calls for a
/// worker that is not known (any more) do nothing. A freeze() is followed by Frozen or FreezeFailed and a thaw() by
/// Thawed, unless the worker ends first, or the one is overtaken by the other.
class Launcher {
 public:
  virtual ~Launcher() = default;

  virtual void start(WorkerSpec spec) = 0;

  /// SIGTERM now, SIGKILL for all that is left after `grace`. A later call may shorten the grace. Grace 0: SIGKILL now.
  virtual void stop(WorkerId id, Millis grace) = 0;

  /// Takes a worker back that an earlier server process started. Exited follows at once when it is gone, or when the
  /// handle no longer names the same process. An empty handle means that the server died between starting the worker
  /// and noting its handle: whatever runs with RUNPOD_POD_ID=<id> in its environment is killed, then Exited is told.
  /// A worker that is to be `frozen` is stopped again if it runs, and any other runs on if it was stopped.
  virtual void adopt(WorkerId id, std::string handle, AdoptAs as) = 0;

  /// Stops the worker and all it started where they are: no CPU, its state and sockets kept. stop() still ends it.
  virtual void freeze(WorkerId id) = 0;

  virtual void thaw(WorkerId id) = 0;

  /// The last lines of what the worker printed, oldest first. Errors: not_found.
  virtual Result<std::vector<std::string>> log_tail(const WorkerId& id, std::size_t lines_max) = 0;
};

}  // namespace penstock::launch
