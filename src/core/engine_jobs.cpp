#include <algorithm>

#include "core/engine_state.h"

namespace penstock::core {

JobView view_of(const JobEntry& job) {
  const JobState& state = job.state;
  return {job.request.id,      state.status,  job.output,   state.error, delay_ms(state),
          execution_ms(state), state.retries, state.worker, std::nullopt};
}

std::int64_t payload_bytes(const JobEntry& job) {
  std::size_t total = sizeof(JobEntry) + job.chunk_bytes;
  for (const Bytes* part : {&job.request.input, &job.request.s3_config, &job.output}) {
    if (*part) total += (*part)->size();
  }
  return static_cast<std::int64_t>(total);
}

// ---------------------------------------------------------------- a job's way through its states

JobEntry& EngineState::admit(EndpointEntry& entry, JobRequest&& request) {
  auto made = std::make_unique<JobEntry>(timers, entry, std::move(request));
  made->arrival = ++last_arrival;
  entry.last_request = std::max(entry.last_request, made->request.created);
  JobEntry& job = *made;
  if (const std::string& key = job.request.idempotency_key; !key.empty()) {
    const auto known = entry.keyed.find(key);
    const bool later = known == entry.keyed.end() || known->second->request.created <= job.request.created;
    if (later && known != entry.keyed.end()) entry.keyed.erase(known);
    if (later) entry.keyed.emplace(key, &job);
  }
  ENSURE(entry.jobs.emplace(job.request.id.str(), std::move(made)).second);
  return job;
}

void EngineState::changed(JobEntry& job, bool sets_output) {
  fx->records.emplace_back(std::in_place_type<JobChanged>, job.request.id, job.state, sets_output,
                           sets_output ? job.output : Bytes{}, job.request.endpoint, false, job.request.traceparent);
}

void EngineState::cursor_moved(JobEntry& job) {
  fx->records.push_back(
      JobChanged{job.request.id, job.state, false, {}, job.request.endpoint, true, job.request.traceparent});
}

void EngineState::enqueue(JobEntry& job) {
  job.state.status = JobStatus::in_queue;
  job.waiting_since = now;
  const bool in_batch = !job.request.batch.empty();
  job.place = JobQueue::Place{job.request.priority, job.state.queued, job.arrival, in_batch};
  job.endpoint.queue.add(&job, *job.place);
  if (in_batch) ++job.endpoint.batch_jobs_queued;
  count_input(job, 1);
  touch(job.endpoint);
}

void EngineState::leave_queue(JobEntry& job) {
  job.endpoint.queue.remove(*job.place);
  if (job.place->in_batch) --job.endpoint.batch_jobs_queued;
  count_input(job, -1);
  job.place.reset();
  touch(job.endpoint);
}

void EngineState::leave_worker(JobEntry& job) {
  WorkerEntry& worker = *workers.at(job.state.worker);
  worker.holding.erase(job.request.id.str());
  if (worker.holding.empty()) worker.idle_since = now;
  note_usage(worker);
  --job.endpoint.in_progress;
  if (BatchEntry* batch = batch_of(job)) --batch->in_progress;
  job.run_deadline.reset();
  touch(job.endpoint);
}

void EngineState::finalise(JobEntry& job, JobStatus status, Bytes output, std::optional<std::string> error) {
  ENSURE(is_terminal(status) && !is_terminal(job.state.status));
  const bool was_draft = job.state.status == JobStatus::in_queue && !job.place;  // of a batch
  if (job.place) leave_queue(job);
  if (job.state.status == JobStatus::in_progress) leave_worker(job);
  job.state.status = status;
  job.state.finished = now;
  job.state.error = std::move(error);
  job.state.expires = expiry(job);
  if (status == JobStatus::timed_out && settings.ttl_expiry_deletes) job.state.expires = now;
  job.output = std::move(output);
  job.timer.disarm();
  changed(job, true);
  Counters& counters = job.endpoint.counters;
  if (status == JobStatus::completed) ++counters.completed;
  if (status == JobStatus::failed || status == JobStatus::timed_out) ++counters.failed;
  fx->records.emplace_back(std::in_place_type<CountersSaved>, job.endpoint.endpoint.id, counters,
                           job.endpoint.last_request);
  answer_job_waiters(job);
  feed_streams(job);
  request_ended(job);
  if (!job.request.webhook.empty()) was_draft ? static_cast<void>(--webhooks_open) : announce_end(job);
  leave_unneeded_input(job.request, job.state);
  keep_resident(job);
}

void EngineState::lose_attempt(JobEntry& job, const std::string& why) {
  // An attempt that the end or a restart of this server cut short is not the job's fault, so it costs no try.
  const bool ours = shut_down || (job.state.started && *job.state.started < started);
  if (!ours && job.state.retries + 1 >= settings.attempts_max) {
    finalise(job, JobStatus::failed, nullptr, "job timed out after " + std::to_string(job.state.retries) + " retries");
    fx->warnings.push_back("job " + to_string(job.request.id) + " failed: lost with its worker too often (" + why +
                           ")");
    return;
  }
  if (is_given_up(job)) return finalise(job, JobStatus::cancelled, nullptr, std::nullopt);
  leave_worker(job);
  if (!ours) {
    ++job.state.retries;
    ++job.endpoint.counters.retried;
  }
  if (!job.chunks.empty()) fx->records.push_back(ChunksCleared{job.request.id});
  job.chunks.clear();
  job.chunk_bytes = 0;
  job.chunks_handed = job.state.chunks_delivered;
  job.written_ahead.clear();
  job.output = nullptr;
  enqueue(job);
  changed(job, true);
  if (!ours) {
    fx->records.push_back(CountersSaved{job.endpoint.endpoint.id, job.endpoint.counters, job.endpoint.last_request});
  }
  fx->notes.push_back("job " + to_string(job.request.id) + " goes back to the queue: " + why);
  arm(job);
}

Millis EngineState::execution_timeout(const JobEntry& job) const {
  if (job.request.execution_timeout) return *job.request.execution_timeout;
  if (job.endpoint.endpoint.execution_timeout_ms) return Millis{*job.endpoint.endpoint.execution_timeout_ms};
  return settings.execution_timeout;
}

/// Since its hand-out, without the time in which no server was there: nobody measured that, and a clock that was put
/// right meanwhile looks the same (docs/decisions/0028).
Millis EngineState::ran_for(const JobEntry& job) const {
  const Time started_at = *job.state.started;
  if (absences.empty()) return now - started_at;
  Millis ran{0};
  for (std::size_t i = absences.size(); i-- > 0;) {  // from the end of each server's life, the last one first
    const Time end = absences[i].from;
    const bool is_first = i == 0;
    const Time begin = is_first ? Time::min() : absences[i - 1].to;
    if (started_at >= begin && started_at <= end + kAbsenceBlur) return ran + std::max(end - started_at, Millis{0});
    if (!is_first) ran += end - begin;
  }
  return Millis{0};  // by a clock of which nothing is known
}

/// How long the result is kept (contract/data-plane 1.6).
Millis EngineState::retention(const JobEntry& job) const {
  const Endpoint& endpoint = job.endpoint.endpoint;
  const auto own = job.request.sync ? endpoint.retention_sync_s : endpoint.retention_async_s;
  if (own) return std::chrono::seconds{*own};
  return job.request.sync ? settings.retention_sync : settings.retention_async;
}

void EngineState::arm(JobEntry& job) {
  Time at = job.state.ttl_deadline;
  if (job.state.status == JobStatus::in_progress) {
    at = std::min(at, job.lease_until);
    if (job.run_deadline) at = std::min(at, *job.run_deadline);
  }
  job.timer.arm(at, &job);
}

void EngineState::job_due(JobEntry& job) {
  ENSURE(!is_terminal(job.state.status));
  const bool running = job.state.status == JobStatus::in_progress;
  WorkerEntry* worker = running ? workers.at(job.state.worker).get() : nullptr;
  if (now >= job.state.ttl_deadline) {
    if (running) signal_stop(*worker, job.request.id);
    finalise(job, JobStatus::timed_out, nullptr, "job expired before it was done: its time to live is over");
    return;
  }
  if (running && job.run_deadline && now >= *job.run_deadline) {
    signal_stop(*worker, job.request.id);
    finalise(job, JobStatus::failed, nullptr, "job timed out");
    drain(*worker, "a job ran into its execution timeout");
    return;
  }
  if (running && now >= job.lease_until) {
    const bool by_process = !worker->worker.external && !worker->last_ping;
    if (by_process) {  // it never pings: it lives as long as its process does (contract/data-plane 2.16)
      job.lease_until = now + lease();
    } else {
      const bool silent = !worker->last_ping || *worker->last_ping + lease() <= now;
      if (silent) job_died(*worker, job);
      lose_attempt(job, "worker " + worker->worker.id.str() + " no longer reports it");
      if (silent && !worker->worker.external) {
        drain(*worker, "it stopped answering");
        send_stop(*worker, Millis{0});
      }
      return;
    }
  }
  arm(job);
}

void EngineState::signal_stop(WorkerEntry& worker, const JobId& job) {
  worker.stopping.try_emplace(job, StopSignal{now, std::nullopt});
  tell_stops(worker);
}

void EngineState::keep_resident(JobEntry& job) {
  residents.insert(job.told ? residents.begin() : residents.end(), job);
  residents_told += job.told ? 1 : 0;
  resident_bytes += static_cast<std::size_t>(payload_bytes(job));
}

void EngineState::leave_residents(JobEntry& job) {
  resident_bytes -= static_cast<std::size_t>(payload_bytes(job));
  residents_told -= std::exchange(job.told, false) ? 1 : 0;
  residents.erase(residents.iterator_to(job));
}

/// Lets go of finished jobs, at the end of a turn: all that belong to it stay until then. A job whose end somebody
/// waited for and has been told is hardly asked for again; the store still has it.
void EngineState::trim_residents() {
  while (residents_told > 0) let_go(residents.front());
  while (residents.size() > 1 &&
         (residents.size() > settings.resident_jobs_max || resident_bytes > settings.resident_bytes_max)) {
    let_go(residents.front());
  }
}

void EngineState::let_go(JobEntry& job) {
  leave_residents(job);
  std::erase_if(unexplained, [&](Unexplained& waiting) {
    if (waiting.job != &job) return false;
    explain_and_send(waiting);  // before it is gone
    return true;
  });
  EndpointEntry& entry = job.endpoint;
  if (const std::string& key = job.request.idempotency_key; !key.empty()) {
    const auto keyed = entry.keyed.find(key);
    if (keyed != entry.keyed.end() && keyed->second == &job) entry.keyed.erase(keyed);
  }
  entry.jobs.erase(entry.jobs.find(job.request.id.str()));
}

WaitReason EngineState::wait_reason(const JobEntry& job) const {
  const EndpointEntry& entry = job.endpoint;
  if (job.state.status == JobStatus::in_progress) {
    return {WaitCode::running, explain(WaitCode::running, entry.wait_facts, false), *job.state.started};
  }
  const bool low = job.request.priority == Priority::low;
  if (!job.place) {
    return {WaitCode::batch_draft, explain(WaitCode::batch_draft, entry.wait_facts, low), job.request.created};
  }
  if (shut_down) {
    return {WaitCode::server_stopping, explain(WaitCode::server_stopping, entry.wait_facts, low),
            std::max(shut_down_at, job.waiting_since)};
  }
  const Waiting& waiting = low ? entry.low_priority_waiting : entry.waiting;
  return {*waiting.code, explain(*waiting.code, entry.wait_facts, low), std::max(waiting.since, job.waiting_since)};
}

// ---------------------------------------------------------------- waiting clients

void EngineState::answer_job_waiters(JobEntry& job) {
  const Waiters waiting = job.waiters;
  for (Waiter* waiter : waiting) {
    if (waiter->kind != Waiter::Kind::job) continue;
    job.told = is_terminal(job.state.status);
    reply_about(job, waiter->token, JobReply{view_of(job)});
    drop_waiter(*waiter);
  }
}

StreamPage EngineState::take_page(JobEntry& job) {
  StreamPage page;
  page.status = job.state.status;
  page.attempt = job.state.attempt;
  page.error = job.state.error;
  const int end = static_cast<int>(job.chunks.size());
  page.first = std::max(job.chunks_handed, job.state.chunks_delivered);
  if (page.first < end) {
    page.chunks.assign(job.chunks.begin() + page.first, job.chunks.end());
    job.chunks_handed = end;
  }
  return page;
}

ChunkPage chunk_page(const JobEntry& job, int from, std::size_t bytes_max) {
  const int end = static_cast<int>(job.chunks.size());
  ChunkPage page{view_of(job), from, {}, false};
  std::size_t bytes = 0;
  int next = std::min(from, end);
  while (next < end &&
         (page.chunks.empty() || bytes + job.chunks[static_cast<std::size_t>(next)]->size() <= bytes_max)) {
    const Bytes& chunk = job.chunks[static_cast<std::size_t>(next++)];
    bytes += chunk->size();
    page.chunks.push_back(chunk);
  }
  page.complete = is_terminal(job.state.status) && next == end;
  return page;
}

void EngineState::feed_streams(JobEntry& job) {
  const Waiters waiting = job.waiters;
  const bool terminal = is_terminal(job.state.status);
  const int end = static_cast<int>(job.chunks.size());
  for (Waiter* waiter : waiting) {
    if (waiter->kind == Waiter::Kind::stream) {
      if (!terminal && std::max(job.chunks_handed, job.state.chunks_delivered) >= end) continue;
      reply_about(job, waiter->token, take_page(job));
    } else if (waiter->kind == Waiter::Kind::chunks) {
      if (!terminal && waiter->from >= end) continue;
      reply_about(job, waiter->token, chunk_page(job, waiter->from, waiter->bytes_max));
    } else {
      continue;
    }
    drop_waiter(*waiter);
  }
}

// ---------------------------------------------------------------- commands of clients

void EngineState::on(Submit& c) {
  EndpointEntry* entry = endpoint_or_refuse(c.request.endpoint, c.to);
  if (!entry) return;
  if (!c.request.idempotency_key.empty()) {
    if (JobEntry* first = find_keyed(*entry, c.request.idempotency_key)) return answer_again(c, *first);
  }
  const std::int64_t queued = entry->queue.size() - entry->batch_jobs_queued;
  const std::int64_t room = std::max<std::int64_t>(
      settings.queue_jobs_min, std::int64_t{entry->endpoint.workers_max} * settings.queue_jobs_per_worker);
  if (queued > room) {
    reply_error(c.to, Errc::busy,
                "the queue is full: " + std::to_string(queued) + " jobs wait, more than " + std::to_string(room) +
                    " (the greater of " + std::to_string(settings.queue_jobs_min) + " and workersMax x " +
                    std::to_string(settings.queue_jobs_per_worker) + ") are not accepted; try again later");
    return;
  }
  const bool has_webhook = !c.request.webhook.empty();
  if (has_webhook && webhooks_open >= settings.webhooks_open_max) {
    reply_error(
        c.to, Errc::busy,
        "webhook: " + std::to_string(webhooks_open) +
            " jobs with a webhook are unfinished or not delivered yet, and no more are accepted; try again later, "
            "or submit without webhook");
    return;
  }
  if (has_webhook) ++webhooks_open;
  const std::string prefix = c.request.sync ? "sync-" : "";
  c.request.id = *JobId::parse(prefix + uuids.next(now) + "-u1");
  c.request.created = now;
  JobEntry& job = admit(*entry, std::move(c.request));
  Millis ttl = settings.ttl;
  if (entry->endpoint.request_ttl_ms) ttl = Millis{*entry->endpoint.request_ttl_ms};
  if (job.request.ttl) ttl = *job.request.ttl;
  job.state.queued = now;
  job.state.ttl_deadline = now + ttl;
  enqueue(job);
  arm(job);
  fx->records.emplace_back(std::in_place_type<JobAdded>, job.request, job.state);
  spare_input(job);
  if (!c.wait) {
    reply_about(job, c.to, JobAccepted{job.request.id, JobStatus::in_queue, std::nullopt});
  } else if (c.to != 0) {
    await(job, c.to, *c.wait);
  }
}

void EngineState::await(JobEntry& job, Token to, Millis wait) {
  Waiter& waiter = add_waiter(to, Waiter::Kind::job, shut_down ? now : now + wait);
  waiter.job = &job;
  job.waiters.push_back(&waiter);
}

/// The job of this idempotency key is there already. Its owner has brought its input back if it was in the store only.
void EngineState::answer_again(Submit& c, JobEntry& first) {
  if (*first.request.input != *c.request.input) {
    return reply_error(c.to, Errc::key_reused,
                       "idempotency key \"" + c.request.idempotency_key + "\" stands for job \"" +
                           to_string(first.request.id) +
                           "\", which has another input; use another key for another request");
  }
  const bool ended = is_terminal(first.state.status);
  if (!c.wait) return reply_about(first, c.to, JobAccepted{first.request.id, first.state.status, std::nullopt});
  if (ended || shut_down) return reply_about(first, c.to, JobReply{view_of(first)});
  if (c.to != 0) await(first, c.to, *c.wait);
}

void EngineState::on(AwaitJob& c) {
  JobEntry* job = job_or_refuse(c.endpoint, c.job, c.to);
  if (!job) return;
  if (is_terminal(job->state.status) || shut_down) {
    reply_about(*job, c.to, JobReply{view_of(*job)});
    return;
  }
  await(*job, c.to, c.wait);
}

void EngineState::on(ReadStream& c) {
  JobEntry* job = job_or_refuse(c.endpoint, c.job, c.to);
  if (!job) return;
  const int next = std::max(job->chunks_handed, job->state.chunks_delivered);
  if (is_terminal(job->state.status) || shut_down || next < static_cast<int>(job->chunks.size())) {
    reply_about(*job, c.to, take_page(*job));
    return;
  }
  Waiter& waiter = add_waiter(c.to, Waiter::Kind::stream, now + c.wait);
  waiter.job = job;
  job->waiters.push_back(&waiter);
}

void EngineState::on(ReadChunks& c) {
  JobEntry* job = job_or_refuse(c.endpoint, c.job, c.to);
  if (!job) return;
  c.from = std::max(c.from, 0);
  if (is_terminal(job->state.status) || shut_down || c.from < static_cast<int>(job->chunks.size())) {
    reply_about(*job, c.to, chunk_page(*job, c.from, c.bytes_max));
    return;
  }
  Waiter& waiter = add_waiter(c.to, Waiter::Kind::chunks, now + c.wait);
  waiter.job = job;
  waiter.from = c.from;
  waiter.bytes_max = c.bytes_max;
  job->waiters.push_back(&waiter);
}

void EngineState::on(StreamRead& c) {
  JobEntry* job = find(c.endpoint, c.job);
  if (!job || job->state.attempt != c.attempt) return;
  if (!job->state.started) return;  // a new life that nobody began: what was read was of the one before
  if (c.written) {
    // The cursor passes a chunk only when it and all before it were read: a page that failed is shown again.
    int& cursor = job->state.chunks_delivered;
    const int before = cursor;
    auto& ahead = job->written_ahead;
    ahead[c.first] = std::max(ahead[c.first], c.first + c.count);
    while (!ahead.empty() && ahead.begin()->first <= cursor) {
      cursor = std::max(cursor, ahead.begin()->second);
      ahead.erase(ahead.begin());
    }
    if (cursor != before) cursor_moved(*job);
  } else {
    job->chunks_handed = std::min(job->chunks_handed, std::max(c.first, job->state.chunks_delivered));
    feed_streams(*job);
  }
}

void EngineState::on(CancelJob& c) {
  JobEntry* job = job_or_refuse(c.endpoint, c.job, c.to);
  if (!job) return;
  if (!is_terminal(job->state.status)) {
    if (job->state.status == JobStatus::in_progress) signal_stop(*workers.at(job->state.worker), c.job);
    finalise(*job, JobStatus::cancelled, nullptr, std::nullopt);
  }
  reply_about(*job, c.to, JobReply{view_of(*job)});
}

void EngineState::on(RetryJob& c) {
  JobEntry* job = job_or_refuse(c.endpoint, c.job, c.to);
  if (!job) return;
  if (!may_be_retried(job->state.status)) {
    reply_error(c.to, Errc::conflict,
                "job \"" + to_string(c.job) + "\" is " + std::string(to_text(job->state.status)) +
                    "; only FAILED and TIMED_OUT jobs can be retried");
    return;
  }
  if (!job->request.webhook.empty()) ++webhooks_open;
  const Millis ttl = job->state.ttl_deadline - job->state.queued;
  leave_residents(*job);
  job->output = nullptr;
  if (!job->chunks.empty()) fx->records.push_back(ChunksCleared{c.job});
  job->chunks.clear();
  job->chunk_bytes = 0;
  job->chunks_handed = 0;
  job->written_ahead.clear();
  const int attempts = job->state.attempt;
  job->state = JobState{};
  job->state.attempt = attempts;  // goes on, so that nothing that is still on its way from before can name the new life
  job->state.queued = now;
  job->state.ttl_deadline = now + ttl;
  job->arrival = ++last_arrival;
  request_retried(*job);
  enqueue(*job);
  changed(*job, true);
  arm(*job);
  reply_about(*job, c.to, JobReply{view_of(*job)});
}

void EngineState::on(PurgeQueue& c) {
  EndpointEntry* entry = endpoint_or_refuse(c.endpoint, c.to);
  if (!entry) return;
  Purged purged;
  while (JobEntry* job = entry->queue.front(settings.priority_ageing)) {
    finalise(*job, JobStatus::cancelled, nullptr, std::nullopt);
    ++purged.removed;
  }
  reply(c.to, purged);
}

void EngineState::on(LowerTtl& c) {
  JobEntry* job = job_or_refuse(c.endpoint, c.job, c.to);
  if (!job) return;
  const bool is_draft = job->state.status == JobStatus::in_queue && !job->place;
  if (is_draft) {
    return reply_error(
        c.to, Errc::conflict,
        "job \"" + to_string(c.job) + "\" is in a draft batch; its time to live begins when that is finalized");
  }
  reply_about(*job, c.to, JobReply{view_of(*job)});
  if (is_terminal(job->state.status)) {
    job->state.expires = std::min(job->state.expires, now + c.ttl);
  } else {
    job->state.ttl_deadline = std::min(job->state.ttl_deadline, now + c.ttl);
    arm(*job);
  }
  changed(*job);
}

void EngineState::on(RecallJob& c) {
  const auto entry = endpoints.find(c.job.request.endpoint);
  if (entry == endpoints.end() || entry->second->jobs.contains(c.job.request.id.str())) return;
  bring_in(*entry->second, std::move(c.job));
}

void EngineState::bring_in(EndpointEntry& entry, StoredJob stored) {
  JobEntry& job = admit(entry, std::move(stored.request));
  job.state = std::move(stored.state);
  job.output = std::move(stored.output);
  job.chunks = std::move(stored.chunks);
  for (const Bytes& chunk : job.chunks) job.chunk_bytes += chunk->size();
  job.chunks_handed = job.state.chunks_delivered;
  if (is_terminal(job.state.status)) {
    keep_resident(job);
    return;
  }
  if (!job.request.webhook.empty()) ++webhooks_open;
  if (!recall_into_batch(job)) return;
  if (job.state.status == JobStatus::in_queue) {
    enqueue(job);
    spare_input(job);
    arm(job);
    return;
  }
  const auto worker = workers.find(job.state.worker);
  if (worker == workers.end() || worker->second->endpoint != &job.endpoint) {
    enqueue(job);
    if (is_given_up(job)) return finalise(job, JobStatus::cancelled, nullptr, std::nullopt);
    changed(job);
    arm(job);
    return;
  }
  ++job.endpoint.in_progress;
  if (BatchEntry* batch = batch_of(job)) ++batch->in_progress;
  worker->second->holding.emplace(job.request.id.str(), &job);
  job.lease_until = now + lease();
  const Millis limit = execution_timeout(job);
  if (limit.count() > 0) job.run_deadline = now + limit - std::clamp(ran_for(job), Millis{0}, limit);
  arm(job);
}

}  // namespace penstock::core
