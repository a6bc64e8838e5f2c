#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/ids.h"

namespace penstock::launch {

/// What a worker may use at most. 0: as much as there is.
struct ResourceLimits {
  int vcpus = 0;
  std::int64_t memory_bytes = 0;

  bool any() const { return vcpus > 0 || memory_bytes > 0; }
};

/// Whether it can be the name of a group: "penstock", "system.slice/penstock.service/workers".
bool is_group_name(std::string_view text);

/// A control group for each worker with limits, in version 2 of the kernel's interface, or in version 1 where the
/// machine still has that (Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/). Owned by one thread.
class Cgroups {
 public:
  /// `root`: where the kernel shows them. `group`: below that, the group in which those of the workers are made; made
  /// itself when it is missing. Empty: there are none.
  explicit Cgroups(std::string group, std::string root = "/sys/fs/cgroup");

  /// Limits the process and what it will start. Errors: unavailable (this system does not let this process, or there
  /// are to be none).
  Result<void> put(const WorkerId& worker, pid_t process, const ResourceLimits& limits);

  /// Whether the kernel ended a process of the worker because it used more memory than it may.
  bool ran_out_of_memory(const WorkerId& worker) const;

  /// After all its processes have ended.
  void remove(const WorkerId& worker) const;

 private:
  enum class Version { none, v1, v2 };

  Result<void> prepare();
  Result<void> prepare_v2() const;
  Result<void> prepare_v1() const;
  /// Of the workers' group, one for each hierarchy that it is in.
  std::vector<std::string> folders() const;

  std::string group_;
  std::string root_;
  Version version_ = Version::none;
  bool prepared_ = false;
};

}  // namespace penstock::launch
