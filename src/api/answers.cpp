#include "api/answers.h"

#include <algorithm>

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

std::vector<std::string_view> path_parts(std::string_view path) {
  std::vector<std::string_view> parts;
  parts.reserve(static_cast<std::size_t>(std::ranges::count(path, '/')) + 1);
  if (path.starts_with('/')) path.remove_prefix(1);
  while (!path.empty()) {
    const auto end = path.find('/');
    parts.push_back(path.substr(0, end));
    if (end == std::string_view::npos) break;
    path.remove_prefix(end + 1);
  }
  return parts;
}

}  // namespace penstock::api
