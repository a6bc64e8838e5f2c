#pragma once

#include <functional>

#include "api/core.h"
#include "api/metrics/route_counts.h"
#include "api/metrics/server_metrics.h"
#include "net/http.h"

namespace penstock::api {

/// GET /metrics for Prometheus. Callers on this machine need no key; everybody else needs one, and so does whatever
/// comes through a proxy. Nothing is computed before somebody asks.
class MetricsApi {
 public:
  using Gather = std::function<ServerMetrics()>;

  MetricsApi(Core& core, Gather gather) : core_(core), gather_(std::move(gather)) {}

  void handle(const net::Request& request, const RouteCounts& routes, net::Responder responder);

 private:
  Core& core_;
  Gather gather_;
};

/// Whether a request comes from this machine and was meant for it: not through a proxy, and not from a web page whose
/// name was made to point here.
bool is_local(const net::Request& request);

}  // namespace penstock::api
