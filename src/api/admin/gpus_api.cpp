#include "api/admin/gpus_api.h"

#include "api/answers.h"
#include "api/auth/access.h"
#include "api/calls.h"
#include "json/json.h"

namespace penstock::api {
namespace {

json::Value number_or_null(const std::optional<int>& number) {
  return number ? json::Value(*number) : json::Value();
}

json::Value quarantine_of(const core::GpuMark* mark) {
  if (!mark) return {};
  return json::Object{{"reason", mark->reason}, {"since", iso8601(mark->since)}};
}

json::Object row_of(const core::GpuView& view) {
  json::Array workers;
  for (const core::Worker* worker : view.workers) {
    workers.emplace_back(json::Object{{"id", worker->id.str()}, {"endpointId", worker->endpoint.str()}});
  }
  const core::GpuReading none;
  const core::GpuReading& reading = view.reading ? *view.reading : none;
  const char* state = view.quarantine        ? "QUARANTINED"
                      : view.missing         ? "MISSING"
                      : view.workers.empty() ? "FREE"
                                             : "USED";
  return {{"id", view.id},
          {"state", state},
          {"node", view.node->name},
          {"index", view.gpu->index},
          {"type", view.gpu->type},
          {"pool", view.gpu->pool},
          {"memoryMb", view.gpu->memory_mb},
          {"memoryUsedMb", number_or_null(reading.memory_used_mb)},
          {"utilizationPercent", number_or_null(reading.utilization_percent)},
          {"temperatureC", number_or_null(reading.temperature_c)},
          {"problem", reading.problem.empty() ? json::Value() : json::Value(reading.problem)},
          {"quarantine", quarantine_of(view.quarantine)},
          {"emulated", view.node->emulated},
          {"workers", std::move(workers)}};
}

}  // namespace

std::string GpusApi::list() const {
  json::Array nodes;
  for (const core::Node& node : core_.engine().fleet().nodes()) {
    const auto text = [](const std::string& value) { return value.empty() ? json::Value() : json::Value(value); };
    nodes.emplace_back(json::Object{{"name", node.name},
                                    {"location", text(node.location)},
                                    {"dataCenterId", core::data_center_of(node)},
                                    {"driverVersion", text(node.driver_version)},
                                    {"cudaVersion", text(node.cuda_version)},
                                    {"gpus", static_cast<std::int64_t>(node.gpus.size())},
                                    {"emulated", node.emulated},
                                    {"described", node.described}});
  }
  json::Array gpus;
  for (const auto& view : core_.engine().gpus()) gpus.emplace_back(row_of(view));
  for (const core::GpuMark* mark : core_.engine().gone_gpus()) {
    gpus.emplace_back(json::Object{{"id", mark->id},
                                   {"state", "GONE"},
                                   {"node", mark->node},
                                   {"index", mark->index},
                                   {"type", mark->type},
                                   {"quarantine", quarantine_of(mark)}});
  }
  return json::write(json::Object{{"nodes", std::move(nodes)}, {"gpus", std::move(gpus)}});
}

void GpusApi::handle(const net::Request& request, PathParts parts, net::Responder responder) {
  const auto key = known_key(request, core_.engine(), false);
  if (!key) return responder.send(error_answer(key.error()));
  const bool one = parts.size() == 3 && (parts[2] == "release" || parts[2] == "quarantine");
  if (!one && parts.size() != 1) {
    return responder.send(error_answer({Errc::not_found,
                                        "no such route: /penstock/v1/gpus, /penstock/v1/gpus/{id}/release and "
                                        "/penstock/v1/gpus/{id}/quarantine are there"}));
  }
  if (!one && request.method == "GET") return responder.send(json_answer(list()));
  if (!one || request.method != "POST") return responder.send(wrong_method(request, one ? "POST" : "GET"));
  if (auto allowed = check_may_write(**key); !allowed) return responder.send(error_answer(allowed.error()));
  const auto answer = [](net::Responder& to, core::Reply reply) {
    if (const auto* error = std::get_if<Error>(&reply.what)) return to.send(error_answer(*error));
    to.send(json_answer("{}"));
  };
  const std::string gpu(parts[1]);
  if (parts[2] == "release") return call(core_, core::ReleaseGpu{0, gpu}, std::move(responder), answer);
  std::string reason;
  if (!request.body.empty()) {
    const auto body = json::parse(request.body);
    if (!body) return responder.send(error_answer({Errc::invalid, "the body is no JSON: " + body.error().message}));
    const json::Value* given = body->find("reason");
    if (given && !given->as_string()) {
      return responder.send(error_answer({Errc::invalid, "reason must be a text"}));
    }
    if (given) reason = *given->as_string();
  }
  call(core_, core::QuarantineGpu{0, gpu, std::move(reason)}, std::move(responder), answer);
}

}  // namespace penstock::api
