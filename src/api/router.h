#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include "api/admin/admin_api.h"
#include "api/admin/gpus_api.h"
#include "api/clock/clock_api.h"
#include "api/fleet/fleet_api.h"
#include "api/graphql/graphql_api.h"
#include "api/jobs/batches_api.h"
#include "api/jobs/jobs_api.h"
#include "api/metrics/metrics_api.h"
#include "api/openai/openai_api.h"
#include "api/webhooks/webhooks_api.h"
#include "api/why/why_api.h"
#include "api/worker/worker_api.h"

namespace penstock::api {

/// Sizes that requests may have, in bytes (contract/data-plane 1.1).
struct BodyLimits {
  std::size_t run = 10 * 1024 * 1024;
  std::size_t runsync = 20 * 1024 * 1024;   // and /openai
  std::size_t batch = 10 * 1024 * 1024;     // one call
  std::size_t result = 1024 * 1024 * 1024;  // job-done
  std::size_t chunk = 100 * 1024 * 1024;    // job-stream
  std::size_t graphql = 8 * 1024 * 1024;
  std::size_t other = 64 * 1024;

  std::size_t least() const { return std::min({run, runsync, batch, result, chunk, graphql, other}); }
};

/// Which dialect a request speaks. All of them share one origin (contract/control-plane 0.1).
class Router {
 public:
  Router(GraphqlApi& graphql, JobsApi& jobs, BatchesApi& batches, OpenAiApi& openai, WorkerApi& worker, AdminApi& admin,
         WebhooksApi& webhooks, WhyApi& why, ClockApi& clock, GpusApi& gpus, MetricsApi& metrics, FleetApi& fleet,
         BodyLimits limits)
      : graphql_(graphql),
        jobs_(jobs),
        batches_(batches),
        openai_(openai),
        worker_(worker),
        admin_(admin),
        webhooks_(webhooks),
        why_(why),
        clock_(clock),
        gpus_(gpus),
        metrics_(metrics),
        fleet_(fleet),
        limits_(limits) {}

  void handle(net::Request&& request, net::Responder responder);

  /// How long the body of this request may be. A result or chunk that is longer finishes its job with an error.
  net::BodyRule body_limit(const net::Request& head);

 private:
  GraphqlApi& graphql_;
  JobsApi& jobs_;
  BatchesApi& batches_;
  OpenAiApi& openai_;
  WorkerApi& worker_;
  AdminApi& admin_;
  WebhooksApi& webhooks_;
  WhyApi& why_;
  ClockApi& clock_;
  GpusApi& gpus_;
  MetricsApi& metrics_;
  RouteCounts counts_;
  FleetApi& fleet_;
  BodyLimits limits_;
};

}  // namespace penstock::api
