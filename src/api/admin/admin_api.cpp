#include "api/admin/admin_api.h"

#include "api/admin/worker_log.h"
#include "api/answers.h"
#include "api/auth/access.h"
#include "api/calls.h"
#include "json/json.h"

namespace penstock::api {

void AdminApi::handle(const net::Request& request, PathParts parts, net::Responder responder) {
  const auto key = known_key(request, core_.engine(), false);
  if (!key) return responder.send(error_answer(key.error()));
  const bool of_logs = parts.size() == 5 && parts[4] == "logs";
  if (parts.size() < 3 || (parts.size() > 4 && !of_logs) || parts[0] != "endpoints" || parts[2] != "workers") {
    return responder.send(
        error_answer({Errc::not_found, "no such route: /penstock/v1/endpoints/{id}/workers is there"}));
  }
  const auto known = own_endpoint(core_.engine(), (*key)->account, parts[1]);
  if (!known) return responder.send(error_answer(known.error()));
  const EndpointId endpoint = (*known)->id;
  if (of_logs && request.method != "GET") return responder.send(wrong_method(request, "GET"));
  if (of_logs) {
    const auto worker = WorkerId::parse(parts[3]);
    if (!worker) return responder.send(error_answer({Errc::not_found, worker.error().message}));
    return logs(request, endpoint, *worker, std::move(responder));
  }
  const bool one = parts.size() == 4;
  if (!one && request.method == "GET") return list(endpoint, std::move(responder));
  if (auto allowed = check_may_write(**key); !allowed) return responder.send(error_answer(allowed.error()));
  if (!one && request.method == "POST") return attach(endpoint, std::move(responder));
  if (!one || request.method != "DELETE") return responder.send(wrong_method(request, one ? "DELETE" : "GET, POST"));
  const auto worker = WorkerId::parse(parts[3]);
  if (!worker) return responder.send(error_answer({Errc::not_found, worker.error().message}));
  call(core_, core::DetachWorker{0, endpoint, *worker}, std::move(responder),
       [](net::Responder& to, core::Reply reply) {
         if (const auto* error = std::get_if<Error>(&reply.what)) return to.send(error_answer(*error));
         to.send(json_answer("{}"));
       });
}

void AdminApi::attach(const EndpointId& endpoint, net::Responder responder) {
  call(core_, core::AttachWorker{0, endpoint}, std::move(responder),
       [this, endpoint](net::Responder& to, core::Reply reply) {
         if (const auto* error = std::get_if<Error>(&reply.what)) return to.send(error_answer(*error));
         const WorkerId& worker = std::get<core::WorkerAttached>(reply.what).id;
         json::Object environment;
         for (auto& [key, value] : worker_environment(facts_, keys_, endpoint, worker, core::Placement{})) {
           environment.emplace_back(key, value);
         }
         json::Object answer{{"workerId", worker.str()}, {"environment", std::move(environment)}};
         to.send(json_answer(json::write(answer)));
       });
}

namespace {

json::Value instant(const std::optional<Time>& at) {
  return at ? json::Value(iso8601(*at)) : json::Value();
}

json::Object start_object(const core::WorkerStart& start) {
  return {{"kind", to_text(start.kind)},       {"decidedAt", instant(start.decided)},
          {"placedAt", instant(start.placed)}, {"launchedAt", instant(start.launched)},
          {"upAt", instant(start.up)},         {"firstPollAt", instant(start.polled)},
          {"firstJobAt", instant(start.job)}};
}

json::Value frozen_value(const core::WorkerView& view) {
  if (!view.worker.frozen) return {};
  json::Object out{{"since", instant(view.worker.frozen)}, {"gpuParked", view.worker.gpu_parked}};
  if (view.frozen_memory) {
    out.emplace_back("residentBytes", view.frozen_memory->resident_bytes);
    out.emplace_back("swappedBytes", view.frozen_memory->swapped_bytes);
  }
  return out;
}

json::Object phase_object(const core::PhaseFigures& phase) {
  return {{"samples", phase.samples}, {"p50Ms", phase.p50.count()}, {"p95Ms", phase.p95.count()}};
}

json::Array starts_array(const std::vector<core::StartFigures>& kinds) {
  json::Array out;
  for (const auto& kind : kinds) {
    out.emplace_back(json::Object{{"kind", to_text(kind.kind)},
                                  {"count", kind.count},
                                  {"placed", phase_object(kind.placed)},
                                  {"launched", phase_object(kind.launched)},
                                  {"up", phase_object(kind.up)},
                                  {"ready", phase_object(kind.ready)},
                                  {"firstJob", phase_object(kind.job)}});
  }
  return out;
}

}  // namespace

void AdminApi::list(const EndpointId& endpoint, net::Responder responder) {
  json::Array workers;
  for (const auto& view : core_.engine().workers_of(endpoint)) {
    const core::Worker& worker = view.worker;
    const core::Node* node = core_.engine().fleet().find_node(worker.placement.node);
    json::Array gpus;
    for (const int index : worker.placement.gpus) gpus.emplace_back(index);
    json::Array uuids;
    for (const auto& uuid : worker.placement.uuids) uuids.emplace_back(uuid);
    json::Object row{{"id", worker.id.str()},
                     {"status", to_text(view.status)},
                     {"external", worker.external},
                     {"jobs", view.jobs},
                     {"release", worker.release},
                     {"createdAt", iso8601(worker.created)},
                     {"readyAt", worker.ready ? json::Value(iso8601(*worker.ready)) : json::Value()},
                     {"node", worker.placement.node},
                     {"pool", worker.placement.pool},
                     {"gpuType", worker.placement.gpu_type},
                     {"gpus", std::move(gpus)},
                     {"gpuUuids", std::move(uuids)},
                     {"emulated", node && node->emulated && !worker.placement.gpus.empty()},
                     {"start", start_object(worker.start)},
                     {"frozen", frozen_value(view)}};
    workers.emplace_back(std::move(row));
  }
  json::Object answer{{"workers", std::move(workers)},
                      {"coldStarts", starts_array(core_.engine().starts_of(endpoint))}};
  const auto throttled = core_.engine().throttled(endpoint);
  answer.emplace_back("throttled", throttled ? throttled->workers : 0);
  if (throttled) {
    answer.emplace_back("throttledReason", throttled->reason);
    answer.emplace_back("throttledSince", throttled->since ? json::Value(iso8601(*throttled->since)) : json::Value());
  }
  responder.send(json_answer(json::write(std::move(answer))));
}

void AdminApi::logs(const net::Request& request, const EndpointId& endpoint, const WorkerId& worker,
                    net::Responder responder) {
  const auto wish = read_log_wish(request);
  if (!wish) return responder.send(error_answer(wish.error()));
  if (wish->job) {
    if (auto recalled = core_.recall(endpoint, *wish->job); !recalled) {
      return responder.send(error_answer(recalled.error()));
    }
  }
  // A worker that is gone is known by the job that it ran.
  const core::Worker* known = core_.engine().find_worker(worker);
  const auto job = wish->job ? core_.engine().find_job(core_.now(), endpoint, *wish->job)
                             : Result<core::JobView>(fail(Errc::not_found, "no job"));
  if (!(known && known->endpoint == endpoint) && !(job && job->worker == worker)) {
    return responder.send(
        error_answer({Errc::not_found, "worker \"" + worker.str() + "\" not found in endpoint \"" + endpoint.str() +
                                           "\"; of one that is gone, ?job= of a job "
                                           "that it ran shows the log"}));
  }
  auto lines = read_log_(worker, wish->job ? kLogLinesMax : wish->tail);
  if (!lines) return responder.send(error_answer(lines.error()));
  json::Array shown;
  for (std::string& line : chosen_lines(std::move(*lines), *wish)) shown.emplace_back(json::Value(std::move(line)));
  json::Object answer{{"workerId", worker.str()}, {"container", std::move(shown)}};
  responder.send(json_answer(json::write(answer)));
}

}  // namespace penstock::api
