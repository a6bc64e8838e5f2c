#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/trace/trace_context.h"
#include "base/time.h"
#include "core/records.h"

namespace penstock::api {

/// One span, as OTLP knows it.
struct Span {
  std::string trace_id;
  std::string span_id;
  std::string parent_id;  // empty: none
  std::string_view name;
  bool server = false;  // its kind: the job as a whole; otherwise internal
  Time start{};
  Time end{};
  std::string error;  // empty: fine
  EndpointId endpoint;
  JobId job;
  core::JobStatus status = core::JobStatus::in_queue;
  WorkerId worker;
  int attempt = 0;
};

/// The spans that a record of a durable turn ends; `now` is when it became durable. Nothing for a record that ends
/// none, or whose client asked not to be sampled.
///
///     job                    submission (or /retry) to the end; its parent is the client's span
///       accepted             submission until it was durable
///       queued               until the last hand-out
///       taken                the instant of the hand-out
///       running              one for each attempt
///       done                 the end until it was durable
std::vector<Span> spans_of(const core::Record& record, const Traces& traces, Time now);

/// The body of POST /v1/traces, OTLP 1.x in JSON.
std::string otlp_text(const std::vector<Span>& spans, std::string_view version);

}  // namespace penstock::api
