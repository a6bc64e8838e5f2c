#pragma once

#include "api/metrics/server_metrics.h"

namespace penstock::server {

/// Of this process, as the kernel sees it. `started_seconds` is left to the caller.
api::ServerMetrics::Process process_metrics();

}  // namespace penstock::server
