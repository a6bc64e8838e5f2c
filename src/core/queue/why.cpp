#include "core/queue/why.h"

#include <algorithm>

namespace penstock::core {
namespace {

using std::to_string;

std::string counted(int count, std::string_view what) {
  return to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

std::string is_or_are(int count) {
  return count == 1 ? " is" : " are";
}

std::string quoted(const std::string& text) {
  return "\"" + text + "\"";
}

// ---------------------------------------------------------------- what holds

void tell_workers(const EndpointSituation& in, std::vector<std::string>& facts) {
  const WaitFacts& f = in.facts;
  const int all = f.ready + f.starting;
  if (all == 0) {
    facts.push_back("no worker is there");
  } else {
    facts.push_back(to_string(in.busy) + " of " + counted(all + f.former_release, "worker") + " busy, " +
                    to_string(in.idle) + " idle, " + to_string(f.starting) + " starting");
  }
  facts.push_back("workersMin is " + to_string(in.workers_min) + ", workersMax is " + to_string(f.workers_max));
  if (f.former_release > 0) {
    facts.push_back(counted(f.former_release, "worker") + " of an earlier release" +
                    (f.former_release == 1 ? " ends" : " end") + " when the jobs that it holds are done");
  }
  if (f.crashes > 0) {
    facts.push_back(counted(f.crashes, "worker") + " in a row crashed at start, the last one because " + f.crash_cause);
  }
  if (!f.budget.empty()) facts.push_back(f.budget + ": no worker is started before tomorrow (UTC)");
  if (f.throttled > 0) {
    facts.push_back(counted(f.throttled, "worker") + is_or_are(f.throttled) +
                    " wanted and found no place: " + f.no_place);
  }
}

void tell_jobs(const EndpointSituation& in, std::vector<std::string>& facts) {
  const int all = in.queued + in.low_priority_queued;
  std::string text = counted(all, "job") + (all == 1 ? " waits" : " wait");
  if (in.low_priority_queued > 0) text += " (" + to_string(in.low_priority_queued) + " of low priority)";
  if (in.oldest_wait) text += ", the oldest since " + in_words(*in.oldest_wait);
  facts.push_back(text + "; " + counted(in.in_progress, "job") + is_or_are(in.in_progress) + " at work");
  if (in.first_end) {
    facts.push_back("the job that is nearest to its execution time-out has " + in_words(*in.first_end) +
                    " left; a worker is free by then");
  }
}

/// What the scaler thinks, and when it will think otherwise.
void tell_scaler(const EndpointSituation& in, std::vector<std::string>& facts) {
  if (!in.decided) return;
  const ScaleDecision& d = *in.decided;
  const int present = in.facts.ready + in.facts.starting;
  std::string text = "the scaler (" + std::string(to_text(in.facts.scaler)) + ", scalerValue " +
                     to_string(in.facts.scaler_value) + ") wants " + counted(d.wanted, "worker") + " and has " +
                     to_string(present);
  if (d.clamp != ScaleClamp::none) text += ", held at " + std::string(to_text(d.clamp));
  if (d.look_again_in) text += "; if nothing else happens it wants more in " + in_words(*d.look_again_in);
  facts.push_back(text);
}

void tell_idle(const EndpointSituation& in, std::vector<std::string>& facts) {
  if (in.idle == 0) return;
  if (in.idle_stops_in) {
    facts.push_back("the next idle worker stops in " + in_words(*in.idle_stops_in) + " (idleTimeout is " +
                    to_string(in.idle_timeout_s) + " s)");
  } else if (in.workers_min > 0) {
    facts.push_back("idle workers stay: workersMin is " + to_string(in.workers_min));
  }
}

// ---------------------------------------------------------------- what would help

void help_busy(const EndpointSituation& in, bool low, std::vector<std::string>& helps) {
  const WaitFacts& f = in.facts;
  if (f.starting > 0) {
    helps.push_back("wait: " + counted(f.starting, "worker") + " more will be ready soon");
  } else if (f.managed >= f.workers_max) {
    helps.push_back("raise workersMax: it is " + to_string(f.workers_max) + ", and all of these are there");
  } else if (f.wants_more && f.held_back_until) {
    helps.push_back("wait until " + iso8601(*f.held_back_until) +
                    " for the next start, or cure what ends the workers: " + f.crash_cause);
  } else if (f.throttled > 0) {
    helps.push_back("free GPUs of these pools, or allow more pools in gpuIds");
  } else if (f.scaler == ScalerType::request_count) {
    helps.push_back("lower scalerValue: now one worker is started for every " + counted(f.scaler_value, "request"));
  } else {
    helps.push_back("wait: another worker starts when a job has waited longer than " + to_string(f.scaler_value) +
                    " s; lower scalerValue to have it sooner");
  }
  if (low) helps.push_back("submit with normal priority: such jobs go first");
}

std::vector<std::string> helps_against(WaitCode code, const EndpointSituation& in, bool low) {
  const WaitFacts& f = in.facts;
  const std::string attach = "attach a worker of your own: penstock worker attach " + in.endpoint.str();
  std::vector<std::string> helps;
  switch (code) {
    case WaitCode::running:
      break;
    case WaitCode::server_stopping:
      helps = {"start the server again: the job is kept"};
      break;
    case WaitCode::workers_max_zero:
      helps = {"raise workersMax above 0", attach};
      break;
    case WaitCode::workers_starting:
      helps = {"wait: the job is taken as soon as one is ready"};
      if (f.crashes > 0) helps.push_back("see why the last one ended: " + f.crash_cause);
      break;
    case WaitCode::workers_busy:
      help_busy(in, low, helps);
      break;
    case WaitCode::no_capacity:
      helps = {"stop or lower workersMin of what holds these GPUs", "allow more pools in gpuIds, or lower gpuCount"};
      break;
    case WaitCode::no_matching_node:
      helps = {"change gpuIds, gpuCount, locations, data centres or network volumes of the endpoint", attach};
      break;
    case WaitCode::release_draining:
      helps = {"wait for the jobs of the former release, or cancel them",
               "allow more pools in gpuIds, so that both releases fit"};
      break;
    case WaitCode::crash_loop:
      helps = {"cure the cause: " + f.crash_cause,
               "save the endpoint or its template with the cure: a new release is tried at once",
               "wait until " + iso8601(*f.held_back_until) + " for the next try"};
      break;
    case WaitCode::low_priority_waits:
      helps = {"submit with normal priority: a worker starts at once",
               f.low_priority_due ? "wait until " + iso8601(*f.low_priority_due) + ": then one starts for it"
                                  : std::string("wait: one starts when the job has waited for 60 s")};
      break;
    case WaitCode::input_loading:
      helps = {"wait a moment: inputs beyond jobs.queued_memory_mb are read from disk before their jobs' turn"};
      break;
    case WaitCode::batch_draft:
      helps = {"finalize the batch"};
      break;
    case WaitCode::budget_used_up:
      helps = {"raise or remove the budget (" + f.budget + "): penstock budget", "wait for tomorrow (UTC)", attach};
      break;
  }
  return helps;
}

// ---------------------------------------------------------------- one job

Why of_ended(const JobSituation& job) {
  Why out;
  const std::string ago = job.ended_ago ? " " + in_words(*job.ended_ago) + " ago" : std::string();
  out.summary = "job " + to_string(job.id) + " waits for nothing: it is " + std::string(to_text(job.status)) +
                ", since" + (ago.empty() ? " its end" : ago);
  if (job.error) out.facts.push_back("it ended with the error " + quoted(*job.error));
  if (job.waited) out.facts.push_back("it waited for " + in_words(*job.waited));
  if (job.ran) out.facts.push_back("it ran for " + in_words(*job.ran) + " on worker " + job.worker.str());
  if (job.attempt == 0) out.facts.push_back("no worker ever had it");
  const bool again = job.status == JobStatus::failed || job.status == JobStatus::timed_out;
  if (again) out.helps.push_back("run it again: POST /v2/{endpoint}/retry/" + to_string(job.id));
  return out;
}

Why of_running(const JobSituation& job) {
  Why out;
  out.summary = "job " + to_string(job.id) + " is at work on worker " + job.worker.str() +
                (job.ran ? " since " + in_words(*job.ran) : std::string());
  if (job.attempt > 1) out.facts.push_back("it is its hand-out number " + to_string(job.attempt));
  out.facts.push_back(job.run_left ? "its execution time-out ends it in " + in_words(*job.run_left)
                                   : std::string("no execution time-out ends it"));
  if (job.ttl_left) out.facts.push_back("its time to live is over in " + in_words(*job.ttl_left));
  return out;
}

}  // namespace

std::string in_words(Millis time) {
  const std::int64_t ms = std::max<std::int64_t>(time.count(), 0);
  if (ms < 1'000) return to_string(ms) + " ms";
  if (ms < 120'000) return to_string(ms / 1'000) + " s";
  if (ms < 7'200'000) return to_string(ms / 60'000) + " min";
  if (ms < 172'800'000) return to_string(ms / 3'600'000) + " h";
  return to_string(ms / 86'400'000) + " days";
}

Why why(const EndpointSituation& in) {
  Why out;
  const bool low = !in.waits;
  std::optional<WaitCode> code = low ? in.low_priority_waits : in.waits;
  if (code && in.stopping) code = WaitCode::server_stopping;
  if (code) {
    out.summary = "jobs wait: " + explain(*code, in.facts, low);
    out.helps = helps_against(*code, in, low);
  } else {
    out.summary = in.in_progress > 0 ? "no job waits: every job has its worker" : "no job waits and none is at work";
  }
  tell_workers(in, out.facts);
  tell_jobs(in, out.facts);
  tell_scaler(in, out.facts);
  tell_idle(in, out.facts);
  return out;
}

Why why(const JobSituation& job, const EndpointSituation& in) {
  if (is_terminal(job.status)) return of_ended(job);
  if (job.status == JobStatus::in_progress || !job.wait) return of_running(job);
  Why out;
  out.summary = "job " + to_string(job.id) + " waits" +
                (job.waited ? " since " + in_words(*job.waited) : std::string()) + ": " + job.wait->message;
  if (job.attempt > 0) out.facts.push_back("it was handed out before and lost with worker " + job.worker.str());
  if (job.priority != Priority::normal) {
    out.facts.push_back("its priority is " + std::string(to_text(job.priority)));
  }
  if (job.ttl_left) out.facts.push_back("it has " + in_words(*job.ttl_left) + " left: then its time to live is over");
  tell_workers(in, out.facts);
  tell_jobs(in, out.facts);
  tell_scaler(in, out.facts);
  out.helps = helps_against(job.wait->code, in, job.priority == Priority::low);
  return out;
}

}  // namespace penstock::core
