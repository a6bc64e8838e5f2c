#include "graphql/error.h"

#include "json/json.h"

namespace penstock::graphql {
namespace {

void write_error(std::string& out, const GraphqlError& error) {
  out += "{\"message\":";
  json::write_string(out, error.message);
  if (!error.locations.empty()) {
    out += ",\"locations\":[";
    for (const Location& at : error.locations) {
      if (out.back() != '[') out += ',';
      out += "{\"line\":" + std::to_string(at.line) + ",\"column\":" + std::to_string(at.column) + "}";
    }
    out += ']';
  }
  if (!error.path.empty()) {
    out += ",\"path\":[";
    for (const PathStep& step : error.path) {
      if (out.back() != '[') out += ',';
      if (const int* index = std::get_if<int>(&step)) {
        out += std::to_string(*index);
      } else {
        json::write_string(out, std::get<std::string>(step));
      }
    }
    out += ']';
  }
  if (!error.code.empty()) {
    out += ",\"extensions\":{\"code\":";
    json::write_string(out, error.code);
    out += '}';
  }
  out += '}';
}

}  // namespace

void write_errors(std::string& out, const std::vector<GraphqlError>& errors) {
  out += '[';
  bool first = true;
  for (const GraphqlError& error : errors) {
    if (!first) out += ',';
    write_error(out, error);
    first = false;
  }
  out += ']';
}

std::string errors_body(const std::vector<GraphqlError>& errors) {
  std::string out = "{\"errors\":";
  write_errors(out, errors);
  return out + "}";
}

}  // namespace penstock::graphql
