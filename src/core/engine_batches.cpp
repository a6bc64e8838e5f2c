#include <algorithm>

#include "core/engine_state.h"

namespace penstock::core {

BatchEntry* EngineState::batch_of(const JobEntry& job) const {
  if (job.request.batch.empty()) return nullptr;
  const auto found = job.endpoint.batches.find(job.request.batch);
  return found == job.endpoint.batches.end() ? nullptr : found->second.get();
}

BatchEntry* EngineState::batch_or_refuse(const EndpointId& endpoint, const BatchId& batch, Token to) {
  EndpointEntry* entry = endpoint_or_refuse(endpoint, to);
  if (!entry) return nullptr;
  const auto found = entry->batches.find(batch);
  if (found != entry->batches.end()) return found->second.get();
  reply_error(to, Errc::not_found, "batch \"" + batch.str() + "\" not found in endpoint \"" + endpoint.str() + "\"");
  return nullptr;
}

BatchEntry* EngineState::draft_or_refuse(const EndpointId& endpoint, const BatchId& batch, Token to) {
  BatchEntry* entry = batch_or_refuse(endpoint, batch, to);
  if (!entry || entry->batch.status == BatchStatus::draft) return entry;
  reply_error(to, Errc::conflict,
              "batch \"" + batch.str() + "\" is " + std::string(to_text(entry->batch.status)) +
                  "; only a DRAFT can be changed");
  return nullptr;
}

/// A whole batch is kept together: what ended first is not forgotten before the last could have ended.
Time EngineState::expiry(const JobEntry& job) const {
  const Time from = job.request.batch.empty() ? now : std::max(now, job.state.ttl_deadline);
  return from + retention(job);
}

/// The batch was cancelled, so the job gets no other attempt.
bool EngineState::is_given_up(const JobEntry& job) const {
  const BatchEntry* entry = batch_of(job);
  return entry && entry->batch.cancel_asked && !entry->batch.ended;
}

std::optional<Error> EngineState::too_much(const Batch& batch, const std::vector<JobRequest>& requests) const {
  const std::size_t count = static_cast<std::size_t>(batch.requests) + requests.size();
  if (count > static_cast<std::size_t>(settings.batch_requests_max)) {
    return Error{Errc::invalid, "the batch would have " + std::to_string(count) + " requests; up to " +
                                    std::to_string(settings.batch_requests_max) +
                                    " are accepted (batches.requests_max): use several batches"};
  }
  std::int64_t bytes = batch.input_bytes;
  int webhooks = 0;
  for (const JobRequest& request : requests) {
    bytes += static_cast<std::int64_t>(request.input->size());
    webhooks += request.webhook.empty() ? 0 : 1;
  }
  if (bytes > settings.batch_bytes_max) {
    return Error{Errc::invalid, "the inputs of the batch would have " + std::to_string(bytes) + " bytes; up to " +
                                    std::to_string(settings.batch_bytes_max) +
                                    " are accepted (batches.input_mb): use several batches"};
  }
  if (webhooks > 0 && webhooks_open + webhooks > settings.webhooks_open_max) {
    return Error{Errc::busy, "webhook: " + std::to_string(webhooks_open) +
                                 " jobs with a webhook are unfinished or not delivered yet, and no more than " +
                                 std::to_string(settings.webhooks_open_max) + " are accepted; try again later"};
  }
  return std::nullopt;
}

std::vector<JobId> EngineState::add_requests(BatchEntry& entry, std::vector<JobRequest> requests) {
  std::vector<JobId> added;
  Batch& batch = entry.batch;
  batch.expires = now + settings.batch_draft_life;
  entry.timer.arm(batch.expires, &entry);
  for (JobRequest& request : requests) {
    request.id = *JobId::parse(uuids.next(now) + "-u1");
    request.endpoint = batch.endpoint;
    request.batch = batch.id;
    request.created = now;
    batch.input_bytes += static_cast<std::int64_t>(request.input->size());
    if (!request.webhook.empty()) ++webhooks_open;
    JobEntry& job = admit(entry.endpoint, std::move(request));
    job.state.queued = now;
    entry.unfinished.emplace(job.arrival, &job);
    fx->records.push_back(JobAdded{job.request, job.state});
    added.push_back(job.request.id);
  }
  batch.requests += static_cast<int>(added.size());
  save_batch(entry);
  return added;
}

void EngineState::save_batch(BatchEntry& entry) {
  fx->records.push_back(BatchSaved{entry.batch});
}

/// Something of it has ended, or it is no draft any more.
void EngineState::settle_batch(BatchEntry& entry) {
  Batch& batch = entry.batch;
  if (batch.status == BatchStatus::draft || !entry.unfinished.empty()) return;
  batch.ended = now;
  if (batch.cancel_asked) batch.status = BatchStatus::cancelled;
  entry.timer.arm(batch.expires, &entry);
}

void EngineState::request_ended(const JobEntry& job) {
  BatchEntry* entry = batch_of(job);
  if (!entry) return;
  Batch& batch = entry->batch;
  entry->unfinished.erase(job.arrival);
  ++(job.state.status == JobStatus::completed ? batch.completed : batch.failed);
  if (batch.status != BatchStatus::draft) batch.expires = std::max(batch.expires, job.state.expires);
  settle_batch(*entry);
  save_batch(*entry);
}

void EngineState::request_retried(JobEntry& job) {
  BatchEntry* entry = batch_of(job);
  if (!entry) return;
  --entry->batch.failed;
  entry->batch.ended.reset();
  entry->timer.disarm();
  entry->unfinished.emplace(job.arrival, &job);
  save_batch(*entry);
}

/// False: the job is in a draft, and so in no queue.
bool EngineState::recall_into_batch(JobEntry& job) {
  BatchEntry* entry = batch_of(job);
  if (!entry) return true;
  entry->unfinished.emplace(job.arrival, &job);
  return entry->batch.status != BatchStatus::draft;
}

void EngineState::restore_batches(std::vector<Batch> stored) {
  for (Batch& batch : stored) {
    const auto owner = endpoints.find(batch.endpoint);
    if (owner == endpoints.end()) continue;
    auto made = std::make_unique<BatchEntry>(timers, *owner->second);
    made->batch = std::move(batch);
    BatchEntry& entry = *made;
    if (entry.batch.status == BatchStatus::draft || entry.batch.ended) entry.timer.arm(entry.batch.expires, &entry);
    owner->second->batches.emplace(entry.batch.id, std::move(made));
  }
}

void EngineState::batch_due(BatchEntry& entry) {
  if (entry.batch.status == BatchStatus::draft) {
    fx->notes.push_back("batch " + entry.batch.id.str() + " is cancelled: nobody has changed or finalized it for long");
    return cancel_batch(entry);
  }
  fx->records.push_back(BatchRemoved{entry.batch.id});
  entry.endpoint.batches.erase(BatchId(entry.batch.id));
}

void EngineState::cancel_batch(BatchEntry& entry) {
  Batch& batch = entry.batch;
  batch.cancel_asked = now;
  batch.expires = now + settings.retention_async;
  const bool was_draft = batch.status == BatchStatus::draft;
  const auto unfinished = entry.unfinished;
  for (const auto& [arrival, job] : unfinished) {
    if (job->state.status == JobStatus::in_queue) finalise(*job, JobStatus::cancelled, nullptr, std::nullopt);
  }
  if (was_draft) batch.status = BatchStatus::cancelled;
  if (!batch.ended) settle_batch(entry);
  save_batch(entry);
}

// ---------------------------------------------------------------- commands

void EngineState::on(CreateBatch& c) {
  EndpointEntry* owner = endpoint_or_refuse(c.endpoint, c.to);
  if (!owner) return;
  const auto active = std::ranges::count_if(owner->batches, [](const auto& one) { return !one.second->batch.ended; });
  if (active >= settings.batches_active_max) {
    return reply_error(c.to, Errc::busy,
                       "endpoint \"" + c.endpoint.str() + "\" has " + std::to_string(active) +
                           " batches that are drafts or have not ended, and no more than " +
                           std::to_string(settings.batches_active_max) +
                           " are accepted (batches.active_max): finish or cancel one first");
  }
  if (owner->batches.size() >= static_cast<std::size_t>(settings.batches_kept_max)) {
    return reply_error(c.to, Errc::busy,
                       "endpoint \"" + c.endpoint.str() + "\" keeps " + std::to_string(owner->batches.size()) +
                           " batches, and no more are accepted; those that ended are forgotten with their results");
  }
  Batch batch;
  batch.id = *BatchId::parse("batch_" + uuids.next(now));
  batch.endpoint = c.endpoint;
  batch.created = now;
  if (auto refused = too_much(batch, c.requests)) return reply_error(c.to, refused->code, refused->message);
  auto made = std::make_unique<BatchEntry>(timers, *owner);
  made->batch = batch;
  BatchEntry& entry = *owner->batches.emplace(batch.id, std::move(made)).first->second;
  auto added = add_requests(entry, std::move(c.requests));
  reply(c.to, BatchReply{{entry.batch, 0}, std::move(added)});
}

void EngineState::on(RenameBatch& c) {
  BatchEntry* entry = batch_or_refuse(c.endpoint, c.batch, c.to);
  if (!entry) return;
  entry->batch.name = std::move(c.name);
  save_batch(*entry);
  reply(c.to, BatchReply{{entry->batch, entry->in_progress}, {}});
}

void EngineState::on(AddToBatch& c) {
  BatchEntry* entry = draft_or_refuse(c.endpoint, c.batch, c.to);
  if (!entry) return;
  if (auto refused = too_much(entry->batch, c.requests)) return reply_error(c.to, refused->code, refused->message);
  auto added = add_requests(*entry, std::move(c.requests));
  reply(c.to, BatchReply{{entry->batch, 0}, std::move(added)});
}

void EngineState::on(RemoveFromBatch& c) {
  BatchEntry* entry = draft_or_refuse(c.endpoint, c.batch, c.to);
  if (!entry) return;
  JobEntry* job = find(entry->endpoint, c.job);
  if (!job || job->request.batch != c.batch || is_terminal(job->state.status)) {
    return reply_error(
        c.to, Errc::not_found,
        "request \"" + to_string(c.job) + "\" not found in batch \"" + c.batch.str() + "\", or it was cancelled");
  }
  // As if it had never been added: it is not counted, not told, and forgotten at once.
  Batch& batch = entry->batch;
  --batch.requests;
  // Of one whose input was left to the store the size is not known: the batch may seem larger than it is.
  if (job->request.input) batch.input_bytes -= static_cast<std::int64_t>(job->request.input->size());
  batch.expires = now + settings.batch_draft_life;
  entry->timer.arm(batch.expires, entry);
  entry->unfinished.erase(job->arrival);
  if (!job->request.webhook.empty()) --webhooks_open;
  job->state.status = JobStatus::cancelled;
  job->state.finished = now;
  job->state.expires = now;
  changed(*job);
  answer_job_waiters(*job);
  feed_streams(*job);
  keep_resident(*job);
  save_batch(*entry);
  reply(c.to, BatchReply{{batch, 0}, {}});
}

void EngineState::on(FinalizeBatch& c) {
  BatchEntry* entry = batch_or_refuse(c.endpoint, c.batch, c.to);
  if (!entry) return;
  Batch& batch = entry->batch;
  if (batch.status == BatchStatus::finalized) return reply(c.to, BatchReply{{batch, entry->in_progress}, {}});
  if (!draft_or_refuse(c.endpoint, c.batch, c.to)) return;
  if (entry->unfinished.empty()) {
    return reply_error(c.to, Errc::conflict,
                       "batch \"" + c.batch.str() + "\" has no requests to run: add some, or cancel it");
  }
  const std::int64_t queued = entry->endpoint.batch_jobs_queued + static_cast<std::int64_t>(entry->unfinished.size());
  if (queued > settings.batch_queue_max) {
    return reply_error(c.to, Errc::busy,
                       "with this batch, " + std::to_string(queued) +
                           " requests of batches would wait in this endpoint; up to " +
                           std::to_string(settings.batch_queue_max) +
                           " are accepted (batches.queue_max): try again when some have ended");
  }
  batch.status = BatchStatus::finalized;
  batch.finalized = now;
  batch.expires = now;
  entry->timer.disarm();
  const Endpoint& endpoint = entry->endpoint.endpoint;
  const Millis ttl = endpoint.request_ttl_ms ? Millis{*endpoint.request_ttl_ms} : settings.ttl;
  for (const auto& [arrival, job] : entry->unfinished) {
    job->state.queued = now;
    job->state.ttl_deadline = now + job->request.ttl.value_or(ttl);
    enqueue(*job);
    spare_input(*job);
    arm(*job);
    changed(*job);
  }
  save_batch(*entry);
  reply(c.to, BatchReply{{batch, 0}, {}});
}

void EngineState::on(CancelBatch& c) {
  BatchEntry* entry = batch_or_refuse(c.endpoint, c.batch, c.to);
  if (!entry) return;
  if (!entry->batch.ended && !entry->batch.cancel_asked) cancel_batch(*entry);
  reply(c.to, BatchReply{{entry->batch, entry->in_progress}, {}});
}

}  // namespace penstock::core
