#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace penstock::core {

/// GPUs granted to a worker on a node. A CPU worker has a node and no GPUs.
struct Placement {
  std::string node;
  std::string pool;                     // AMPERE_16; empty on a CPU worker
  std::string gpu_type;                 // "NVIDIA RTX A4000"
  std::vector<int> gpus;                // device indices on the node
  std::vector<std::string> uuids = {};  // of all of them, or none

  friend bool operator==(const Placement&, const Placement&) = default;
};

/// One running copy of an endpoint's template, as the store keeps it. Removed when it has exited.
struct Worker {
  WorkerId id;
  EndpointId endpoint;
  int release = 0;        // Endpoint::version that it was started for
  bool external = false;  // started by the user, not by a launcher
  Placement placement;
  Time created{};
  std::optional<Time> ready;  // first job-take: only then is model loading over (contract/data-plane 2.12)
  bool draining = false;      // gets no more jobs and is being stopped
  std::string launch_handle;  // the launcher's own words to find it again after a restart

  friend bool operator==(const Worker&, const Worker&) = default;
};

}  // namespace penstock::core
