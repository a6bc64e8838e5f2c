#include <algorithm>
#include <tuple>

#include "core/engine_state.h"

namespace penstock::core {
namespace {

bool has_gpu(const Placement& placement, const std::string& id) {
  const auto ids = gpu_ids(placement);
  return std::ranges::find(ids, id) != ids.end();
}

}  // namespace

void EngineState::apply_gpu_health(std::vector<GpuHealth::Change> changes) {
  for (auto& change : changes) {
    if (auto* marked = std::get_if<GpuHealth::Marked>(&change)) {
      const GpuMark& mark = marked->mark;
      if (!mark.released)
        fx->warnings.push_back("GPU " + mark.id + " (" + mark.type + ") is quarantined: " + mark.reason);
      fx->records.push_back(GpuMarkSaved{mark});
    } else {
      fx->records.push_back(GpuMarkRemoved{std::get<GpuHealth::Unmarked>(change).id});
    }
  }
  sync_blocked_gpus();
}

/// No worker gets a GPU that is kept out; those that have it go when their jobs are done (see review_workers).
void EngineState::sync_blocked_gpus() {
  bool freed = false;
  for (const Node& node : fleet.nodes()) {
    for (const GpuDevice& gpu : node.gpus) {
      const std::string id = gpu_id(node, gpu);
      const bool out = gpu_health.keeps_out(id);
      if (!fleet.block(node, gpu.index, out)) continue;
      freed = freed || !out;
      for (EndpointEntry* entry : endpoint_order) {
        for (const WorkerEntry* worker : entry->workers) {
          if (has_gpu(worker->worker.placement, id)) touch(*entry);
        }
      }
    }
  }
  share_due = share_due || freed;
}

std::optional<std::string> EngineState::bad_gpu(const WorkerEntry& worker) const {
  if (!gpu_health.any_out()) return std::nullopt;
  for (auto& id : gpu_ids(worker.worker.placement)) {
    if (gpu_health.keeps_out(id)) return std::move(id);
  }
  return std::nullopt;
}

void EngineState::on(ReportGpus& c) {
  apply_gpu_health(gpu_health.read(fleet, std::move(c.readings), now));
}

void EngineState::on(QuarantineGpu& c) {
  auto change = gpu_health.quarantine(fleet, c.gpu, std::move(c.reason), now);
  if (!change) return reply_error(c.to, change.error().code, change.error().message);
  apply_gpu_health({std::move(*change)});
  reply(c.to, Done{});
}

void EngineState::on(ReleaseGpu& c) {
  auto change = gpu_health.release(fleet, c.gpu, now);
  if (!change) return reply_error(c.to, change.error().code, change.error().message);
  fx->notes.push_back("GPU " + c.gpu + " was released from its quarantine");
  apply_gpu_health({std::move(*change)});
  reply(c.to, Done{});
}

/// Only where the worker died or fell silent by itself: one that the server ends is no sign of anything.
void EngineState::job_died(const WorkerEntry& worker, const JobEntry& job) {
  const bool earlier = job.state.started && *job.state.started < started;  // it may have died with the server
  if (worker.worker.external || worker.stop_sent || shut_down || earlier) return;
  apply_gpu_health(gpu_health.job_died(fleet, worker.worker.placement, worker.worker.endpoint, job.request.id, now));
}

std::vector<GpuView> Engine::gpus() const {
  std::vector<GpuView> out;
  const GpuHealth& health = state_->gpu_health;
  for (const Node& node : state_->fleet.nodes()) {
    for (const GpuDevice& gpu : node.gpus) {
      const std::string id = gpu_id(node, gpu);
      GpuView view{id, &node, &gpu, health.reading(id), health.quarantined(id), health.missing(id), {}};
      for (const auto& [worker_id, worker] : state_->workers) {
        const Placement& placement = worker->worker.placement;
        const bool there = placement.node == node.name;
        if (there && std::ranges::find(placement.gpus, gpu.index) != placement.gpus.end()) {
          view.workers.push_back(&worker->worker);
        }
      }
      std::ranges::sort(view.workers, {}, [](const Worker* w) { return std::tie(w->created, w->id); });
      out.push_back(std::move(view));
    }
  }
  return out;
}

std::vector<const GpuMark*> Engine::gone_gpus() const {
  std::vector<const GpuMark*> out;
  for (const auto& [id, mark] : state_->gpu_health.marks()) {
    const bool here = std::ranges::any_of(state_->fleet.nodes(), [&](const Node& node) {
      return std::ranges::any_of(node.gpus, [&](const GpuDevice& gpu) { return gpu_id(node, gpu) == id; });
    });
    if (!here) out.push_back(&mark);
  }
  return out;
}

}  // namespace penstock::core
