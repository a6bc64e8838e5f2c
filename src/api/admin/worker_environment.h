#pragma once

#include <string>
#include <vector>

#include "api/auth/keys.h"
#include "core/outcomes.h"

namespace penstock::api {

/// What every worker is told of this server.
struct ServerFacts {
  std::string worker_base_url;  // where workers reach this server: http://127.0.0.1:8420
  Millis ping_interval{};
};

/// The environment of a worker (contract/data-plane 2.1, 2.2): what the SDK reads, then facts about its place. `gpu` is
/// its GPU type, or empty.
std::vector<core::EnvVar> worker_environment(const ServerFacts& server, const WorkerKeys& keys,
                                             const EndpointId& endpoint, const WorkerId& worker,
                                             const core::Placement& placement);

}  // namespace penstock::api
