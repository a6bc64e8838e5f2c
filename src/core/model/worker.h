#pragma once

#include <cstddef>
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

/// Where an endpoint's workers were started, the latest first: kPlacesKept at most, no GPUs twice.
struct EndpointPlaces {
  EndpointId endpoint;
  std::vector<Placement> places;

  friend bool operator==(const EndpointPlaces&, const EndpointPlaces&) = default;
};
inline constexpr std::size_t kPlacesKept = 8;

/// How a worker came to life: a program was run, a process that had imported already was forked, or a frozen one
/// resumed. `attached`: the user started it.
enum class StartKind { spawned, forked, thawed, attached };
std::string_view to_text(StartKind value);  // "spawned"
std::optional<StartKind> parse_start_kind(std::string_view text);

/// The last start of a worker, phase by phase. What has not happened yet is absent.
struct WorkerStart {
  StartKind kind = StartKind::spawned;
  std::optional<Time> decided;   // scaling wanted a worker; before `placed` only when there was no place, or a back-off
  std::optional<Time> placed;    // it got its place, and the order was given
  std::optional<Time> launched;  // the launcher began
  std::optional<Time> up;        // its process runs
  std::optional<Time> polled;    // its first job-take
  std::optional<Time> job;       // its first job

  friend bool operator==(const WorkerStart&, const WorkerStart&) = default;
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
  WorkerStart start;
  std::optional<Time> frozen;  // since when it is stopped; to be thawed for a job
  bool gpu_parked = false;     // while it is frozen, its GPU memory lies in host memory and others may have its GPUs

  friend bool operator==(const Worker&, const Worker&) = default;
};

}  // namespace penstock::core
