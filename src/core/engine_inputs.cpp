// The memory that queued jobs take: beyond a budget their inputs are in the store only, and come back before the jobs'
// turn. docs/decisions/0027.

#include "core/engine_state.h"

namespace penstock::core {
namespace {

constexpr Millis kReadAgain{1'000};

std::size_t size_of(const Bytes& payload) {
  return payload ? payload->size() : 0;
}

std::size_t input_bytes(const JobEntry& job) {
  return size_of(job.request.input) + size_of(job.request.s3_config);
}

}  // namespace

/// It is in its endpoint's queue now, or (`sign` -1) no longer.
void EngineState::count_input(const JobEntry& job, int sign) {
  if (!job.request.input) {
    job.endpoint.inputs_away += sign;
  } else if (sign > 0) {
    queued_bytes += input_bytes(job);
  } else {
    queued_bytes -= input_bytes(job);
  }
}

/// Leaves the input of a queued job, which the store has or is about to have, to the store. A webhook tells the input,
/// so a job that has one keeps it. So does one that is handed out at once.
void EngineState::spare_input(JobEntry& job) {
  if (queued_bytes <= settings.queued_bytes_max || !job.request.webhook.empty()) return;
  EndpointEntry& entry = job.endpoint;
  if (entry.queue.size() == 1 && !entry.polling.empty()) return;
  count_input(job, -1);
  job.request.input = nullptr;
  job.request.s3_config = nullptr;
  count_input(job, 1);
}

/// Has the inputs of the jobs that are next read, while some that are there are left: workers then wait for no disk.
void EngineState::read_ahead(EndpointEntry& entry) {
  if (entry.inputs_away == 0 || entry.reading || entry.workers.empty()) return;
  if (now < entry.read_again) return look_again(entry, entry.read_again);
  const JobEntry* front = entry.queue.front(settings.priority_ageing);
  if (front->request.input && entry.inputs_ahead > settings.read_ahead_jobs / 2) return;
  ReadInputs wanted{entry.endpoint.id, {}, settings.read_ahead_bytes};
  entry.inputs_ahead = 0;
  for (const JobEntry* job : entry.queue.first(settings.read_ahead_jobs, settings.priority_ageing)) {
    if (!job->request.input) {
      wanted.jobs.push_back(job->request.id);
    } else if (wanted.jobs.empty()) {
      ++entry.inputs_ahead;
    }
  }
  if (wanted.jobs.empty()) return;
  entry.reading = true;
  fx->reads.push_back(std::move(wanted));
}

void EngineState::on(InputsRead& c) {
  const auto found = endpoints.find(c.endpoint);
  if (found == endpoints.end()) return;
  EndpointEntry& entry = *found->second;
  if (c.ahead) {
    entry.reading = false;
    entry.inputs_ahead = 0;  // counted again
  }
  touch(entry);
  if (c.problem) {
    entry.read_again = now + kReadAgain;
    fx->warnings.push_back("inputs of queued jobs of endpoint " + c.endpoint.str() + " cannot be read: " + *c.problem);
  }
  for (JobInput& read : c.inputs) {
    JobEntry* job = find(entry, read.job);
    if (!job || job->request.input || !needs_input(job->request, job->state)) continue;
    if (!read.input) {
      fx->warnings.push_back("job " + to_string(read.job) + " fails: its input is not in the store");
      if (!is_terminal(job->state.status)) {
        finalise(*job, JobStatus::failed, nullptr, "the input of this job is no longer in the store of this server");
      }
      continue;
    }
    const bool queued = job->place.has_value();
    if (queued) count_input(*job, -1);
    job->request.input = std::move(read.input);
    job->request.s3_config = std::move(read.s3_config);
    if (queued) count_input(*job, 1);
    if (job->is_linked()) resident_bytes += input_bytes(*job);
  }
}

void EngineState::restore_jobs(std::deque<StoredJob> stored) {
  std::unordered_map<EndpointId, std::size_t> counts;
  for (const StoredJob& job : stored) ++counts[job.request.endpoint];
  for (const auto& [id, count] : counts) {
    const auto found = endpoints.find(id);
    if (found != endpoints.end()) found->second->jobs.reserve(count);
  }
  for (; !stored.empty(); stored.pop_front()) {
    const auto found = endpoints.find(stored.front().request.endpoint);
    if (found != endpoints.end()) bring_in(*found->second, std::move(stored.front()));
  }
}

bool Engine::lacks_input(const EndpointId& endpoint, std::string_view idempotency_key) const {
  const auto entry = state_->endpoints.find(endpoint);
  if (entry == state_->endpoints.end()) return false;
  const JobEntry* job = state_->find_keyed(*entry->second, idempotency_key);
  return job && !job->request.input;
}

}  // namespace penstock::core
