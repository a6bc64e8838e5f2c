#pragma once

#include <string>

#include "base/error.h"
#include "core/engine.h"
#include "core/model/job_query.h"
#include "net/http.h"

namespace penstock::api {

/// Reads the query of GET /requests: status, createdAfter, createdBefore, limit, cursor. Errors: invalid (which
/// parameter, which value, what is accepted).
Result<core::JobQuery> read_job_query(const net::Request& request, const EndpointId& endpoint, Time now);

/// `{"requests":[...],"nextCursor":...}`. A job that has not ended says why it waits, if the engine has it.
std::string job_list_text(const core::JobPage& page, const core::Engine& engine, Time now);

}  // namespace penstock::api
