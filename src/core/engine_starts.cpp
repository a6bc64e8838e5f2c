#include <algorithm>

#include "core/engine_state.h"

namespace penstock::core {

// The phases of a worker's start, as they come to be known.

/// The order for it is about to be given.
void EngineState::begin_start(EndpointEntry& entry, Worker& worker, StartKind kind) {
  worker.start = {};
  worker.start.kind = kind;
  worker.start.decided = entry.wanting_since.value_or(now);
  worker.start.placed = now;
}

/// The launcher has done its part, and was at it for `took`.
void EngineState::launched(Worker& worker, Millis took) {
  worker.start.launched = std::max(now - std::max(took, Millis{0}), worker.start.placed.value_or(now - took));
  worker.start.up = now;
}

/// It asked for a job for the first time since it was started. True when that is so.
bool EngineState::note_first_poll(WorkerEntry& worker) {
  WorkerStart& start = worker.worker.start;
  if (start.polled) return false;
  start.polled = now;
  worker.endpoint->starts.add_ready(start);
  return true;
}

void EngineState::note_first_job(WorkerEntry& worker) {
  WorkerStart& start = worker.worker.start;
  if (start.job) return;
  start.job = now;
  worker.endpoint->starts.add_job(start);
  fx->records.push_back(WorkerSaved{worker.worker});
}

/// What the workers that are still there say of the time before the server was restarted.
void EngineState::recall_start(EndpointEntry& entry, Worker& worker) {
  WorkerStart& start = worker.start;
  if (worker.ready && !start.polled && start.kind != StartKind::thawed) start.polled = worker.ready;
  if (!start.polled) return;
  entry.starts.add_ready(start);
  if (start.job) entry.starts.add_job(start);
}

std::vector<StartFigures> Engine::starts_of(const EndpointId& endpoint) const {
  const auto found = state_->endpoints.find(endpoint);
  return found == state_->endpoints.end() ? std::vector<StartFigures>{} : found->second->starts.figures();
}

}  // namespace penstock::core
