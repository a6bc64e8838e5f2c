#include <algorithm>

#include "core/engine_state.h"

namespace penstock::core {

// What is told of the workers of an endpoint.

std::string_view to_text(WorkerStatus status) {
  switch (status) {
    case WorkerStatus::initializing:
      return "initializing";
    case WorkerStatus::idle:
      return "idle";
    case WorkerStatus::running:
      return "running";
    case WorkerStatus::draining:
      return "draining";
    case WorkerStatus::frozen:
      return "frozen";
  }
  return "";
}

Result<Health> Engine::health(const EndpointId& endpoint) const {
  const auto found = state_->endpoints.find(endpoint);
  if (found == state_->endpoints.end()) {
    return fail(Errc::not_found, "endpoint \"" + endpoint.str() + "\" not found");
  }
  const EndpointEntry& entry = *found->second;
  Health out;
  out.jobs = entry.counters;
  out.in_queue = entry.queue.size();
  out.in_progress = entry.in_progress;
  out.throttled = entry.throttled;
  out.unhealthy = entry.crashes_in_a_row > 0 ? 1 : 0;
  for (const WorkerEntry* worker : entry.workers) {
    if (!worker->holding.empty()) {
      ++out.running;
    } else if (!EngineState::is_ready(*worker)) {
      ++out.initializing;
    } else if (EngineState::is_frozen(*worker)) {
      ++out.idle;  // and not ready: contract/data-plane 3.4
    } else if (state_->is_present(*worker)) {
      ++out.idle;
      ++out.ready;
    }
  }
  return out;
}

const Worker* Engine::find_worker(const WorkerId& id) const {
  const auto found = state_->workers.find(id);
  return found == state_->workers.end() ? nullptr : &found->second->worker;
}

int Engine::stopping_workers() const {
  return static_cast<int>(
      std::ranges::count_if(state_->workers, [](const auto& entry) { return entry.second->stop_sent; }));
}

}  // namespace penstock::core
