#include "launch/process_worker.h"

#include <fmt/format.h>
#include <string.h>
#include <unistd.h>

#include "launch/proc_fs.h"

namespace penstock::launch {

Exited exit_of(const WorkerId& id, const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return {id, info.si_status, fmt::format("exit code {}", info.si_status)};
  const char* name = ::sigdescr_np(info.si_status);
  return {id, std::nullopt, fmt::format("signal {} ({})", info.si_status, name != nullptr ? name : "unknown")};
}

void kill_marked(const std::string& log, const WorkerId& id) {
  for (const ProcessStat& process : list_processes()) {
    if (process.pid == ::getpid() || !bears_marks(process.pid, log, id.str())) continue;
    const Descriptor pidfd = open_pidfd(process.pid);
    const auto stat = read_stat(process.pid);
    if (pidfd && stat && stat->start_ticks == process.start_ticks) send_signal(pidfd, SIGKILL);
  }
}

}  // namespace penstock::launch
