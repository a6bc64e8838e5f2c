#include "api/answers.h"

#include "base/text.h"
#include "json/json.h"

namespace penstock::api {

net::Response json_answer(std::string body, int status) {
  net::Response response;
  response.status = status;
  response.body = std::move(body);
  response.any_origin = true;
  return response;
}

net::Response error_answer(const Error& error) {
  if (error.code == Errc::busy) return busy_answer(error.message, 1);
  std::string body = "{\"error\":";
  json::write_string(body, error.message);
  return json_answer(body + "}", http_status(error.code));
}

net::Response busy_answer(const std::string& message, int retry_after_s) {
  std::string body = "{\"error\":";
  json::write_string(body, message);
  net::Response response = json_answer(body + "}", http_status(Errc::busy));
  response.headers.emplace_back("Retry-After", std::to_string(retry_after_s));
  return response;
}

net::Response preflight_answer() {
  net::Response response;
  response.status = 204;
  response.any_origin = true;
  response.headers.emplace_back("Access-Control-Allow-Methods", "GET,POST,PUT,DELETE,OPTIONS");
  response.headers.emplace_back("Access-Control-Allow-Headers",
                                "authorization,content-type,user-agent,x-request-id,idempotency-key");
  response.headers.emplace_back("Access-Control-Max-Age", "86400");
  return response;
}

net::Response wrong_method(const net::Request& request, std::string_view allowed) {
  std::string body = "{\"error\":";
  json::write_string(body, request.method + " is not accepted here; use " + std::string(allowed));
  net::Response response = json_answer(body + "}", 405);
  response.headers.emplace_back("Allow", std::string(allowed));
  return response;
}

}  // namespace penstock::api
