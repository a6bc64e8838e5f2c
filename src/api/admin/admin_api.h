#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/admin/worker_environment.h"
#include "api/auth/keys.h"
#include "api/core.h"
#include "api/path_parts.h"
#include "net/http.h"

namespace penstock::api {

/// Penstock's own routes, for what the wire-compatible APIs have no words for, under /penstock/v1/endpoints/{id}:
///   POST /workers                registers a worker that the user starts; answers its environment
///   GET /workers                 lists the workers
///   DELETE /workers/{worker}     detaches such a worker
///   GET /workers/{worker}/logs   the last lines that it printed, of one job alone with ?job=
class AdminApi {
 public:
  /// The last lines of a worker, at most a MiB of them, from the file that it prints to. Errors: not_found.
  using ReadLog = std::function<Result<std::vector<std::string>>(const WorkerId& worker, std::size_t lines_max)>;

  AdminApi(Core& core, const WorkerKeys& keys, const ServerFacts& facts, ReadLog read_log)
      : core_(core), keys_(keys), facts_(facts), read_log_(std::move(read_log)) {}

  /// `parts`: the path after /penstock/v1.
  void handle(const net::Request& request, PathParts parts, net::Responder responder);

 private:
  void attach(const EndpointId& endpoint, net::Responder responder);
  void list(const EndpointId& endpoint, net::Responder responder);
  void logs(const net::Request& request, const EndpointId& endpoint, const WorkerId& worker, net::Responder responder);

  Core& core_;
  const WorkerKeys& keys_;
  const ServerFacts& facts_;
  ReadLog read_log_;
};

}  // namespace penstock::api
