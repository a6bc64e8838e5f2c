#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "net/http.h"

namespace penstock::api {

/// Where a job stands in a trace (W3C Trace Context). Its spans have ids that follow from the job's id, so nothing but
/// the client's header has to be kept, and a server that was restarted goes on in the same trace.
struct TraceContext {
  std::string trace_id;   // 32 hexadecimal digits
  std::string parent_id;  // 16 of them: the client's span; empty: the trace begins here
  std::string span_id;    // of the job
  bool sampled = true;

  std::string header() const;  // what the worker and the client are told
};

/// The request's traceparent as version 00; empty when there is none, or none that is valid: such a one is ignored, as
/// the standard asks.
std::string client_traceparent(const net::Request& request);

/// Which jobs have a trace: those whose client sent a traceparent, and all of them when spans are exported.
class Traces {
 public:
  explicit Traces(bool all) : all_(all) {}

  /// `client`: what client_traceparent() gave at submission.
  std::optional<TraceContext> of(const JobId& job, std::string_view client) const;

  /// Adds the header to an answer about a job that was just submitted.
  void tell(net::Response& response, const JobId& job, std::string_view client) const;

 private:
  bool all_;
};

/// 16 hexadecimal digits that follow from the job and the name.
std::string span_id_of(const JobId& job, std::string_view name, int attempt);

}  // namespace penstock::api
