#include <algorithm>

#include "core/outcomes.h"
#include "ledger.h"
#include "violation.h"

namespace penstock::simulation {

/// An answer may come with the command, or at the end of its turn.
void Ledger::note_question() {
  if (!command_) return;
  std::visit(
      [this](const auto& c) {
        if constexpr (requires { c.to; }) {
          if (c.to != 0) questions_.insert_or_assign(c.to, *command_);
        }
      },
      *command_);
}

/// An idempotency key of an endpoint stands for one job as long as that is there.
void Ledger::check_key(const core::JobAdded& r) const {
  const std::string& key = r.request.idempotency_key;
  if (key != command_as<core::Submit>()->request.idempotency_key)
    violated("job {}: its key changed", r.request.id.str());
  if (key.empty()) return;
  for (const auto& [id, job] : jobs_.all()) {
    const bool same_key = job.request.endpoint == r.request.endpoint && job.request.idempotency_key == key;
    const bool there = !is_terminal(job.state.status) || job.state.expires > now_;
    if (same_key && there) violated("key {} stands for two jobs, {} and {}", key, id.str(), r.request.id.str());
  }
}

/// The answer to a submission with a key is about the job that has the key and this input.
void Ledger::see_submitted(const JobId& id) {
  const core::JobRequest& asked = command_as<core::Submit>()->request;
  const JobShadow* job = jobs_.find(id);
  if (!job && deleted_.contains(id)) return;  // with its endpoint, in the same turn
  if (!job) violated("a submission was answered with job {}, which is not there", id.str());
  const bool has_other = job->request.input && *job->request.input != *asked.input;  // none: it is over already
  if (job->request.idempotency_key != asked.idempotency_key || has_other) {
    violated("a submission with key \"{}\" was answered with job {}", asked.idempotency_key, id.str());
  }
  if (job->state.queued != now_ || is_terminal(job->state.status)) ++tally_.answered_again;
}

/// A key was refused: it stands for a job with another input.
void Ledger::check_reused() {
  ++tally_.keys_reused;
  const core::JobRequest& asked = command_as<core::Submit>()->request;
  const bool has_other = std::ranges::any_of(jobs_.all(), [&](const auto& entry) {
    const core::JobRequest& known = entry.second.request;
    return known.endpoint == asked.endpoint && known.idempotency_key == asked.idempotency_key &&
           *known.input != *asked.input;
  });
  if (!has_other) violated("key {} was refused, and stands for nothing else", asked.idempotency_key);
}

void Ledger::see_error(const Error& error, core::Token to) {
  if (error.code == Errc::busy) ++tally_.refused_full;
  if (error.code == Errc::key_reused) check_reused();
  const bool lets_go = settings_.resident_jobs_max < 1'000 || settings_.resident_bytes_max < 1'000'000;
  if (error.code != Errc::not_found || !command_ || lets_go) return;
  std::visit(
      [&](const auto& c) {
        if constexpr (requires { c.job.str() + std::to_string(c.to); }) {
          const JobShadow* job = jobs_.find(c.job);
          if (c.to == to && job && (!is_terminal(job->state.status) || job->state.expires > now_)) {
            violated("job {} is there and was answered with: {}", c.job.str(), error.message);
          }
        }
      },
      *command_);
}

/// By which jobs of an endpoint take their turns.
Time Ledger::turn_of(const JobShadow& job) const {
  if (job.request.priority == core::Priority::high) return job.state.queued - settings_.priority_ageing;
  if (job.request.priority == core::Priority::low) return job.state.queued + settings_.priority_ageing;
  return job.state.queued;
}

}  // namespace penstock::simulation
