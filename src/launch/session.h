#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "launch/launcher.h"
#include "launch/proc_fs.h"

namespace penstock::launch {

// A worker is a session: its leader and whatever that started. These act on all of it.

/// Its processes that have not ended. `leader` must be one that cannot have become another's pid.
std::vector<ProcessStat> session_processes(pid_t leader);

/// Stops every process where it is. True when some are not in the leader's process group: resume_session must then look
/// for them.
bool stop_session(pid_t leader);

void resume_session(pid_t leader, bool look_for_others);

/// What it holds of memory; pages that processes share are counted for each.
Memory session_memory(pid_t leader);

/// Those of its processes that have a file open whose path begins so.
std::vector<pid_t> processes_with_open(pid_t leader, const std::string& path_prefix);

/// False: this machine has nowhere to put pages that belong to no file.
bool has_swap();

/// process_madvise on the private memory of a process, in pieces; stops early when `go_on` says so. Errors: unavailable
/// (not permitted, or no such process).
Result<void> advise_memory(pid_t pid, int advice, const std::function<bool()>& go_on);

}  // namespace penstock::launch
