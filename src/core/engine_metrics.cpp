#include "core/engine_state.h"

// What is counted and shown, and changes nothing.

namespace penstock::core {
namespace {

WorkerStatus status_of(const WorkerEntry& entry) {
  if (entry.worker.draining || entry.stop_sent) return WorkerStatus::draining;
  if (!entry.holding.empty()) return WorkerStatus::running;
  if (EngineState::is_frozen(entry)) return WorkerStatus::frozen;
  return EngineState::is_ready(entry) ? WorkerStatus::idle : WorkerStatus::initializing;
}

}  // namespace

std::vector<WorkerView> Engine::workers_of(const EndpointId& endpoint) const {
  std::vector<WorkerView> out;
  const auto found = state_->endpoints.find(endpoint);
  if (found == state_->endpoints.end()) return out;
  for (const WorkerEntry* entry : found->second->workers) {
    out.push_back({entry->worker, status_of(*entry), static_cast<int>(entry->holding.size()), entry->frozen_memory});
  }
  return out;
}

std::vector<EndpointLoad> Engine::loads(Time now) const {
  std::vector<EndpointLoad> all;
  all.reserve(state_->endpoint_order.size());
  for (const EndpointEntry* entry : state_->endpoint_order) {
    EndpointLoad& load = all.emplace_back();
    load.id = entry->endpoint.id.str();
    load.jobs = entry->counters;
    load.in_queue = entry->queue.size();
    load.low_priority_queued = entry->queue.low_priority_count();
    load.batch_queued = entry->queue.batch_count();
    load.in_progress = entry->in_progress;
    for (const JobEntry* oldest : {entry->queue.oldest_normal(), entry->queue.oldest_low_priority()}) {
      if (oldest) load.oldest_wait = std::max(load.oldest_wait, now - oldest->state.queued);
    }
    for (const WorkerEntry* worker : entry->workers) ++load.workers[static_cast<std::size_t>(status_of(*worker))];
    load.throttled = entry->throttled;
    load.crashes_in_a_row = entry->crashes_in_a_row;
  }
  return all;
}

WebhookCounts Engine::webhook_counts() const {
  WebhookCounts counts = state_->webhook_counts;
  counts.pending = state_->deliveries.size();
  counts.in_flight = state_->webhooks_in_flight;
  return counts;
}

MemoryCounts Engine::memory_counts() const {
  MemoryCounts counts;
  for (const EndpointEntry* entry : state_->endpoint_order) counts.jobs += entry->jobs.size();
  counts.result_bytes = state_->resident_bytes;
  counts.waiting_callers = state_->waiters.size();
  return counts;
}

}  // namespace penstock::core
