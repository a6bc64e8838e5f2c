#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http.h"

namespace penstock::api {

/// `{"error":"..."}` with the status of the refusal: the shape of the job and worker APIs.
net::Response error_answer(const Error& error);
/// 429 with how long to wait.
net::Response busy_answer(const std::string& message, int retry_after_s);
net::Response json_answer(std::string body, int status = 200);

/// The answer to `OPTIONS`: browsers may call every client API.
net::Response preflight_answer();

/// 405 with the methods that are accepted.
net::Response wrong_method(const net::Request& request, std::string_view allowed);

}  // namespace penstock::api
