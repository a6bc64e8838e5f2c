#pragma once

#include <string>

#include "api/metrics/route_counts.h"
#include "api/metrics/server_metrics.h"
#include "core/engine.h"

namespace penstock::api {

/// Endpoints that are shown one by one, the oldest; further ones are summed under the name "_others".
inline constexpr std::size_t kMetricsEndpointsMax = 500;

/// Everything in the Prometheus text format. docs/metrics.md lists it.
std::string metrics_text(const core::Engine& engine, Time now, const RouteCounts& routes, const ServerMetrics& server);

}  // namespace penstock::api
