#pragma once

#include <string_view>

#include "api/admission.h"
#include "api/core.h"
#include "api/jobs/results.h"
#include "api/path_parts.h"
#include "api/trace/trace_context.h"
#include "net/address_rules.h"
#include "net/http.h"

namespace penstock::api {

/// The job API of clients: /v2/{endpoint}/run, runsync, status, status-sync, stream, cancel, retry, purge-queue,
/// health, requests (contract/data-plane 1). Translates; decides nothing.
class JobsApi {
 public:
  /// `webhook_rules`: to which addresses a submission may have its end told.
  JobsApi(Core& core, Admission& admission, const Traces& traces, Results& results,
          const net::AddressRules& webhook_rules)
      : core_(core), admission_(admission), traces_(traces), results_(results), webhook_rules_(webhook_rules) {}

  /// True for an operation of this API ("run", "status" ...).
  static bool knows(std::string_view operation);

  /// `parts`: the path after /v2, at least endpoint and operation.
  void handle(net::Request&& request, PathParts parts, net::Responder responder);

 private:
  void list(const net::Request& request, const EndpointId& endpoint, net::Responder responder);
  using Answer = std::function<void(net::Responder&, const core::Reply&)>;
  Answer job_answer(const net::Request& request, const EndpointId& endpoint);
  void result(const net::Request& request, PathParts parts, net::Responder responder);
  void submit(net::Request&& request, const EndpointId& endpoint, bool sync, net::Responder responder);
  void status(const net::Request& request, const EndpointId& endpoint, const JobId& job, net::Responder responder);
  void stream(const net::Request& request, const EndpointId& endpoint, const JobId& job, net::Responder responder);
  void on_job(const net::Request& request, std::string_view operation, const EndpointId& endpoint, const JobId& job,
              net::Responder responder);

  Core& core_;
  Admission& admission_;
  const Traces& traces_;
  Results& results_;
  const net::AddressRules& webhook_rules_;
};

}  // namespace penstock::api
