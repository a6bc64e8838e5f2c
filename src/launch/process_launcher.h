#pragma once

#include <memory>
#include <string>

#include "launch/launcher.h"

namespace penstock::launch {

struct ProcessLauncherOptions {
  std::string log_directory;                      // made if missing; one file per worker
  std::size_t log_bytes_max = 8 * 1024 * 1024;    // per worker; older output is dropped
  Millis reclaim_after{60'000};                   // a frozen worker's memory is offered to the kernel then; 0: never
  std::string cuda_checkpoint;                    // the program that parks GPU memory; empty: none
  std::string cgroup;                             // of workers with limits (cgroups.h); empty: none is limited
  std::string gpu_device_prefix = "/dev/nvidia";  // whoever has one of these open uses a GPU
  bool fork_servers = true;                       // Python workers are forked from processes that have imported already
  std::size_t processes_max = 4096;               // workers at once; one more is a StartFailed. Each needs a descriptor
};

/// Runs workers as processes of this machine with the server's rights. Each is the leader of a session and process
/// group of its own, survives the server's death, and is recognised again by pid, start time and boot id.
std::unique_ptr<Launcher> make_process_launcher(ProcessLauncherOptions options, EventSink sink);

}  // namespace penstock::launch
