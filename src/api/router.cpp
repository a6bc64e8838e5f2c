#include "api/router.h"

#include <algorithm>

#include "api/answers.h"

namespace penstock::api {
namespace {

/// The first parts of REST v2 paths, which share /v2 with the job API.
constexpr std::string_view kRestV2[] = {"pods",    "serverless", "templates", "network-volumes", "registries",
                                        "catalog", "billing",    "clusters",  "account",         "openapi.json"};

net::Response not_implemented(const std::string& what) {
  return error_answer({Errc::not_implemented, what + " is not implemented by this server"});
}

}  // namespace

void Router::handle(net::Request&& request, net::Responder responder) {
  const auto all = path_parts(request.path);  // whose text no handler takes
  PathParts parts = all;
  counts_.add(parts);
  if (request.method == "OPTIONS") return responder.send(preflight_answer());
  if (parts.size() == 1 && parts[0] == "metrics") return metrics_.handle(request, counts_, std::move(responder));
  if (parts.size() == 1 && parts[0] == "graphql") return graphql_.handle(request, std::move(responder));
  if (parts.size() == 2 && parts[0] == "graphql") return graphql_.handle_file(request, parts[1], std::move(responder));
  if (parts.size() >= 2 && parts[0] == "v2" && std::ranges::find(kRestV2, parts[1]) == std::end(kRestV2)) {
    parts = parts.subspan(1);
    if (parts.size() >= 2 && WorkerApi::knows(parts[1]))
      return worker_.handle(std::move(request), parts, std::move(responder));
    if (parts.size() >= 2 && JobsApi::knows(parts[1]))
      return jobs_.handle(std::move(request), parts, std::move(responder));
    if (parts.size() >= 2 && OpenAiApi::knows(parts[1])) return openai_.handle(request, parts, std::move(responder));
    if (parts.size() >= 2 && BatchesApi::knows(parts[1])) return batches_.handle(request, parts, std::move(responder));
  } else if (!parts.empty() && parts[0] == "v2" && parts.size() >= 2) {
    return responder.send(not_implemented("REST v2"));
  } else if (!parts.empty() && parts[0] == "v1") {
    return responder.send(not_implemented("REST v1"));
  } else if (parts.size() >= 2 && parts[0] == "penstock" && parts[1] == "v1") {
    parts = parts.subspan(2);
    if (!parts.empty() && WebhooksApi::knows(parts[0])) return webhooks_.handle(request, parts, std::move(responder));
    if (FleetApi::knows(parts)) return fleet_.handle(request, parts, std::move(responder));
    if (WhyApi::knows(parts)) return why_.handle(request, parts, std::move(responder));
    if (!parts.empty() && ClockApi::knows(parts[0])) return clock_.handle(request, parts, std::move(responder));
    if (!parts.empty() && parts[0] == "gpus") return gpus_.handle(request, parts, std::move(responder));
    return admin_.handle(request, parts, std::move(responder));
  } else if (parts.empty() && (request.method == "GET" || request.method == "HEAD")) {
    return responder.send(
        json_answer("{\"name\":\"penstock\",\"graphql\":\"/graphql\",\"jobs\":\"/v2/{endpoint}/run\"}"));
  }
  responder.send(
      error_answer({Errc::not_found, "no such route: " + request.method + " " + request.path.substr(0, 200)}));
}

net::BodyRule Router::body_limit(const net::Request& head) {
  const auto parts = path_parts(head.path);
  if (parts.size() == 1 && parts[0] == "graphql") return limits_.graphql;
  if (parts.size() < 3 || parts[0] != "v2") return limits_.other;
  if (parts[2] == "run") return {limits_.run, "jobs.run_body_mb"};
  if (parts[2] == "runsync" || parts[2] == "openai") return {limits_.runsync, "jobs.runsync_body_mb"};
  if (parts[2] == "batch") return {limits_.batch, "jobs.batch_body_mb"};
  const bool is_chunk = parts[2] == "job-stream";
  if ((parts[2] != "job-done" || parts.size() != 5) && !is_chunk) return limits_.other;
  net::BodyRule rule{std::min(limits_.chunk, limits_.result), "jobs.result_mb"};
  if (parts.size() != 5 || !worker_.has_job(head, parts)) return rule;  // a stranger's: into memory, and refused
  if (!is_chunk) rule.bytes_max = limits_.result;
  worker_.receive(is_chunk, rule);
  return rule;
}

}  // namespace penstock::api
