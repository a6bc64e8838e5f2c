#include <algorithm>

#include "core/engine_state.h"

namespace penstock::core {

// FLASHBOOT: an idle worker is frozen instead of ended, and thawed for the next job. A frozen worker is no capacity:
// the scaler does not see it, and takes it before it starts another. It counts for workersMax, and gives way when its
// place is needed.

bool EngineState::is_frozen(const WorkerEntry& worker) {
  return worker.worker.frozen && !worker.worker.draining && !worker.stop_sent;
}

/// Whether the endpoint's idle workers are frozen at all.
bool EngineState::freezes(const EndpointEntry& entry) const {
  return entry.endpoint.flash_boot != FlashBoot::off && settings.frozen_for > Millis{0} && settings.frozen_max > 0;
}

/// Its idle time-out is over. False: it is looked at again, since it asks for no job just now.
bool EngineState::retire(WorkerEntry& worker) {
  EndpointEntry& entry = *worker.endpoint;
  const std::string idle = "idle for " + std::to_string(entry.endpoint.idle_timeout_s) + " s";
  if (!freezes(entry) || worker.cannot_freeze || !worker.stopping.empty()) {
    drain(worker, idle);
    return true;
  }
  // Between two polls it may be at work for itself: only with an open one it surely waits.
  const Time patience_end = std::max(worker.idle_since, worker.polled) + lease();
  if (!worker.take_poll && now < patience_end) {
    look_again(entry, patience_end);
    return false;
  }
  if (!worker.take_poll) {
    drain(worker, idle + ", and it asks for no job");
    return true;
  }
  freeze(worker, idle);
  return true;
}

void EngineState::freeze(WorkerEntry& worker, const std::string& why) {
  worker.worker.frozen = now;
  worker.frozen_memory.reset();
  frozen.push_back(&worker);
  // Its open poll stays: a job that comes while the worker still waits for the answer can go right into it.
  std::erase(worker.endpoint->polling, &worker);
  const Time poll_end = worker.take_poll->since + settings.frozen_poll_hold;
  if (poll_end <= now) {
    waiter_due(*worker.take_poll);
  } else {
    worker.take_poll->timer.arm(poll_end, worker.take_poll);
  }
  note_usage(worker);
  fx->records.push_back(WorkerSaved{worker.worker});
  fx->orders.push_back(FreezeWorker{worker.worker.id});
  fx->notes.push_back("worker " + worker.worker.id.str() + " is frozen: " + why);
  touch(*worker.endpoint);
  offer(*worker.endpoint, worker);
  if (static_cast<int>(frozen.size()) > settings.frozen_max) {
    drain(*frozen.front(), "more than " + std::to_string(settings.frozen_max) + " workers are frozen");
  }
}

void EngineState::thaw(WorkerEntry& worker) {
  EndpointEntry& entry = *worker.endpoint;
  std::erase(frozen, &worker);
  worker.worker.frozen.reset();
  if (worker.worker.gpu_parked) {
    step_back(entry);
    worker.worker.placement = fleet.restore(worker.worker.placement);
  }
  worker.worker.gpu_parked = false;
  worker.idle_since = now;
  worker.polled = now;
  begin_start(entry, worker.worker, StartKind::thawed);
  if (worker.take_poll) {
    entry.polling.push_back(&worker);
    note_first_poll(worker);
  }
  note_usage(worker);
  fx->records.push_back(WorkerSaved{worker.worker});
  fx->orders.push_back(ThawWorker{worker.worker.id});
  fx->notes.push_back("worker " + worker.worker.id.str() + " of endpoint " + entry.endpoint.id.str() + " is thawed");
  touch(entry);
}

/// Thaws the one that will be quickest: one whose poll is still open, then the one that was frozen last. False: there
/// is none, or none whose GPUs are free.
bool EngineState::thaw_one(EndpointEntry& entry) {
  WorkerEntry* best = nullptr;
  const auto rank = [](const WorkerEntry& w) { return std::pair(w.take_poll != nullptr, *w.worker.frozen); };
  for (WorkerEntry* worker : entry.workers) {
    if (!is_frozen(*worker)) continue;
    if (worker->worker.gpu_parked && !may_unpark(entry, *worker)) continue;
    if (!best || rank(*worker) >= rank(*best)) best = worker;
  }
  if (!best) return false;
  thaw(*best);
  return true;
}

/// Its GPUs are free, and nobody is before its endpoint in the line for them.
bool EngineState::may_unpark(EndpointEntry& entry, const WorkerEntry& worker) const {
  return fleet.is_free(worker.worker.placement) && !kept_for(entry, placement_wish(entry));
}

void EngineState::review_frozen(WorkerEntry& worker) {
  EndpointEntry& entry = *worker.endpoint;
  if (!freezes(entry)) return drain(worker, "FLASHBOOT is off");
  const Time end = *worker.worker.frozen + settings.frozen_for;
  if (now < end) return look_again(entry, end);
  drain(worker, "frozen for " + std::to_string(settings.frozen_for.count() / 1000) + " s");
}

/// A thawed worker asks for a job at once, or not at all.
void EngineState::review_thawed(WorkerEntry& worker) {
  const Time end = std::max(*worker.worker.start.placed, started) + lease();
  if (now < end) return look_again(*worker.endpoint, end);
  drain(worker, "it asked for no job after it was thawed", Millis{0});
}

/// Before another one is started: frozen workers that cannot be thawed, since others have their GPUs, give way to it.
void EngineState::keep_within_max(EndpointEntry& entry) {
  const Staff staff = staff_of(entry);
  int surplus = staff.managed + staff.frozen + 1 - entry.endpoint.workers_max;
  for (WorkerEntry* worker : entry.workers) {
    if (surplus <= 0) return;
    if (!is_frozen(*worker)) continue;
    drain(*worker, "its GPUs are taken, and the endpoint needs a worker", Millis{0});
    --surplus;
  }
}

void EngineState::on(WorkerFrozen& c) {
  const auto found = workers.find(c.worker);
  if (found == workers.end()) return;
  WorkerEntry& worker = *found->second;
  if (!is_frozen(worker)) return;  // it was thawed, or told to stop, meanwhile
  worker.frozen_memory = c.memory;
  if (!c.gpu_parked || worker.worker.gpu_parked) return;
  worker.worker.gpu_parked = true;
  fleet.release(worker.worker.placement);
  fx->records.push_back(WorkerSaved{worker.worker});
  share_due = true;
}

void EngineState::on(WorkerFreezeFailed& c) {
  const auto found = workers.find(c.worker);
  if (found == workers.end()) return;
  WorkerEntry& worker = *found->second;
  worker.cannot_freeze = true;
  if (is_frozen(worker)) drain(worker, "it cannot be frozen: " + c.reason);
}

void EngineState::on(WorkerThawed& c) {
  const auto found = workers.find(c.worker);
  if (found == workers.end() || found->second->worker.start.kind != StartKind::thawed) return;
  Worker& worker = found->second->worker;
  if (worker.frozen) return;  // again, meanwhile
  launched(worker, c.took);
  fx->records.push_back(WorkerSaved{worker});
}

void EngineState::check_frozen() const {
  for (const WorkerEntry* worker : frozen) {
    ENSURE(is_frozen(*worker) && worker->holding.empty() && worker->endpoint);
    ENSURE(std::ranges::find(worker->endpoint->polling, worker) == worker->endpoint->polling.end());
  }
  const auto count =
      std::ranges::count_if(workers, [](const auto& w) { return w.second->endpoint && is_frozen(*w.second); });
  ENSURE(count == static_cast<std::ptrdiff_t>(frozen.size()));
}

}  // namespace penstock::core
