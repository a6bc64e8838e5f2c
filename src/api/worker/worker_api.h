#pragma once

#include <string_view>

#include "api/auth/keys.h"
#include "api/core.h"
#include "api/jobs/results.h"
#include "api/path_parts.h"
#include "api/trace/trace_context.h"
#include "net/http.h"
#include "net/loop.h"

namespace penstock::api {

/// The worker protocol: /v2/{endpoint}/job-take, job-take-batch, job-stop, job-done, job-stream, ping
/// (contract/data-plane 2). Each route takes the key of the worker that it names.
class WorkerApi {
 public:
  WorkerApi(Core& core, net::Loop& loop, const WorkerKeys& keys, const Traces& traces, Results& results)
      : core_(core), loop_(loop), keys_(keys), traces_(traces), results_(results) {}

  static bool knows(std::string_view operation);

  /// `parts`: the path after /v2: endpoint, operation, worker[, job].
  void handle(net::Request&& request, PathParts parts, net::Responder responder);

  /// Whether a job-done or job-stream with a job in its path comes from the worker that it names. `parts`: the path,
  /// from /v2 on.
  bool has_job(const net::Request& head, PathParts parts) const;
  /// How the body of such a request is received: a large result goes to a file. When a body is too large to be taken,
  /// its job fails at once, for the worker will not post it again.
  void receive(bool is_chunk, net::BodyRule& rule);

 private:
  struct Address {
    EndpointId endpoint;
    WorkerId worker;
    JobId job;  // job-done and job-stream
  };
  /// Of a request that has_job(), from /v2 on.
  static Address address_of(PathParts parts);
  void fail_too_large(const net::Request& head, std::uint64_t bytes, std::size_t bytes_max);
  void take(const net::Request& request, Address at, bool batch, net::Responder responder);
  void stops(const Address& at, net::Responder responder);
  void done(net::Request&& request, Address at, net::Responder responder);
  void take_result(Result<WorkerResult> result, Address at, net::Responder responder, std::string file);
  void chunk(const net::Request& request, const Address& at, net::Responder responder);
  void ping(const net::Request& request, const Address& at, net::Responder responder);
  void refuse_later(net::Responder responder, Error error);

  Core& core_;
  net::Loop& loop_;
  const WorkerKeys& keys_;
  const Traces& traces_;
  Results& results_;
};

}  // namespace penstock::api
