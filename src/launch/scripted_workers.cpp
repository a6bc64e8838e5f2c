#include "launch/scripted_workers.h"

#include <algorithm>
#include <utility>

namespace penstock::launch {
namespace {

// Between two polls of which the first was answered at once with nothing: a worker that is about to be stopped.
constexpr Millis kPause{1};

}  // namespace

struct ScriptedWorkers::Member {
  WorkerId id;
  EndpointId endpoint;
  std::uint64_t life = 0;  // tells it from others whose turn on the agenda is still to come
  WorkerPlan plan;
  bool runs = false;
};

ScriptedWorkers::ScriptedWorkers(Outside outside)
    : outside_(std::move(outside)),
      launcher_(
          [this](const WorkerSpec& spec) {
            const WorkerPlan& plan = members_.at(spec.id)->plan;
            SimulatedBehaviour behaviour;
            behaviour.start_failure = plan.start_failure;
            if (plan.crash_code) {
              behaviour.exit_after = plan.loading;
              behaviour.exit_code = *plan.crash_code;
            }
            return behaviour;
          },
          [this](Event event) { on_launcher(std::move(event)); }) {}

ScriptedWorkers::~ScriptedWorkers() = default;

void ScriptedWorkers::obey(const core::LaunchOrder& order) {
  if (const auto* begin = std::get_if<core::StartWorker>(&order)) start(*begin);
  if (const auto* stop = std::get_if<core::StopWorker>(&order)) launcher_.stop(stop->id, stop->grace);
  if (const auto* adopt = std::get_if<core::AdoptWorker>(&order))
    launcher_.adopt(adopt->id, adopt->handle, {adopt->frozen, adopt->gpu_parked});
  if (const auto* freeze = std::get_if<core::FreezeWorker>(&order)) launcher_.freeze(freeze->id);
  if (const auto* thaw = std::get_if<core::ThawWorker>(&order)) launcher_.thaw(thaw->id);
}

void ScriptedWorkers::start(const core::StartWorker& order) {
  auto member = std::make_unique<Member>();
  member->id = order.id;
  member->endpoint = order.endpoint;
  member->life = next_life_++;
  member->plan = outside_.plan_worker(order);
  members_[order.id] = std::move(member);
  launcher_.start(WorkerSpec{order.id, order.image, {"scripted"}, {}});
}

void ScriptedWorkers::on_launcher(Event event) {
  if (const auto* started = std::get_if<Started>(&event)) {
    outside_.give(core::WorkerStarted{started->id, started->handle});
    Member& member = *members_.at(started->id);
    member.runs = true;
    if (member.plan.crash_code) return;
    agenda_.emplace(now_ + member.plan.loading, [this, id = member.id, life = member.life] {
      if (Member* loaded = find(id, life)) take(*loaded);
    });
  } else if (const auto* failed = std::get_if<StartFailed>(&event)) {
    outside_.give(core::WorkerStartFailed{failed->id, failed->reason});
    members_.erase(WorkerId(failed->id));
  } else if (const auto* frozen = std::get_if<Frozen>(&event)) {
    outside_.give(core::WorkerFrozen{frozen->id, frozen->gpu_parked, {}});
  } else if (const auto* thawed = std::get_if<Thawed>(&event)) {
    outside_.give(core::WorkerThawed{thawed->id, thawed->took});
  } else if (const auto* exited = std::get_if<Exited>(&event)) {
    outside_.give(core::WorkerExited{exited->id, exited->exit_code, exited->cause});
    members_.erase(WorkerId(exited->id));
  }
}

ScriptedWorkers::Member* ScriptedWorkers::find(const WorkerId& id, std::uint64_t life) {
  const auto found = members_.find(id);
  return found == members_.end() || found->second->life != life || !found->second->runs ? nullptr : found->second.get();
}

void ScriptedWorkers::take(Member& member) {
  core::TakeJobs poll;
  poll.endpoint = member.endpoint;
  poll.worker = member.id;
  poll.to = outside_.expect([this, id = member.id, life = member.life, asked = now_](const core::Reply& reply) {
    taken(id, life, asked, reply);
  });
  outside_.give(std::move(poll));
}

void ScriptedWorkers::taken(const WorkerId& id, std::uint64_t life, Time asked, const core::Reply& reply) {
  Member* member = find(id, life);
  const auto* jobs = std::get_if<core::HandOuts>(&reply.what);
  if (!member || !jobs) return;  // it is gone, or the server no longer knows it: it is being ended
  if (!jobs->jobs.empty()) return work(*member, jobs->jobs.front());
  agenda_.emplace(now_ + (now_ > asked ? Millis{0} : kPause), [this, id, life] {
    if (Member* again = find(id, life)) take(*again);
  });
}

void ScriptedWorkers::work(Member& member, const core::HandOut& job) {
  const JobPlan plan = outside_.plan_job(member.endpoint, job);
  if (plan.hangs) return;
  agenda_.emplace(now_ + std::max(plan.execution, Millis{0}),
                  [this, id = member.id, life = member.life, job, plan] { finish(id, life, job, plan); });
}

void ScriptedWorkers::finish(const WorkerId& id, std::uint64_t life, const core::HandOut& job, const JobPlan& plan) {
  Member* member = find(id, life);
  if (!member) return;
  if (plan.death_code) return launcher_.die(id, *plan.death_code);
  core::FinishJob result;
  result.endpoint = member->endpoint;
  result.worker = id;
  result.job = job.id;
  result.error = plan.error;
  if (!plan.error) result.output = plan.output ? plan.output : job.input;
  outside_.give(std::move(result));
  take(*member);
}

void ScriptedWorkers::advance(Time now) {
  while (const auto next = next_event()) {
    if (*next > now) break;
    now_ = std::max(now_, *next);
    launcher_.advance(now_);
    while (!agenda_.empty() && agenda_.begin()->first <= now_) {
      const std::function<void()> act = std::move(agenda_.begin()->second);
      agenda_.erase(agenda_.begin());
      act();
    }
  }
  now_ = std::max(now_, now);
  launcher_.advance(now_);
}

std::optional<Time> ScriptedWorkers::next_event() const {
  std::optional<Time> next = launcher_.next_event();
  if (!agenda_.empty()) next = next ? std::min(*next, agenda_.begin()->first) : agenda_.begin()->first;
  return next;
}

}  // namespace penstock::launch
