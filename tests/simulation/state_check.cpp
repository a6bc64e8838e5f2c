#include "state_check.h"

#include <algorithm>

#include "violation.h"

namespace penstock::simulation {
namespace {

bool same(const core::Bytes& a, const core::Bytes& b) {
  return a == b || (a && b && *a == *b);
}

void check_job(Time now, const core::Engine& engine, store::Store& store, const JobId& id, const JobShadow& job) {
  const bool expired = is_terminal(job.state.status) && job.state.expires <= now;
  if (expired) return;
  const auto stored = store.find_job(job.request.endpoint, id);
  if (!stored || !*stored) violated("job {} is not in the store", id.str());
  if (!equal(**stored, core::StoredJob{job.request, job.state, job.output, job.chunks})) {
    violated("job {}: the store has {} attempt {}, the records say {} attempt {}", id.str(),
             to_text((*stored)->state.status), (*stored)->state.attempt, to_text(job.state.status), job.state.attempt);
  }
  if (!engine.has_job(job.request.endpoint, id)) {
    if (!is_terminal(job.state.status)) violated("job {} is not in the engine", id.str());
    return;  // let go of, and the store has it
  }
  const auto view = engine.find_job(now, job.request.endpoint, id);
  if (!view) violated("job {}: the engine denies it", id.str());
  const bool agrees = view->status == job.state.status && view->error == job.state.error &&
                      view->retries == job.state.retries && view->worker == job.state.worker &&
                      same(view->output, job.output);
  if (!agrees) {
    violated("job {}: the engine has {}, the records say {}", id.str(), to_text(view->status),
             to_text(job.state.status));
  }
}

void check_endpoint(const core::Engine& engine, const Ledger& ledger, const core::Endpoint& endpoint) {
  const core::Endpoint* live = engine.find_endpoint(endpoint.id);
  if (!live || *live != endpoint) violated("endpoint {} differs between store and engine", endpoint.id.str());
  const auto health = engine.health(endpoint.id);
  const core::Counters* counters = ledger.counters().find(endpoint.id);
  if (health->jobs != (counters ? *counters : core::Counters{})) {
    violated("endpoint {}: counters differ between store and engine", endpoint.id.str());
  }
  int queued = 0;
  int running = 0;
  for (const auto& [id, job] : ledger.jobs().all()) {
    if (job.request.endpoint != endpoint.id) continue;
    queued += job.state.status == core::JobStatus::in_queue ? 1 : 0;
    running += job.state.status == core::JobStatus::in_progress ? 1 : 0;
  }
  if (health->in_queue != queued || health->in_progress != running) {
    violated("endpoint {}: /health says {} queued and {} in progress; there are {} and {}", endpoint.id.str(),
             health->in_queue, health->in_progress, queued, running);
  }
}

void check_deliveries(Time now, store::Store& store, const Ledger& ledger,
                      const std::vector<core::WebhookDelivery>& pending) {
  std::size_t waiting = 0;
  for (const auto& [id, delivery] : ledger.webhooks().deliveries().all()) {
    const bool waits = delivery.state.status == core::DeliveryStatus::pending;
    waiting += waits ? 1 : 0;
    if (!waits && delivery.state.expires <= now) continue;
    const auto stored = store.find_delivery(id);
    if (!stored || !*stored) violated("webhook {} is not in the store", id.str());
    if ((*stored)->state != delivery.state) violated("webhook {}: the store has another state", id.str());
  }
  if (pending.size() != waiting) violated("the store has {} webhooks that wait, there are {}", pending.size(), waiting);
}

}  // namespace

bool equal(const core::StoredJob& a, const core::StoredJob& b) {
  const auto request = [](const core::JobRequest& r) {
    return std::tie(r.id, r.endpoint, r.sync, r.execution_timeout, r.ttl, r.priority, r.idempotency_key, r.created,
                    r.webhook);
  };
  return request(a.request) == request(b.request) && same(a.request.input, b.request.input) &&
         same(a.request.s3_config, b.request.s3_config) && a.state == b.state && same(a.output, b.output) &&
         std::ranges::equal(a.chunks, b.chunks, same);
}

bool fits(const std::vector<core::Node>& nodes, const Ledger& ledger, const core::Endpoint& endpoint, bool all_free) {
  const std::string places = endpoint.locations ? "," + *endpoint.locations + "," : "";
  const std::string tokens = "," + endpoint.gpu_ids + ",";
  for (const core::Node& node : nodes) {
    const bool beside_volume =
        endpoint.volumes.empty() || std::ranges::any_of(endpoint.volumes, [&](const VolumeId& id) {
          return ledger.volumes().find(id)->data_center == (node.data_center.empty() ? node.name : node.data_center);
        });
    if (!beside_volume) continue;
    const bool anywhere = places.empty() || (node.location.empty() && node.data_center.empty());
    if (!anywhere && places.find("," + node.location + ",") == std::string::npos) continue;
    if (endpoint.is_cpu()) return true;
    std::map<std::string, int> free;
    for (const core::GpuDevice& gpu : node.gpus) {
      const bool wished = tokens.find("," + gpu.pool + ",") != std::string::npos;
      const bool excluded = tokens.find(",-" + gpu.type + ",") != std::string::npos;
      if (wished && !excluded && (all_free || !ledger.gpu_taken(node.name, gpu.index))) ++free[gpu.type];
    }
    for (const auto& [type, count] : free) {
      if (count >= endpoint.gpu_count) return true;
    }
  }
  return false;
}

void check_states(Time now, const core::Engine& engine, store::Store& store, const Ledger& ledger) {
  for (const auto& [id, job] : ledger.jobs().all()) check_job(now, engine, store, id, job);
  const auto loaded = store.load();
  if (!loaded) violated("the store cannot be read");
  for (const core::StoredJob& job : loaded->jobs) {
    if (!ledger.jobs().find(job.request.id)) violated("job {} came back from the store", job.request.id.str());
  }
  if (loaded->endpoints.size() != ledger.endpoints().all().size()) violated("the store has other endpoints");
  for (const core::Endpoint& endpoint : loaded->endpoints) check_endpoint(engine, ledger, endpoint);
  if (loaded->templates.size() != ledger.templates().all().size()) violated("the store has other templates");
  for (const core::Template& value : loaded->templates) {
    const core::Template* live = engine.find_template(value.id);
    if (!live || *live != value) violated("template {} differs between store and engine", value.id.str());
  }
  if (loaded->volumes.size() != ledger.volumes().all().size()) violated("the store has other network volumes");
  for (const core::NetworkVolume& value : loaded->volumes) {
    const core::NetworkVolume* live = engine.find_volume(value.id);
    if (!live || *live != value) violated("network volume {} differs between store and engine", value.id.str());
  }
  check_deliveries(now, store, ledger, loaded->deliveries);
  if (loaded->workers.size() != ledger.workers().all().size()) violated("the store has other workers");
  for (const core::Worker& worker : loaded->workers) {
    const core::Worker* live = engine.find_worker(worker.id);
    if (!live) violated("worker {} is in the store and not in the engine", worker.id.str());
    core::Worker expected = worker;
    expected.draining = live->draining;  // an orphan, or a server that stops, ends workers without writing it down
    if (*live != expected || (worker.draining && !live->draining)) {
      violated("worker {} differs between store and engine", worker.id.str());
    }
  }
}

void check_staff(Time now, const core::Engine& engine, const Ledger& ledger) {
  for (const auto& [id, endpoint] : ledger.endpoints().all()) {
    const auto health = engine.health(id);
    int staff = 0;
    for (const auto& [worker_id, worker] : ledger.workers().all()) {
      staff += worker.endpoint == id && !worker.draining && !worker.frozen ? 1 : 0;
    }
    const bool fit = fits(engine.fleet().nodes(), ledger, endpoint);
    if (health->throttled > 0 && fit) violated("endpoint {} is throttled, and there is a free place for it", id.str());
    if (ledger.usage().is_used_up(now, endpoint)) continue;
    if (health->unhealthy == 0 && staff < endpoint.workers_min && fit) {
      violated("endpoint {} has {} workers; workersMin is {} and there is a free place", id.str(), staff,
               endpoint.workers_min);
    }
  }
}

void check_twins(store::Store& store, store::Store& twin) {
  const auto a = store.load();
  const auto b = twin.load();
  const bool lists = a->accounts == b->accounts && a->keys == b->keys && a->templates == b->templates &&
                     a->endpoints == b->endpoints && a->counters == b->counters && a->workers == b->workers &&
                     a->volumes == b->volumes && a->places == b->places;
  if (!lists) violated("records applied twice leave another control plane than applied once");
  const auto equal_deliveries = [](const core::WebhookDelivery& one, const core::WebhookDelivery& other) {
    return one.id == other.id && one.state == other.state;
  };
  if (!std::ranges::equal(a->deliveries, b->deliveries, equal_deliveries))
    violated("records applied twice leave other webhooks than applied once");
  if (!std::ranges::equal(a->jobs, b->jobs, equal))
    violated("records applied twice leave other jobs than applied once");
}

}  // namespace penstock::simulation
