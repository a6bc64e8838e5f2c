#pragma once

#include "core/scaling/decision_log.h"
#include "json/json.h"
#include "net/http.h"

namespace penstock::api {

/// `at` (made then or earlier), `from` (then or later), `limit` and `cursor` of a request. Errors: invalid.
Result<core::DecisionQuery> read_decision_query(const net::Request& request, const EndpointId& endpoint);

json::Value decision_json(const core::RecordedDecision& one);

}  // namespace penstock::api
