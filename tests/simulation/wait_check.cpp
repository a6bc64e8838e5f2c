#include "wait_check.h"

#include <algorithm>

#include "state_check.h"
#include "violation.h"

namespace penstock::simulation {
namespace {

using core::WaitCode;

/// The workers of an endpoint, as their records and polls show them.
struct Staff {
  int ready = 0;     // of the server's own, not ending
  int starting = 0;  // the same
  int polling = 0;   // with an open job-take, not ending
  int external = 0;
  int former = 0;  // of an earlier release, ending
};

Staff staff_of(const Ledger& ledger, const core::Endpoint& endpoint) {
  Staff staff;
  for (const auto& [id, worker] : ledger.workers().all()) {
    if (worker.endpoint != endpoint.id) continue;
    if (worker.draining) {
      staff.former += worker.release < endpoint.version ? 1 : 0;
      continue;
    }
    if (worker.frozen) continue;  // no capacity until it is thawed
    staff.polling += ledger.polls_for_jobs(id) ? 1 : 0;
    if (worker.external) {
      staff.external += worker.ready ? 1 : 0;
    } else {
      ++(worker.start.polled ? staff.ready : staff.starting);
    }
  }
  return staff;
}

/// A place that is free may be kept for an endpoint that is before this one in the line. That one lacks workers itself.
bool is_kept_for_another(const Ledger& ledger, const core::Endpoint& endpoint, const std::string& message) {
  constexpr std::string_view kKept = "is kept for endpoint ";
  const auto at = message.find(kKept);
  if (at == std::string::npos) return false;
  const auto begin = at + kKept.size();
  const auto id = EndpointId::parse(message.substr(begin, message.find(',', begin) - begin));
  const core::Endpoint* other = id ? ledger.endpoints().find(*id) : nullptr;
  if (!other || other->id == endpoint.id) return false;
  const Staff staff = staff_of(ledger, *other);
  if (staff.ready + staff.starting < other->workers_min) return true;
  return std::ranges::any_of(ledger.jobs().all(), [&](const auto& job) {
    return job.second.request.endpoint == other->id && job.second.state.status == core::JobStatus::in_queue;
  });
}

}  // namespace

void WaitCheck::see(Time now, const core::Effects& effects) {
  for (const core::Reply& reply : effects.replies) {
    if (const auto* accepted = std::get_if<core::JobAccepted>(&reply.what)) {
      if (is_terminal(accepted->status) == accepted->wait.has_value()) {
        violated("job {} was accepted as {} with{} reason why it waits", accepted->id.str(), to_text(accepted->status),
                 accepted->wait ? " a" : "out a");
      }
      if (accepted->wait) see(now, accepted->id, *accepted->wait);
    }
    const auto* answer = std::get_if<core::JobReply>(&reply.what);
    if (!answer) continue;
    if (is_terminal(answer->job.status) == answer->job.wait.has_value()) {
      violated("job {} is {} and was told with{} reason why it waits", answer->job.id.str(),
               to_text(answer->job.status), answer->job.wait ? " a" : "out a");
    }
    if (answer->job.wait) see(now, answer->job.id, *answer->job.wait);
  }
}

void WaitCheck::see_all(Time now, const core::Engine& engine) {
  for (const auto& [id, job] : ledger_.jobs().all()) {
    if (is_terminal(job.state.status)) continue;
    const auto view = engine.find_job(now, job.request.endpoint, id);
    if (!view || !view->wait) violated("job {} waits without a reason", id.str());
    see(now, id, *view->wait);
  }
}

void WaitCheck::see(Time now, const JobId& id, const core::WaitReason& wait) {
  const JobShadow* job = ledger_.jobs().find(id);
  if (!job || is_terminal(job->state.status)) violated("job {} does not wait and was given a reason", id.str());
  if (wait.message.empty()) violated("job {}: no words for {}", id.str(), to_text(wait.code));
  check_truth(now, *job, wait);
  check_since(now, id, wait);
  ++given_[wait.code];
}

void WaitCheck::check_truth(Time now, const JobShadow& job, const core::WaitReason& wait) const {
  const JobId& id = job.request.id;
  const core::Endpoint& endpoint = *ledger_.endpoints().find(job.request.endpoint);
  const Staff staff = staff_of(ledger_, endpoint);
  const bool runs = job.state.status == core::JobStatus::in_progress;
  const auto wrong = [&](const char* why) {
    violated("job {} of endpoint {} waits as {}, but {} ({})", id.str(), endpoint.id.str(), to_text(wait.code), why,
             wait.message);
  };
  if (runs != (wait.code == WaitCode::running)) wrong(runs ? "a worker has it" : "it is in the queue");
  if (runs && wait.since != job.state.started) wrong("it was handed out at another time");
  if (!runs && ledger_.server_stops() != (wait.code == WaitCode::server_stopping)) wrong("the server does otherwise");
  if (runs || wait.code == WaitCode::server_stopping) return;
  if (staff.polling > 0 && wait.code != WaitCode::input_loading) wrong("a worker asks for a job");
  const bool none = staff.ready + staff.starting == 0;
  const bool fits_now = fits(nodes_, ledger_, endpoint);
  switch (wait.code) {
    case WaitCode::workers_max_zero:
      if (endpoint.workers_max != 0 || !none) wrong("workers may start or are there");
      break;
    case WaitCode::workers_starting:
      if (staff.starting == 0) wrong("no worker starts");
      if (staff.ready > 0) wrong("workers are ready");
      break;
    case WaitCode::workers_busy:
      if (staff.ready + staff.external == 0) wrong("no worker is ready");
      break;
    case WaitCode::no_capacity:
    case WaitCode::no_matching_node:
    case WaitCode::release_draining:
      if (!none || (fits_now && !is_kept_for_another(ledger_, endpoint, wait.message))) {
        wrong("a worker is there or has a place");
      }
      if (fits(nodes_, ledger_, endpoint, true) != (wait.code != WaitCode::no_matching_node)) {
        wrong("with all GPUs free it would be otherwise");
      }
      if (wait.code != WaitCode::no_matching_node && (staff.former > 0) != (wait.code == WaitCode::release_draining)) {
        wrong("the workers of the former release are not as it says");
      }
      break;
    case WaitCode::crash_loop: {
      const auto crashed = ledger_.crashed_at(endpoint.id);
      if (!none) wrong("workers are there");
      if (!crashed) wrong("no worker crashed");
      if (*crashed + settings_.crash_backoff_settled <= now) wrong("the last crash is too long ago");
      break;
    }
    case WaitCode::input_loading:
      if (staff.polling == 0) wrong("nobody asks for it");
      break;
    case WaitCode::low_priority_waits:
      if (job.request.priority != core::Priority::low) wrong("its priority is not low");
      if (!none) wrong("workers are there");
      if (now >= job.state.queued + Millis{60'000}) wrong("it has waited long enough");
      break;
    case WaitCode::budget_used_up:
      if (!none) wrong("workers are there");
      if (!ledger_.usage().is_used_up(now, endpoint)) wrong("no budget is used up");
      break;
    default:
      break;
  }
}

void WaitCheck::check_since(Time now, const JobId& id, const core::WaitReason& wait) {
  const JobShadow& job = *ledger_.jobs().find(id);
  if (wait.since > now || wait.since < job.state.queued)
    violated("job {}: its reason begins outside its life", id.str());
  const auto [known, first] = told_.try_emplace(id, Told{wait.code, wait.since, now});
  if (first) return;
  Told& before = known->second;
  const bool other = before.code != wait.code;
  if (other ? wait.since < before.at : wait.since < before.since) {
    violated("job {} waits as {} since before it was told {}", id.str(), to_text(wait.code), to_text(before.code));
  }
  before = Told{wait.code, wait.since, now};
}

}  // namespace penstock::simulation
