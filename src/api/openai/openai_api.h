#pragma once

#include <string_view>

#include "api/admission.h"
#include "api/core.h"
#include "api/jobs/results.h"
#include "api/path_parts.h"
#include "api/trace/trace_context.h"
#include "net/http.h"
#include "net/loop.h"

namespace penstock::api {

/// /v2/{endpoint}/openai/v1/...: OpenAI clients in front of a queue-based endpoint (contract/data-plane 5).
class OpenAiApi {
 public:
  /// `timeout`: for an answer; of a stream, for its first chunk and from one to the next.
  OpenAiApi(Core& core, net::Loop& loop, Admission& admission, const Traces& traces, Results& results, Millis timeout)
      : core_(core), loop_(loop), admission_(admission), traces_(traces), results_(results), timeout_(timeout) {}

  static bool knows(std::string_view operation) { return operation == "openai"; }

  /// `parts`: the path after /v2: endpoint, "openai", the rest.
  void handle(const net::Request& request, PathParts parts, net::Responder responder);

 private:
  Core& core_;
  net::Loop& loop_;
  Admission& admission_;
  const Traces& traces_;
  Results& results_;
  Millis timeout_;
};

}  // namespace penstock::api
