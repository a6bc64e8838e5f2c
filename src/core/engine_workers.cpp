#include <algorithm>

#include "core/engine_state.h"

namespace penstock::core {

WorkerEntry& EngineState::add_worker(Worker worker, EndpointEntry& entry) {
  auto made = std::make_unique<WorkerEntry>();
  made->worker = std::move(worker);
  made->endpoint = &entry;
  made->idle_since = now;
  made->last_contact = now;
  WorkerEntry& added = *made;
  entry.workers.push_back(&added);
  entry.staff.reset();
  if (!added.worker.external) meter_begins(added, now);
  fx->records.push_back(WorkerSaved{added.worker});
  workers.emplace(added.worker.id, std::move(made));
  return added;
}

void EngineState::heard_from(WorkerEntry& worker) {
  worker.last_contact = now;
}

/// The worker is gone: its jobs go to others, its GPUs are free, its polls are answered.
void EngineState::forget_worker(WorkerEntry& worker) {
  answer_polls(worker);
  while (!worker.holding.empty()) {
    job_died(worker, *worker.holding.begin()->second);
    lose_attempt(*worker.holding.begin()->second, "worker " + worker.worker.id.str() + " is gone");
  }
  meter_ends(worker);
  if (!worker.worker.gpu_parked) fleet.release(worker.worker.placement);
  std::erase(frozen, &worker);
  if (worker.endpoint) {
    std::erase(worker.endpoint->workers, &worker);
    touch(*worker.endpoint);
  }
  fx->records.push_back(WorkerRemoved{worker.worker.id, worker.worker.endpoint});
  workers.erase(WorkerId(worker.worker.id));
  share_due = true;
}

void EngineState::answer_polls(WorkerEntry& worker) {
  if (worker.take_poll) waiter_due(*worker.take_poll);
  if (worker.stop_poll) waiter_due(*worker.stop_poll);
}

/// Answers the open job-stop poll if there is something to tell now.
bool EngineState::tell_stops(WorkerEntry& worker) {
  if (!worker.stop_poll) return false;
  StopList list;
  for (auto& [job, signal] : worker.stopping) {
    if (signal.told && *signal.told + settings.job_stop_repeat > now) continue;
    signal.told = now;
    list.jobs.push_back(job);
  }
  if (list.jobs.empty()) return false;
  reply(worker.stop_poll->token, std::move(list));
  drop_waiter(*worker.stop_poll);
  return true;
}

void EngineState::refuse_unknown_worker(Token to, const WorkerId& worker) {
  if (to == 0) return;
  Waiter& waiter = add_waiter(to, Waiter::Kind::refusal, shut_down ? now : now + settings.unknown_worker_hold);
  waiter.refusal =
      Error{Errc::not_found, "worker \"" + worker.str() + "\" is not (or no longer) a worker of this endpoint"};
}

void EngineState::on(TakeJobs& c) {
  WorkerEntry* worker = worker_of(c.endpoint, c.worker);
  if (!worker) return refuse_unknown_worker(c.to, c.worker);
  heard_from(*worker);
  if (note_first_poll(*worker)) {
    if (!worker->worker.ready) worker->worker.ready = now;
    note_usage(*worker);
    worker->idle_since = now;
    worker->endpoint->crashes_in_a_row = 0;
    if (!worker->worker.external) worker->endpoint->outcome.ready.push_back(now - worker->worker.created);
    worker->endpoint->backoff_until.reset();
    touch(*worker->endpoint);
    fx->records.push_back(WorkerSaved{worker->worker});
    fx->notes.push_back("worker " + c.worker.str() + " of endpoint " + c.endpoint.str() + " is ready");
  }
  if (!c.says_busy && worker->holding.empty()) worker->stopping.clear();
  if (worker->take_poll) waiter_due(*worker->take_poll);
  if (worker->stop_sent || shut_down) return reply(c.to, HandOuts{});
  Waiter& waiter = add_waiter(c.to, Waiter::Kind::take, now + settings.poll_hold);
  waiter.worker = worker;
  waiter.max_jobs = std::max(1, c.max_jobs);
  worker->take_poll = &waiter;
  if (is_frozen(*worker)) {  // it was on its way when the worker was stopped
    waiter.timer.arm(now + settings.frozen_poll_hold, &waiter);
    return;
  }
  worker->endpoint->polling.push_back(worker);
  touch(*worker->endpoint);
}

void EngineState::on(HandOutLost& c) {
  for (const auto& [id, attempt] : c.jobs) {
    JobEntry* job = find(c.endpoint, id);
    if (!job || job->state.status != JobStatus::in_progress) continue;
    if (job->state.worker != c.worker || job->state.attempt != attempt) continue;
    leave_worker(*job);
    --job->state.attempt;
    job->state.started.reset();
    job->state.worker = WorkerId{};
    enqueue(*job);
    if (is_given_up(*job)) {
      finalise(*job, JobStatus::cancelled, nullptr, std::nullopt);
      continue;
    }
    changed(*job);
    arm(*job);
  }
}

void EngineState::on(PollStops& c) {
  WorkerEntry* worker = worker_of(c.endpoint, c.worker);
  if (!worker) return refuse_unknown_worker(c.to, c.worker);
  heard_from(*worker);
  if (worker->stop_poll) waiter_due(*worker->stop_poll);
  if (worker->stop_sent || shut_down) return reply(c.to, StopList{});
  Waiter& waiter = add_waiter(c.to, Waiter::Kind::stops, now + settings.poll_hold);
  waiter.worker = worker;
  worker->stop_poll = &waiter;
  if (!tell_stops(*worker) && !worker->stopping.empty()) touch(*worker->endpoint);  // to tell them again in time
}

void EngineState::on(FinishJob& c) {
  WorkerEntry* worker = worker_of(c.endpoint, c.worker);
  if (worker) {
    heard_from(*worker);
    worker->stopping.erase(c.job);
  }
  JobEntry* job = worker ? find(*worker->endpoint, c.job) : find(c.endpoint, c.job);
  // The fence: only the holder of the latest hand-out is heard, and only until somebody else got the job. A result that
  // comes after its lease ended is still good while the job waits for its next attempt.
  const bool current =
      job && job->state.worker == c.worker && job->state.attempt > 0 && !is_terminal(job->state.status);
  if (current) {
    const JobStatus status = c.error ? JobStatus::failed : JobStatus::completed;
    if (worker) worker->finished_a_job = true;
    if (worker && !c.error) gpu_health.job_ended_well(worker->worker.placement, c.endpoint);
    finalise(*job, status, std::move(c.output), std::move(c.error));
  }
  if (worker && c.recycle_worker && !worker->worker.external) drain(*worker, "it asked to be replaced");
  reply(c.to, Done{});
}

void EngineState::on(ReportProgress& c) {
  if (WorkerEntry* worker = worker_of(c.endpoint, c.worker)) heard_from(*worker);
  JobEntry* job = find(c.endpoint, c.job);
  if (job && job->state.status == JobStatus::in_progress && job->state.worker == c.worker) {
    job->output = std::move(c.output);
    job->lease_until = now + lease();
    arm(*job);
    changed(*job, true);
  }
  reply(c.to, Done{});
}

void EngineState::on(AddChunk& c) {
  if (WorkerEntry* worker = worker_of(c.endpoint, c.worker)) heard_from(*worker);
  JobEntry* job = find(c.endpoint, c.job);
  reply(c.to, Done{});
  if (!job || job->state.status != JobStatus::in_progress || job->state.worker != c.worker) return;
  const bool full = job->chunk_bytes + c.chunk->size() > settings.stream_bytes_max ||
                    static_cast<int>(job->chunks.size()) >= settings.stream_chunks_max;
  if (full) {
    signal_stop(*workers.at(c.worker), c.job);
    finalise(*job, JobStatus::failed, nullptr,
             "the stream of this job is larger than this server keeps (" + std::to_string(settings.stream_bytes_max) +
                 " bytes or " + std::to_string(settings.stream_chunks_max) + " chunks)");
    return;
  }
  fx->records.push_back(ChunkAdded{c.job, static_cast<int>(job->chunks.size()), c.chunk});
  job->chunk_bytes += c.chunk->size();
  job->chunks.push_back(std::move(c.chunk));
  job->lease_until = now + lease();
  arm(*job);
  feed_streams(*job);
}

void EngineState::on(Ping& c) {
  WorkerEntry* worker = worker_of(c.endpoint, c.worker);
  if (!worker) return;
  heard_from(*worker);
  worker->last_ping = now;
  if (c.unhealthy) {
    fx->warnings.push_back("worker " + c.worker.str() + " says it is unhealthy: " + *c.unhealthy);
    return;
  }
  for (const JobId& id : c.jobs) {
    const auto held = worker->holding.find(id.str());
    if (held == worker->holding.end()) continue;  // SDKs of 1.7.11 to 1.10 list other workers' jobs (2.14)
    held->second->lease_until = now + lease();
    arm(*held->second);
  }
  std::erase_if(worker->stopping,
                [&](const auto& signal) { return std::ranges::find(c.jobs, signal.first) == c.jobs.end(); });
  if (worker->endpoint) touch(*worker->endpoint);
}

void EngineState::on(AttachWorker& c) {
  EndpointEntry* entry = endpoint_or_refuse(c.endpoint, c.to);
  if (!entry) return;
  const auto attached = std::ranges::count_if(entry->workers, [](const WorkerEntry* w) { return w->worker.external; });
  if (attached >= settings.external_workers_max) {
    return reply_error(c.to, Errc::busy,
                       "endpoint \"" + c.endpoint.str() + "\" already has " + std::to_string(attached) +
                           " attached workers; detach one first");
  }
  Worker worker;
  worker.id = *WorkerId::parse(random_alphanumeric(random, 14));
  worker.endpoint = c.endpoint;
  worker.release = entry->endpoint.version;
  worker.external = true;
  worker.created = now;
  worker.start.kind = StartKind::attached;
  reply(c.to, WorkerAttached{add_worker(std::move(worker), *entry).worker.id});
  touch(*entry);
}

void EngineState::on(DetachWorker& c) {
  if (!endpoint_or_refuse(c.endpoint, c.to)) return;
  WorkerEntry* worker = worker_of(c.endpoint, c.worker);
  if (!worker || !worker->worker.external) {
    return reply_error(c.to, Errc::not_found, "no attached worker \"" + c.worker.str() + "\" in this endpoint");
  }
  forget_worker(*worker);
  reply(c.to, Done{});
}

void EngineState::on(WorkerStarted& c) {
  const auto found = workers.find(c.worker);
  if (found == workers.end()) return;
  Worker& worker = found->second->worker;
  worker.launch_handle = c.handle;
  worker.start.kind = c.kind;
  launched(worker, c.took);
  fx->records.push_back(WorkerSaved{worker});
}

void EngineState::on(WorkerStartFailed& c) {
  const auto found = workers.find(c.worker);
  if (found == workers.end()) return;
  WorkerEntry& worker = *found->second;
  if (worker.endpoint) crashed(*worker.endpoint, worker, c.reason);
  forget_worker(worker);
}

void EngineState::on(WorkerExited& c) {
  const auto found = workers.find(c.worker);
  if (found == workers.end()) return;
  WorkerEntry& worker = *found->second;
  const bool proven = worker.finished_a_job || worker.worker.frozen || worker.worker.start.kind == StartKind::thawed;
  if (worker.endpoint && !worker.stop_sent && !proven) {
    crashed(*worker.endpoint, worker, c.cause);
  } else {
    fx->notes.push_back("worker " + c.worker.str() + " ended: " + c.cause);
  }
  forget_worker(worker);
}

}  // namespace penstock::core
