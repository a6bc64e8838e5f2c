#include <algorithm>

#include "core/engine_state.h"

namespace penstock::core {
namespace {

void keep_least(std::optional<Millis>& least, Millis value) {
  least = std::max(least ? std::min(*least, value) : value, Millis{0});
}

}  // namespace

/// `at`: not before `now`. Ages grow with it; what is counted is as of the last command.
EndpointSituation EngineState::situation(const EndpointEntry& entry, Time at) const {
  EndpointSituation out;
  out.endpoint = entry.endpoint.id;
  out.facts = entry.wait_facts;
  out.stopping = shut_down;
  out.waits = entry.waiting.code;
  out.low_priority_waits = entry.low_priority_waiting.code;
  out.queued = entry.queue.normal_count();
  out.low_priority_queued = entry.queue.low_priority_count();
  out.in_progress = entry.in_progress;
  out.workers_min = entry.endpoint.workers_min;
  out.idle_timeout_s = entry.endpoint.idle_timeout_s;
  for (const JobEntry* job : {entry.queue.oldest_normal(), entry.queue.oldest_low_priority()}) {
    if (job) out.oldest_wait = std::max(out.oldest_wait.value_or(Millis{0}), at - job->state.queued);
  }
  const bool may_stop_idle = staff_of(entry).managed > entry.endpoint.workers_min && entry.queue.size() == 0;
  for (const WorkerEntry* worker : entry.workers) {
    for (const auto& [id, job] : worker->holding) {
      if (job->run_deadline) keep_least(out.first_end, *job->run_deadline - at);
    }
    if (!worker->holding.empty()) ++out.busy;
    if (!is_ready(*worker) || !is_present(*worker) || !worker->holding.empty()) continue;
    ++out.idle;
    const Time stops = worker->idle_since + std::chrono::seconds{entry.endpoint.idle_timeout_s};
    if (may_stop_idle && !worker->worker.external) keep_least(out.idle_stops_in, stops - at);
  }
  out.decided = decide(scale_inputs(entry));
  if (auto& later = out.decided->look_again_in) later = std::max(*later - (at - now), Millis{0});
  return out;
}

JobSituation EngineState::situation(const JobEntry& job, Time at) const {
  const JobState& state = job.state;
  JobSituation out;
  out.id = job.request.id;
  out.status = state.status;
  out.priority = job.request.priority;
  out.error = state.error;
  out.worker = state.worker;
  out.attempt = state.attempt;
  if (is_terminal(state.status)) {
    out.ended_ago = at - state.finished.value_or(at);
    const auto waited = delay_ms(state);
    const auto ran = execution_ms(state);
    if (waited) out.waited = Millis{*waited};
    if (ran && state.started) out.ran = Millis{*ran};
    return out;
  }
  out.wait = wait_reason(job);
  out.ttl_left = state.ttl_deadline - at;
  if (state.status == JobStatus::in_queue) {
    out.waited = at - state.queued;
  } else {
    out.ran = at - state.started.value_or(at);
    if (job.run_deadline) out.run_left = *job.run_deadline - at;
  }
  return out;
}

std::optional<EndpointId> Engine::endpoint_of(const AccountId& owner, const JobId& job) const {
  for (const EndpointEntry* entry : state_->endpoint_order) {
    if (entry->endpoint.owner == owner && entry->jobs.contains(job.str())) return entry->endpoint.id;
  }
  return std::nullopt;
}

Result<Why> Engine::why(Time now, const EndpointId& endpoint) const {
  const auto found = state_->endpoints.find(endpoint);
  if (found == state_->endpoints.end()) return fail(Errc::not_found, "endpoint \"" + endpoint.str() + "\" not found");
  return core::why(state_->situation(*found->second, std::max(now, state_->now)));
}

Result<Why> Engine::why(Time now, const EndpointId& endpoint, const JobId& job) const {
  if (const auto known = find_job(now, endpoint, job); !known) return tl::unexpected(known.error());
  const JobEntry& entry = *state_->find(endpoint, job);
  const Time at = std::max(now, state_->now);
  return core::why(state_->situation(entry, at), state_->situation(entry.endpoint, at));
}

}  // namespace penstock::core
