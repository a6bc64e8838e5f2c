#include "cli/client.h"

#include <cstdio>
#include <cstdlib>

#include "net/http_client.h"

namespace penstock::cli {

int fail_with(const std::string& message, int status) {
  std::fprintf(stderr, "penstock: %s\n", message.c_str());
  return status;
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

Result<json::Value> ask(const ServerFlags& server, const std::string& method, const std::string& path,
                        const std::string& body) {
  std::string url = server.url.empty() ? variable("PENSTOCK_URL") : server.url;
  if (url.empty()) url = "http://127.0.0.1:8420";
  std::string key = server.key.empty() ? variable("PENSTOCK_API_KEY") : server.key;
  if (key.empty()) key = variable("RUNPOD_API_KEY");
  if (key.empty()) return fail(Errc::unauthenticated, "no API key: set PENSTOCK_API_KEY, or give --api-key");
  while (url.ends_with('/')) url.pop_back();
  net::ClientRequest request;
  request.method = method;
  request.url = url + path;
  request.headers = {{"Authorization", "Bearer " + key}};
  request.body = body;
  const auto response = net::fetch(request);
  if (!response) {
    return fail(response.error().code, response.error().message +
                                           "; `penstock serve` starts a server, and PENSTOCK_URL " +
                                           "or --url says where one is");
  }
  auto answer = json::parse(response->body);
  if (response->status != 200) {
    const json::Value* error = answer ? answer->find("error") : nullptr;
    const std::string* text = error ? error->as_string() : nullptr;
    return fail(
        response->status == 404 ? Errc::not_found : Errc::invalid,
        url + " answered " + std::to_string(response->status) + ": " + (text ? *text : response->body.substr(0, 300)));
  }
  return answer;
}

}  // namespace penstock::cli
