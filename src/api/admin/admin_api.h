#pragma once

#include <string_view>
#include <vector>

#include "api/admin/worker_environment.h"
#include "api/auth/keys.h"
#include "api/core.h"
#include "net/http.h"

namespace penstock::api {

/// Penstock's own routes, for what the wire-compatible APIs have no words for:
///   POST   /penstock/v1/endpoints/{id}/workers           registers a worker that the user starts; answers its
///   environment GET    /penstock/v1/endpoints/{id}/workers           lists the workers DELETE
///   /penstock/v1/endpoints/{id}/workers/{worker}  detaches such a worker
class AdminApi {
 public:
  AdminApi(Core& core, const WorkerKeys& keys, const ServerFacts& facts) : core_(core), keys_(keys), facts_(facts) {}

  /// `parts`: the path after /penstock/v1.
  void handle(net::Request request, const std::vector<std::string_view>& parts, net::Responder responder);

 private:
  void attach(const EndpointId& endpoint, net::Responder responder);
  void list(const EndpointId& endpoint, net::Responder responder);

  Core& core_;
  const WorkerKeys& keys_;
  const ServerFacts& facts_;
};

}  // namespace penstock::api
