#pragma once

#include <string_view>

#include "api/core.h"
#include "api/jobs/results.h"
#include "api/path_parts.h"
#include "net/address_rules.h"
#include "net/http.h"

namespace penstock::api {

/// The batch API of clients: /v2/{endpoint}/batch (contract/data-plane 1.11). Translates; decides nothing.
class BatchesApi {
 public:
  /// `webhook_rules`: to which addresses a request may have its end told.
  BatchesApi(Core& core, Results& results, const net::AddressRules& webhook_rules)
      : core_(core), results_(results), webhook_rules_(webhook_rules) {}

  static bool knows(std::string_view operation) { return operation == "batch"; }

  /// `parts`: the path after /v2, at least endpoint and operation.
  void handle(const net::Request& request, PathParts parts, net::Responder responder);

 private:
  void on_all(const net::Request& request, const EndpointId& endpoint, net::Responder responder);
  void on_one(const net::Request& request, const EndpointId& endpoint, const BatchId& batch, net::Responder responder);
  void on_requests(const net::Request& request, const EndpointId& endpoint, const BatchId& batch,
                   net::Responder responder);
  void list_batches(const net::Request& request, const EndpointId& endpoint, net::Responder responder);
  void list_requests(const net::Request& request, const EndpointId& endpoint, const BatchId& batch,
                     net::Responder responder);

  Core& core_;
  Results& results_;
  const net::AddressRules& webhook_rules_;
};

}  // namespace penstock::api
