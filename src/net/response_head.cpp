#include "net/response_head.h"

#include <boost/beast/http/status.hpp>

namespace penstock::net {
namespace {

void append_header(std::string& head, std::string_view name, std::string_view value) {
  head += name;
  head += ": ";
  head += value;
  head += "\r\n";
}

void append_status_line(std::string& to, int status) {
  namespace http = boost::beast::http;
  if (status == 200) {
    to += "HTTP/1.1 200 OK\r\n";
    return;
  }
  const auto reason = http::obsolete_reason(static_cast<http::status>(status));
  to += "HTTP/1.1 ";
  to += std::to_string(status);
  to += ' ';
  to.append(reason.data(), reason.size());
  to += "\r\n";
}

/// What could end the header, and begin another, becomes a space.
std::string on_one_line(std::string value) {
  for (char& c : value) {
    if (c == '\r' || c == '\n' || c == '\0') c = ' ';
  }
  return value;
}

}  // namespace

bool is_bodiless(int status) {
  return status < 200 || status == 204 || status == 304;
}

void append_response_head(std::string& to, const Response& response, After after, Framing framing) {
  append_status_line(to, response.status);
  if (!is_bodiless(response.status)) {
    if (!response.content_type.empty()) append_header(to, "Content-Type", response.content_type);
    if (framing == Framing::length) append_header(to, "Content-Length", std::to_string(response.body.size()));
    if (framing == Framing::chunked) append_header(to, "Transfer-Encoding", "chunked");
  }
  if (after == After::close) to += "Connection: close\r\n";
  if (after == After::keep_open_http_1_0) to += "Connection: keep-alive\r\n";
  if (response.any_origin) to += "Access-Control-Allow-Origin: *\r\n";
  for (const auto& [name, value] : response.headers) append_header(to, name, on_one_line(value));
  to += "\r\n";
}

Response error_response(int status, std::string_view message) {
  Response response;
  response.status = status;
  response.body = "{\"error\":\"";
  for (const char c : message) {
    if (c == '"' || c == '\\') response.body += '\\';
    response.body += c;
  }
  response.body += "\"}";
  return response;
}

}  // namespace penstock::net
