#include "ledger.h"

#include <algorithm>

#include "core/outcomes.h"
#include "violation.h"

namespace penstock::simulation {
namespace {

using core::JobStatus;

bool same(const core::Bytes& a, const core::Bytes& b) {
  return a == b || (a && b && *a == *b);
}

}  // namespace

void Tally::add(const Tally& o) {
  static_assert(sizeof(Tally) % sizeof(int) == 0);
  submitted += o.submitted;
  refused_full += o.refused_full;
  completed += o.completed;
  failed += o.failed;
  cancelled += o.cancelled;
  timed_out += o.timed_out;
  lost_attempts += o.lost_attempts;
  handed_back += o.handed_back;
  late_results += o.late_results;
  ignored_results += o.ignored_results;
  client_retries += o.client_retries;
  chunks += o.chunks;
  stops_told += o.stops_told;
  recalled += o.recalled;
  inputs_read += o.inputs_read;
  forgotten += o.forgotten;
  workers_started += o.workers_started;
  workers_attached += o.workers_attached;
  crashes += o.crashes;
  restarts += o.restarts;
  adopted += o.adopted;
  endpoints_deleted += o.endpoints_deleted;
  releases += o.releases;
  volumes_removed += o.volumes_removed;
  answered_again += o.answered_again;
  keys_reused += o.keys_reused;
  webhooks_delivered += o.webhooks_delivered;
  webhooks_given_up += o.webhooks_given_up;
  webhooks_sent_again += o.webhooks_sent_again;
  budgets += o.budgets;
  rollbacks += o.rollbacks;
  turns += o.turns;
}

void Ledger::applied(Time now, const core::Command* command, const core::Effects& effects) {
  if (now < now_) violated("time went back");
  now_ = now;
  command_ = command;
  if (const auto* read = command_as<core::StreamRead>()) note_page_written(*read);
  if (command_as<core::RecallJob>()) ++tally_.recalled;
  note_poll();
  note_question();
  const auto* result = command_as<core::FinishJob>();
  const bool was_open = result && jobs_.find(result->job) && !is_terminal(jobs_.find(result->job)->state.status);
  for (const auto& record : effects.records) std::visit([this](const auto& r) { see(r); }, record);
  webhooks_.applied();
  usage_.applied(now_);
  for (const auto& reply : effects.replies) see(reply);
  for (const auto& order : effects.orders) {
    tally_.adopted += std::holds_alternative<core::AdoptWorker>(order) ? 1 : 0;
    if (const auto* start = std::get_if<core::StartWorker>(&order)) see_order(*start);
  }
  if (was_open && jobs_.find(result->job) && !is_terminal(jobs_.find(result->job)->state.status)) {
    ++tally_.ignored_results;
  }
  if (command_as<core::Shutdown>()) server_stops_ = true;
  if (!command && !server_stops_) check_bounds();
  check_no_churn(effects);
  command_ = nullptr;
  if (!command) questions_.clear();
}

void Ledger::committed() {
  jobs_.commit();
  workers_.commit();
  endpoints_.commit();
  counters_.commit();
  counted_.commit();
  templates_.commit();
  volumes_.commit();
  webhooks_.commit();
  usage_.commit();
  releases_.commit();
  for (const JobId& id : retried_in_turn_) {  // a new life: nobody was told anything of it, or read from it
    verdicts_.erase(id);
    read_.erase(id);
  }
}

void Ledger::rolled_back() {
  jobs_.roll_back();
  workers_.roll_back();
  endpoints_.roll_back();
  counters_.roll_back();
  counted_.roll_back();
  templates_.roll_back();
  volumes_.roll_back();
  webhooks_.roll_back();
  usage_.roll_back();
  releases_.roll_back();
  gpus_.clear();
  for (const auto& [id, worker] : workers_.all()) {
    for (const int gpu : worker.placement.gpus) gpus_[{worker.placement.node, gpu}] = id;
  }
  retried_in_turn_.clear();
  std::erase_if(deleted_, [this](const JobId& id) { return jobs_.find(id) != nullptr; });
  for (const JobId& id : acknowledged_) {
    if (!jobs_.find(id) && !terminal_once_.contains(id) && !deleted_.contains(id)) {
      violated("job {} was acknowledged and is lost with the turn that was not committed", id.str());
    }
  }
  for (const auto& [id, verdict] : verdicts_) {
    const JobShadow* job = jobs_.find(id);
    if (job && job->state.status != verdict.status) {
      violated("job {}: somebody was told {}, and after the crash it is {}", id.str(), to_text(verdict.status),
               to_text(job->state.status));
    }
  }
}

void Ledger::told(const core::Reply& reply) {
  if (const auto* accepted = std::get_if<core::JobAccepted>(&reply.what)) acknowledged_.insert(accepted->id);
  const auto* answer = std::get_if<core::JobReply>(&reply.what);
  if (!answer) return;
  const core::JobView& view = answer->job;
  acknowledged_.insert(view.id);
  if (!is_terminal(view.status)) return;
  terminal_once_.insert(view.id);
  if (retried_in_turn_.contains(view.id)) return;  // a retry of the same turn may overtake the answer
  const auto [known, first] = verdicts_.try_emplace(view.id, Verdict{view.status, view.output, view.error});
  if (first) return;
  const Verdict& before = known->second;
  if (before.status != view.status || before.error != view.error || !same(before.output, view.output)) {
    violated("job {} was told as {} and later as {}: a terminal result changed", view.id.str(), to_text(before.status),
             to_text(view.status));
  }
}

// ---------------------------------------------------------------- jobs

void Ledger::see(const core::JobAdded& r) {
  const auto* submit = command_as<core::Submit>();
  if (!submit) violated("job {} appeared without a submission", r.request.id.str());
  if (jobs_.find(r.request.id) || acknowledged_.contains(r.request.id)) {
    violated("job id {} was given twice", r.request.id.str());
  }
  if (!endpoints_.find(r.request.endpoint)) violated("job {} has no endpoint", r.request.id.str());
  if (r.state.status != JobStatus::in_queue || r.state.attempt != 0) {
    violated("job {} does not begin in the queue", r.request.id.str());
  }
  if (!same(r.request.input, submit->request.input)) violated("job {}: the input changed", r.request.id.str());
  check_key(r);
  ++tally_.submitted;
  jobs_.edit(r.request.id) = JobShadow{r.request, r.state, nullptr, {}};
}

void Ledger::see(const core::JobChanged& r) {
  const JobShadow* known = jobs_.find(r.id);
  if (!known) violated("job {} changed but is not there", r.id.str());
  const JobShadow before = *known;
  if (is_terminal(before.state.status)) {
    check_still_ended(before, r);
  } else if (is_terminal(r.state.status)) {
    check_end(before, r);
  } else if (r.state.status == JobStatus::in_progress) {
    if (before.state.status == JobStatus::in_queue) {
      check_hand_out(before, r);
    } else if (r.state.worker != before.state.worker || r.state.attempt != before.state.attempt) {
      violated("job {} went from worker {} to {} without going back to the queue", r.id.str(),
               before.state.worker.str(), r.state.worker.str());
    }
  } else if (before.state.status == JobStatus::in_progress) {
    check_back_to_queue(before, r);
  }
  JobShadow& job = jobs_.edit(r.id);
  job.state = r.state;
  if (r.sets_output) job.output = r.output;
  if (is_terminal(r.state.status) && !is_terminal(before.state.status) && !job.request.webhook.empty()) {
    webhooks_.ended(job);
  }
  const bool is_over = r.state.status == JobStatus::completed || r.state.status == JobStatus::cancelled;
  if (is_over && job.request.idempotency_key.empty()) job.request.input = job.request.s3_config = nullptr;
  check_cursor(r);
}

void Ledger::check_hand_out(const JobShadow& before, const core::JobChanged& r) {
  const core::Worker* worker = workers_.find(r.state.worker);
  if (!worker) violated("job {} was handed to worker {}, which does not exist", r.id.str(), r.state.worker.str());
  if (worker->endpoint != before.request.endpoint) {
    violated("job {} of endpoint {} was handed to worker {} of endpoint {}", r.id.str(), before.request.endpoint.str(),
             r.state.worker.str(), worker->endpoint.str());
  }
  if (worker->draining) violated("job {} was handed to worker {}, which is draining", r.id.str(), r.state.worker.str());
  if (r.state.attempt != before.state.attempt + 1) violated("job {}: attempt numbers skip", r.id.str());
  if (now_ >= before.state.ttl_deadline) violated("job {} was handed out after its time to live", r.id.str());
  if (r.state.started != now_) violated("job {} was handed out at another time than now", r.id.str());
  for (const auto& [other_id, other] : jobs_.all()) {
    const bool waits = other.request.endpoint == before.request.endpoint && other.state.status == JobStatus::in_queue;
    if (waits && other_id != r.id && turn_of(other) < turn_of(before)) {
      violated("job {} ({}, queued {}) ran before job {} ({}, queued {})", r.id.str(), to_text(before.request.priority),
               to_ms(before.state.queued), other_id.str(), to_text(other.request.priority), to_ms(other.state.queued));
    }
  }
}

void Ledger::check_end(const JobShadow& before, const core::JobChanged& r) {
  const auto* result = command_as<core::FinishJob>();
  const bool by_result =
      result && result->job == r.id && same(result->output, r.output) && result->error == r.state.error;
  switch (r.state.status) {
    case JobStatus::completed:
      if (!by_result || result->error) violated("job {} COMPLETED without a result", r.id.str());
      ++tally_.completed;
      break;
    case JobStatus::failed:
      ++tally_.failed;
      break;
    case JobStatus::cancelled:
      if (!command_as<core::CancelJob>() && !command_as<core::PurgeQueue>() && !command_as<core::DeleteEndpoint>()) {
        violated("job {} CANCELLED by nobody", r.id.str());
      }
      ++tally_.cancelled;
      break;
    case JobStatus::timed_out:
      if (now_ < before.state.ttl_deadline) violated("job {} TIMED_OUT before its time", r.id.str());
      ++tally_.timed_out;
      break;
    default:
      break;
  }
  if (by_result) {
    if (before.state.worker != result->worker) {
      violated("job {}: a result of worker {} was accepted, but its last hand-out was to \"{}\"", r.id.str(),
               result->worker.str(), before.state.worker.str());
    }
    if (before.state.status == JobStatus::in_queue) ++tally_.late_results;
  }
  const core::Endpoint& endpoint = *endpoints_.find(before.request.endpoint);
  const auto own = before.request.sync ? endpoint.retention_sync_s : endpoint.retention_async_s;
  const Millis kept = own                   ? Millis{*own * 1000}
                      : before.request.sync ? settings_.retention_sync
                                            : settings_.retention_async;
  const bool at_once = r.state.status == JobStatus::timed_out && settings_.ttl_expiry_deletes;
  if (r.state.finished != now_ || r.state.expires != now_ + (at_once ? Millis{0} : kept)) {
    violated("job {}: its result is kept for another time than set", r.id.str());
  }
  core::Counters& counted = counted_.edit(before.request.endpoint);
  if (r.state.status == JobStatus::completed) ++counted.completed;
  if (r.state.status == JobStatus::failed || r.state.status == JobStatus::timed_out) ++counted.failed;
}

void Ledger::check_back_to_queue(const JobShadow& before, const core::JobChanged& r) {
  if (const auto* lost = command_as<core::HandOutLost>()) {
    const bool named = std::ranges::any_of(lost->jobs, [&](const auto& job) { return job.first == r.id; });
    if (named && r.state.attempt == before.state.attempt - 1) {
      if (lost->worker != before.state.worker) violated("job {}: another worker's hand-out was lost", r.id.str());
      if (!r.state.worker.empty()) violated("job {}: a hand-out that nobody saw keeps a worker", r.id.str());
      ++tally_.handed_back;
      return;
    }
  }
  if (r.state.attempt != before.state.attempt) violated("job {}: attempt changed without a hand-out", r.id.str());
  const bool of_earlier_server = before.state.started < server_started_;
  if (r.state.retries == before.state.retries) {
    if (!of_earlier_server && !server_stops_) violated("job {} lost its worker and it was not counted", r.id.str());
  } else {
    if (r.state.retries != before.state.retries + 1) violated("job {}: retries skip", r.id.str());
    if (r.state.retries >= settings_.attempts_max) violated("job {} has more attempts than allowed", r.id.str());
    ++counted_.edit(before.request.endpoint).retried;
  }
  ++tally_.lost_attempts;
}

void Ledger::check_still_ended(const JobShadow& before, const core::JobChanged& r) {
  const auto* retry = command_as<core::RetryJob>();
  if (retry && retry->job == r.id && r.state.status == JobStatus::in_queue) {
    if (before.state.status != JobStatus::failed && before.state.status != JobStatus::timed_out) {
      violated("job {} was {} and came back by a retry", r.id.str(), to_text(before.state.status));
    }
    ++tally_.client_retries;
    retried_in_turn_.insert(r.id);
    return;
  }
  core::JobState allowed = r.state;
  allowed.expires = before.state.expires;
  allowed.chunks_delivered = before.state.chunks_delivered;
  if (allowed != before.state || (r.sets_output && !same(r.output, before.output))) {
    violated("job {} was {} and changed to {}", r.id.str(), to_text(before.state.status), to_text(r.state.status));
  }
  if (r.state.expires != before.state.expires) {
    const auto* lower = command_as<core::LowerTtl>();
    if (!lower || r.state.expires > before.state.expires || r.state.expires < now_ + lower->ttl) {
      violated("job {}: its retention changed", r.id.str());
    }
  }
}

void Ledger::note_page_written(const core::StreamRead& c) {
  if (!c.written || !jobs_.find(c.job)) return;
  for (int i = c.first; i < c.first + c.count; ++i) read_[c.job].insert(i);
}

void Ledger::check_cursor(const core::JobChanged& r) {
  const auto read = read_.find(r.id);
  for (int i = 0; i < r.state.chunks_delivered; ++i) {
    if (read == read_.end() || !read->second.contains(i)) {
      violated("job {}: the cursor is at {}, but chunk {} was never written to a reader", r.id.str(),
               r.state.chunks_delivered, i);
    }
  }
}

void Ledger::see(const core::ChunkAdded& r) {
  const JobShadow* job = jobs_.find(r.job);
  if (!job || job->state.status != JobStatus::in_progress)
    violated("chunk for job {}, which does not run", r.job.str());
  const auto* add = command_as<core::AddChunk>();
  if (!add || add->worker != job->state.worker) violated("chunk of job {} by another worker", r.job.str());
  if (r.index != static_cast<int>(job->chunks.size())) violated("job {}: chunk {} out of order", r.job.str(), r.index);
  jobs_.edit(r.job).chunks.push_back(r.chunk);
  ++tally_.chunks;
}

void Ledger::see(const core::ChunksCleared& r) {
  if (!jobs_.find(r.job)) return;
  JobShadow& job = jobs_.edit(r.job);
  cleared_in_turn_.insert_or_assign(r.job, std::exchange(job.chunks, {}));
}

void Ledger::see(const core::JobsForgotten& r) {
  if (r.expired_at > now_) violated("results are forgotten before their time");
  webhooks_.see(r);
  std::vector<JobId> gone;
  for (const auto& [id, job] : jobs_.all()) {
    if (is_terminal(job.state.status) && job.state.expires <= r.expired_at) gone.push_back(id);
  }
  for (const JobId& id : gone) {
    terminal_once_.insert(id);
    verdicts_.erase(id);
    jobs_.erase(id);
    ++tally_.forgotten;
  }
}

// ---------------------------------------------------------------- workers

void Ledger::see(const core::WorkerSaved& r) {
  const core::Worker* before = workers_.find(r.worker.id);
  if (!before) {
    const core::Endpoint* endpoint = endpoints_.find(r.worker.endpoint);
    if (!endpoint) violated("worker {} has no endpoint", r.worker.id.str());
    if (r.worker.release != endpoint->version) violated("worker {} is of another release", r.worker.id.str());
    for (const int gpu : r.worker.placement.gpus) {
      const auto [taken, fresh] = gpus_.try_emplace({r.worker.placement.node, gpu}, r.worker.id);
      if (!fresh) {
        violated("GPU {} of {} was given to worker {} and to {}", gpu, r.worker.placement.node, taken->second.str(),
                 r.worker.id.str());
      }
    }
    ++(r.worker.external ? tally_.workers_attached : tally_.workers_started);
  } else if (before->draining && !r.worker.draining) {
    violated("worker {} drained and came back", r.worker.id.str());
  }
  if (before && !before->ready && r.worker.ready) crashed_.erase(r.worker.endpoint);
  if (!r.worker.ready && r.worker.draining) crashed_[r.worker.endpoint] = now_;
  usage_.see(r.worker);
  workers_.edit(r.worker.id) = r.worker;
}

void Ledger::see(const core::WorkerRemoved& r) {
  const core::Worker* worker = workers_.find(r.id);
  if (!worker) violated("worker {} was removed twice", r.id.str());
  usage_.see_removed(now_, *worker);
  for (const int gpu : worker->placement.gpus) gpus_.erase({worker->placement.node, gpu});
  for (const auto& [id, job] : jobs_.all()) {
    if (job.state.status == JobStatus::in_progress && job.state.worker == r.id) {
      violated("worker {} was removed while it holds job {}", r.id.str(), id.str());
    }
  }
  if (command_as<core::WorkerStartFailed>() || command_as<core::WorkerExited>()) crashed_[worker->endpoint] = now_;
  workers_.erase(r.id);
}

void Ledger::check_bounds() const {
  std::map<EndpointId, int> staff;
  for (const auto& [id, worker] : workers_.all()) {
    if (!worker.external && !worker.draining) ++staff[worker.endpoint];
  }
  for (const auto& [id, count] : staff) {
    const core::Endpoint* endpoint = endpoints_.find(id);
    if (endpoint && count > endpoint->workers_max) {
      violated("endpoint {} has {} workers; workersMax is {}", id.str(), count, endpoint->workers_max);
    }
  }
}

/// A worker that is stopped for want of work is not replaced in the same breath.
void Ledger::check_no_churn(const core::Effects& effects) const {
  // A command, or a job that comes back, may want another count than what was due until then.
  const bool calm = std::ranges::none_of(
      effects.records, [](const core::Record& record) { return std::holds_alternative<core::JobChanged>(record); });
  if (!command_as<core::Tick>() || !calm) return;
  for (const core::LaunchOrder& order : effects.orders) {
    const auto* start = std::get_if<core::StartWorker>(&order);
    if (!start) continue;
    for (const core::LaunchOrder& other : effects.orders) {
      const auto* stop = std::get_if<core::StopWorker>(&other);
      const core::Worker* stopped = stop ? workers_.find(stop->id) : nullptr;
      if (!stopped || stopped->endpoint != start->endpoint) continue;
      const bool idle = std::ranges::any_of(effects.notes, [&](const std::string& note) {
        return note.find(stop->id.str()) != std::string::npos && note.find("idle for") != std::string::npos;
      });
      if (idle)
        violated("endpoint {}: worker {} was stopped as idle and {} started", start->endpoint.str(), stop->id.str(),
                 start->id.str());
    }
  }
}

// ---------------------------------------------------------------- replies

bool Ledger::polls_for_jobs(const WorkerId& worker) const {
  return std::ranges::any_of(takes_, [&](const auto& take) { return take.second == worker; });
}

std::optional<Time> Ledger::crashed_at(const EndpointId& endpoint) const {
  const auto found = crashed_.find(endpoint);
  return found == crashed_.end() ? std::nullopt : std::optional<Time>(found->second);
}

void Ledger::note_poll() {
  if (const auto* take = command_as<core::TakeJobs>()) takes_[take->to] = take->worker;
  if (const auto* forget = command_as<core::Forget>()) takes_.erase(forget->token);
  if (const auto* take = command_as<core::TakeJobs>()) polls_[take->to] = take->worker;
  if (const auto* stops = command_as<core::PollStops>()) polls_[stops->to] = stops->worker;
  if (const auto* forget = command_as<core::Forget>()) polls_.erase(forget->token);
}

void Ledger::see(const core::Reply& reply) {
  const auto question = questions_.find(reply.to);
  const core::Command* const applied =
      std::exchange(command_, question == questions_.end() ? nullptr : &question->second);
  takes_.erase(reply.to);
  const auto poll = polls_.find(reply.to);
  if (poll != polls_.end()) {
    if (const auto* out = std::get_if<core::HandOuts>(&reply.what)) see_hand_outs(*out, poll->second);
    if (const auto* list = std::get_if<core::StopList>(&reply.what)) see_stops(*list, poll->second);
    polls_.erase(poll);
  }
  const auto* submit = command_as<core::Submit>();
  if (submit && submit->to == reply.to) {
    if (const auto* accepted = std::get_if<core::JobAccepted>(&reply.what)) see_submitted(accepted->id);
    if (const auto* answer = std::get_if<core::JobReply>(&reply.what)) see_submitted(answer->job.id);
  }
  if (const auto* page = std::get_if<core::StreamPage>(&reply.what)) see_page(*page);
  if (const auto* error = std::get_if<Error>(&reply.what)) see_error(*error, reply.to);
  command_ = applied;
}

void Ledger::see_hand_outs(const core::HandOuts& out, const WorkerId& worker) {
  std::set<JobId> seen;
  for (const auto& job : out.jobs) {
    const JobShadow* known = jobs_.find(job.id);
    if (!known || known->state.status != JobStatus::in_progress || known->state.attempt != job.attempt) {
      violated("job {} was handed out without being recorded", job.id.str());
    }
    if (known->state.worker != worker) violated("job {} was handed to the wrong worker", job.id.str());
    if (!same(known->request.input, job.input)) violated("job {} was handed out with another input", job.id.str());
    if (!seen.insert(job.id).second) violated("job {} is twice in one answer", job.id.str());
  }
}

void Ledger::see_stops(const core::StopList& list, const WorkerId& worker) {
  for (const JobId& id : list.jobs) {
    const JobShadow* job = jobs_.find(id);
    if (job && job->state.status == JobStatus::in_progress && job->state.worker == worker) {
      violated("worker {} was told to stop job {}, which it is to run", worker.str(), id.str());
    }
    ++tally_.stops_told;
  }
}

bool Ledger::is_part(const core::StreamPage& page, const std::vector<core::Bytes>& chunks) {
  for (std::size_t i = 0; i < page.chunks.size(); ++i) {
    const std::size_t at = static_cast<std::size_t>(page.first) + i;
    if (at >= chunks.size() || !same(chunks[at], page.chunks[i])) return false;
  }
  return true;
}

void Ledger::see_page(const core::StreamPage& page) {
  const auto* read = command_as<core::ReadStream>();
  const JobShadow* job = read ? jobs_.find(read->job) : nullptr;
  if (!job || is_part(page, job->chunks)) return;
  // The turn may have thrown away what it had shown before.
  const auto cleared = cleared_in_turn_.find(read->job);
  if (cleared == cleared_in_turn_.end() || !is_part(page, cleared->second)) {
    violated("job {}: the stream shows a chunk that was not written there", read->job.str());
  }
}

void Ledger::check_streams_read(Time now) const {
  for (const auto& [id, job] : jobs_.all()) {
    if (!is_terminal(job.state.status) || job.state.expires <= now) continue;
    const auto read = read_.find(id);
    for (int i = 0; i < static_cast<int>(job.chunks.size()); ++i) {
      if (read == read_.end() || !read->second.contains(i)) {
        violated("job {}: chunk {} of {} was never written to any reader", id.str(), i, job.chunks.size());
      }
    }
  }
}

}  // namespace penstock::simulation
