#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "core/engine_state.h"
#include "core/usage/budgets.h"

namespace penstock::core {
namespace {

/// RUNPOD_INIT_TIMEOUT, in seconds, lets an image ask for a longer start (contract/data-plane 2.1).
Millis start_timeout(const EngineSettings& settings, const Endpoint& endpoint, const Template& value) {
  const auto lookup = [](const std::vector<EnvVar>& env) -> std::optional<Millis> {
    for (const auto& [key, text] : env) {
      int seconds = 0;
      if (key != "RUNPOD_INIT_TIMEOUT") continue;
      const auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
      if (parsed.ec == std::errc{} && seconds > 0) return std::chrono::seconds{seconds};
    }
    return std::nullopt;
  };
  if (const auto own = lookup(endpoint.env)) return *own;
  if (const auto own = lookup(value.env)) return *own;
  return settings.start_timeout;
}

}  // namespace

bool EngineState::is_present(const WorkerEntry& worker) const {
  if (worker.worker.draining || worker.stop_sent || worker.worker.frozen) return false;
  if (!worker.worker.external) return true;
  if (worker.take_poll || !worker.holding.empty()) return true;
  return is_ready(worker) && worker.last_contact + lease() > now;
}

Staff EngineState::count_staff(const EndpointEntry& entry) const {
  Staff staff;
  for (const WorkerEntry* worker : entry.workers) {
    const bool managed = !worker->worker.external;
    if (is_present(*worker)) {
      ++(is_ready(*worker) ? staff.ready : staff.starting);
      staff.managed += managed ? 1 : 0;
      continue;
    }
    staff.frozen += is_frozen(*worker) ? 1 : 0;
    staff.former_release += managed && worker->worker.release != entry.endpoint.version ? 1 : 0;
  }
  return staff;
}

void EngineState::look_again(EndpointEntry& entry, Time at) {
  entry.look_at = entry.look_at ? std::min(*entry.look_at, at) : at;
}

// ---------------------------------------------------------------- review: what an endpoint needs now

void EngineState::review(EndpointEntry& entry) {
  if (shut_down) {
    entry.timer.disarm();
    return;
  }
  entry.look_at.reset();
  dispatch(entry);
  read_ahead(entry);
  lower_when_unused(entry);
  review_workers(entry);
  entry.used_up = used_up_budget(entry);
  stop_for_budget(entry);
  entry.staff = count_staff(entry);
  stop_surplus(entry);
  scale(entry);
  stop_idle(entry);
  record_decision(entry);
  note_waits(entry);
  offer_idle(entry);
  entry.staff.reset();
  if (entry.look_at) {
    entry.timer.arm(std::max(*entry.look_at, now + Millis{1}), &entry);
  } else {
    entry.timer.disarm();
  }
}

// ---------------------------------------------------------------- hand-out

void EngineState::dispatch(EndpointEntry& entry) {
  while (const JobEntry* next = entry.queue.front(settings.priority_ageing)) {
    if (!next->request.input) return;  // nobody overtakes it while its input is on its way
    WorkerEntry* worker = choose_poll(entry);
    if (!worker) return;
    const int pollers = static_cast<int>(entry.polling.size());
    const int fair_share = (entry.queue.size() + pollers - 1) / pollers;
    hand_out(*worker, std::clamp(fair_share, 1, worker->take_poll->max_jobs));
  }
}

/// The poll to answer next: of a worker without jobs before one with, and of these the latest comer, so that surplus
/// workers stay idle and can go. A worker that has held a job for longer than a ping interval may be blocking in its
/// handler and read the answer late (contract/data-plane 2.9), so it comes last.
WorkerEntry* EngineState::choose_poll(EndpointEntry& entry) const {
  WorkerEntry* best = nullptr;
  int best_rank = 3;
  for (auto it = entry.polling.rbegin(); it != entry.polling.rend(); ++it) {
    WorkerEntry* worker = *it;
    if (worker->worker.draining) continue;
    int rank = 0;
    for (const auto& [id, job] : worker->holding) {
      rank = std::max(rank, *job->state.started + settings.ping_interval <= now ? 2 : 1);
    }
    if (rank < best_rank) {
      best = worker;
      best_rank = rank;
      if (rank == 0) break;
    }
  }
  return best;
}

void EngineState::hand_out(WorkerEntry& worker, int count) {
  HandOuts out;
  bool new_jobs = true;
  EndpointEntry& entry = *worker.endpoint;
  while (count-- > 0 && entry.queue.size() > 0) {
    JobEntry& job = *entry.queue.front(settings.priority_ageing);
    if (!job.request.input) break;
    if (entry.inputs_ahead > 0) --entry.inputs_ahead;
    leave_queue(job);
    job.state.status = JobStatus::in_progress;
    ++job.state.attempt;
    job.state.started = now;
    job.state.worker = worker.worker.id;
    job.lease_until = now + lease();
    const Millis limit = execution_timeout(job);
    if (limit.count() > 0) job.run_deadline = now + limit;
    worker.holding.emplace(job.request.id.str(), &job);
    worker.stopping.erase(job.request.id);  // of an earlier life of the job; now it is to run
    ++entry.in_progress;
    if (BatchEntry* batch = batch_of(job)) ++batch->in_progress;
    arm(job);
    changed(job);
    new_jobs = new_jobs && job.arrival > arrivals_before_turn;
    out.jobs.emplace_back(job.request.id, job.state.attempt, job.request.input, job.request.s3_config,
                          job.request.traceparent, job.request.webhook, job.request.batch);
  }
  out.new_jobs = new_jobs && !out.jobs.empty();
  note_usage(worker);
  note_first_job(worker);
  reply(worker.take_poll->token, std::move(out));
  drop_waiter(*worker.take_poll);
}

// ---------------------------------------------------------------- workers that are there

void EngineState::review_workers(EndpointEntry& entry) {
  for (WorkerEntry* worker : entry.workers) {
    if (!worker->stopping.empty()) review_stop_signals(*worker);
    if (worker->worker.external) {
      if (is_ready(*worker) && !worker->take_poll && is_present(*worker) && worker->holding.empty()) {
        look_again(entry, worker->last_contact + lease());
      }
      continue;
    }
    if (worker->worker.release != entry.endpoint.version && !worker->worker.draining) {
      drain(*worker, "the endpoint has a newer release");
    }
    if (const auto gpu = worker->worker.draining ? std::nullopt : bad_gpu(*worker)) {
      drain(*worker, "its GPU " + *gpu + " is quarantined");
    }
    if (worker->worker.draining && worker->holding.empty() && !worker->stop_sent) {
      send_stop(*worker, settings.stop_grace);
    }
    if (worker->stop_sent) continue;
    if (is_frozen(*worker)) {
      review_frozen(*worker);
      continue;
    }
    if (worker->worker.start.kind == StartKind::thawed && !is_ready(*worker)) {
      review_thawed(*worker);
      continue;
    }
    if (is_ready(*worker)) {
      review_absent(*worker);
      continue;
    }
    const Millis patience = start_timeout(settings, entry.endpoint, templates.at(entry.endpoint.template_id));
    if (worker->worker.created + patience > now) {
      look_again(entry, worker->worker.created + patience);
      continue;
    }
    crashed(entry, *worker,
            "it asked for no job within " + std::to_string(patience.count() / 1000) + " s of its start");
    drain(*worker, "it did not become ready");
    send_stop(*worker, Millis{0});
  }
}

/// A worker without a job asks for one at once (contract/data-plane 2.3). One that does not, while jobs wait, is stuck,
/// and would be counted as capacity for ever.
void EngineState::review_absent(WorkerEntry& worker) {
  EndpointEntry& entry = *worker.endpoint;
  if (worker.take_poll || !worker.holding.empty() || entry.queue.size() == 0) return;
  const Time patience_end = std::max(worker.idle_since, worker.polled) + lease();
  if (now < patience_end) return look_again(entry, patience_end);
  drain(worker, "jobs wait and it asks for none");
}

/// A worker that still runs a stopped job when the grace period is over is ended; it cannot be asked again.
void EngineState::review_stop_signals(WorkerEntry& worker) {
  if (worker.stop_sent) return;
  tell_stops(worker);
  EndpointEntry& entry = *worker.endpoint;
  for (auto it = worker.stopping.begin(); it != worker.stopping.end();) {
    const Time grace_end = it->second.since + settings.job_stop_grace;
    const bool reported_late = worker.last_ping && *worker.last_ping >= grace_end;
    const Time last_chance = grace_end + (worker.last_ping ? 2 * settings.ping_interval : Millis{0});
    if (!reported_late && now < last_chance) {
      look_again(entry, last_chance);
      if (worker.stop_poll && it->second.told) look_again(entry, *it->second.told + settings.job_stop_repeat);
      ++it;
      continue;
    }
    if (worker.worker.external) {
      it = worker.stopping.erase(it);
      continue;
    }
    drain(worker, "it did not stop job " + to_string(it->first));
    send_stop(worker, Millis{0});
    return;
  }
}

void EngineState::stop_surplus(EndpointEntry& entry) {
  const Staff staff = staff_of(entry);
  int surplus = staff.managed + staff.frozen - entry.endpoint.workers_max;
  for (WorkerEntry* worker : entry.workers) {
    if (surplus <= 0) return;
    if (!is_frozen(*worker)) continue;
    drain(*worker, "workersMax is " + std::to_string(entry.endpoint.workers_max));
    --surplus;
  }
  const auto drain_some = [&](auto&& matches) {
    for (std::size_t i = entry.workers.size(); i-- > 0 && surplus > 0;) {
      WorkerEntry& worker = *entry.workers[i];
      if (worker.worker.external || !is_present(worker) || !matches(worker)) continue;
      drain(worker, "workersMax is " + std::to_string(entry.endpoint.workers_max));
      --surplus;
    }
  };
  drain_some([](const WorkerEntry& w) { return !is_ready(w); });
  drain_some([](const WorkerEntry& w) { return w.holding.empty(); });
  drain_some([](const WorkerEntry&) { return true; });
}

void EngineState::stop_idle(EndpointEntry& entry) {
  int present = staff_of(entry).managed;
  const int kept = entry.used_up ? 0 : entry.endpoint.workers_min;
  // REQUEST_COUNT may want more workers than hold jobs (one that holds several): to stop these would only start others.
  const bool counted = entry.last_decision && entry.last_decision->rule == ScaleRule::request_count;
  int spare = counted ? staff_of(entry).present() - entry.last_decision->wanted : present;
  const auto timeout = std::chrono::seconds{entry.endpoint.idle_timeout_s};
  for (WorkerEntry* worker : entry.workers) {
    if (present <= kept || spare <= 0 || entry.queue.size() > 0) return;
    if (worker->worker.external || !is_ready(*worker) || !is_present(*worker) || !worker->holding.empty()) continue;
    if (worker->idle_since + timeout > now) {
      look_again(entry, worker->idle_since + timeout);
      continue;
    }
    if (!retire(*worker)) continue;
    --present;
    --spare;
  }
}

// ---------------------------------------------------------------- scaling

ScaleInputs EngineState::scale_inputs(const EndpointEntry& entry) const {
  ScaleInputs in;
  in.scaler = entry.endpoint.scaler_type;
  in.scaler_value = entry.endpoint.scaler_value;
  in.workers_min = entry.endpoint.workers_min;
  in.workers_max = entry.endpoint.workers_max;
  in.queued = entry.queue.normal_count();
  in.in_progress = entry.in_progress;
  in.low_priority_queued = entry.queue.low_priority_count();
  if (const JobEntry* job = entry.queue.oldest_normal()) in.oldest_wait = now - job->state.queued;
  if (const JobEntry* job = entry.queue.oldest_low_priority()) in.oldest_low_priority_wait = now - job->state.queued;
  const Staff staff = staff_of(entry);
  in.present = staff.present();
  in.starting = staff.starting;
  if (entry.last_addition) in.since_last_addition = now - *entry.last_addition;
  in.budget_used_up = entry.used_up.has_value();
  return in;
}

void EngineState::scale(EndpointEntry& entry) {
  entry.throttled = 0;
  const ScaleInputs in = scale_inputs(entry);
  const ScaleDecision decision = decide(in);
  entry.last_decision = decision;
  entry.last_inputs = in;
  if (decision.look_again_in) look_again(entry, now + *decision.look_again_in);
  if (decision.wanted <= in.present) {
    entry.wanting_since.reset();
    return keep_in_line(entry, false);
  }
  if (!entry.wanting_since) entry.wanting_since = now;
  ScaleOutcome added = add_workers(entry, decision, in.present);
  keep_in_line(entry, added.started > 0);
  if (added.hold == ScaleHold::no_place) added.why = entry.wait_facts.no_place;
  added.stopped = entry.outcome.stopped;
  added.ready = std::move(entry.outcome.ready);
  if (added.why.empty()) added.why = std::move(entry.outcome.why);
  entry.outcome = std::move(added);
}

ScaleOutcome EngineState::add_workers(EndpointEntry& entry, const ScaleDecision& decision, int present) {
  ScaleOutcome out;
  int missing = std::min(decision.wanted - present, entry.endpoint.workers_max - staff_of(entry).managed);
  while (missing > 0 && thaw_one(entry)) {
    --missing;
    ++out.started;
  }
  if (missing > 0 && entry.backoff_until && *entry.backoff_until > now) {
    look_again(entry, *entry.backoff_until);
    out.missing = missing;
    out.hold = ScaleHold::back_off;
    out.why =
        "until " + iso8601(*entry.backoff_until) + ", since a worker crashed at start: " + entry.wait_facts.crash_cause;
  } else {
    while (missing > 0 && start_worker(entry)) {
      --missing;
      ++out.started;
    }
    entry.throttled = out.missing = std::max(missing, 0);
    if (out.missing > 0) out.hold = ScaleHold::no_place;
  }
  if (missing <= 0) entry.wanting_since.reset();
  if (out.started == 0) return out;
  entry.last_addition = now;
  touch(entry);  // with these workers on their way, when would more be wanted?
  return out;
}

/// At the end of a review: what it decided and did, if that is worth keeping.
void EngineState::record_decision(EndpointEntry& entry) {
  RecordedDecision one{entry.endpoint.id, now, entry.last_inputs, *entry.last_decision, std::move(entry.outcome)};
  entry.outcome = {};
  if (entry.decision_filter.keeps(one)) fx->decisions.push_back(std::move(one));
}

/// Keeps why jobs of the endpoint wait, and since when, so that an answer about one of them need not look.
void EngineState::note_waits(EndpointEntry& entry) {
  WaitFacts& facts = entry.wait_facts;
  facts.workers_max = entry.endpoint.workers_max;
  const Staff staff = staff_of(entry);
  facts.managed = staff.managed;
  facts.ready = staff.ready;
  facts.starting = staff.starting;
  facts.former_release = staff.former_release;
  facts.wants_more = entry.last_decision && entry.last_decision->wanted > staff.present();
  const JobEntry* next = entry.queue.front(settings.priority_ageing);
  facts.input_loads = next && !next->request.input && choose_poll(entry);
  facts.budget.clear();
  if (entry.last_decision && entry.last_decision->clamp == ScaleClamp::budget) facts.budget = in_words(*entry.used_up);
  facts.throttled = entry.throttled;
  facts.crashes = entry.crashes_in_a_row;
  facts.held_back_until.reset();
  if (entry.backoff_until && *entry.backoff_until > now) facts.held_back_until = entry.backoff_until;
  facts.scaler = entry.endpoint.scaler_type;
  facts.scaler_value = entry.endpoint.scaler_value;
  facts.low_priority_due.reset();
  if (const JobEntry* job = entry.queue.oldest_low_priority()) {
    facts.low_priority_due = job->state.queued + kLowPriorityPatience;
  }
  const auto note = [&](Waiting& waiting, bool low, int count) {
    if (count == 0) {
      waiting.code.reset();
      return;
    }
    const WaitCode code = waits_for(facts, low);
    if (waiting.code != code) waiting = {code, now};
  };
  note(entry.waiting, false, entry.queue.normal_count());
  note(entry.low_priority_waiting, true, entry.queue.low_priority_count());
}

// ---------------------------------------------------------------- stopping

/// No more jobs for this worker; it is told to stop as soon as it holds none.
void EngineState::drain(WorkerEntry& worker, const std::string& why, std::optional<Millis> grace) {
  if (worker.worker.external || worker.worker.draining) return;
  worker.worker.draining = true;
  fx->records.push_back(WorkerSaved{worker.worker});
  fx->notes.push_back("worker " + worker.worker.id.str() + " is stopped: " + why);
  if (worker.holding.empty()) send_stop(worker, grace.value_or(settings.stop_grace));
  if (!worker.endpoint) return;
  ++worker.endpoint->outcome.stopped;
  worker.endpoint->outcome.why = why;
  touch(*worker.endpoint);
}

void EngineState::send_stop(WorkerEntry& worker, Millis grace) {
  worker.stop_sent = true;
  worker.worker.draining = true;
  std::erase(frozen, &worker);
  if (worker.worker.gpu_parked) grace = Millis{0};  // it cannot go on without its GPU memory
  answer_polls(worker);
  fx->orders.push_back(StopWorker{worker.worker.id, grace});
}

void EngineState::crashed(EndpointEntry& entry, const WorkerEntry& worker, const std::string& why) {
  // Workers that were started side by side and fail together are one crash, not a row of them.
  entry.wait_facts.crash_cause = why;
  if (entry.crashes_in_a_row == 0 || worker.worker.created > entry.last_crash) {
    ++entry.crashes_in_a_row;
    entry.last_crash = now;
  }
  Millis wait = settings.crash_backoff_first;
  for (int i = 1; i < entry.crashes_in_a_row && wait < settings.crash_backoff_max; ++i) wait *= 2;
  wait = std::min(wait, settings.crash_backoff_max);
  const int doublings = 7;  // 1, 2, 4 ... 60 s with the defaults; then rarely
  if (entry.crashes_in_a_row > doublings) wait = settings.crash_backoff_settled;
  entry.backoff_until = now + wait;
  fx->warnings.push_back("worker " + worker.worker.id.str() + " of endpoint " + entry.endpoint.id.str() +
                         " crashed: " + why + "; the next one starts in " + std::to_string(wait.count()) +
                         " ms (crash " + std::to_string(entry.crashes_in_a_row) + " in a row)");
  touch(entry);
}

}  // namespace penstock::core
