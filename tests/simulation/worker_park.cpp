#include "worker_park.h"

#include <algorithm>

#include "violation.h"

namespace penstock::simulation {
namespace {

constexpr Millis kPollPatience{90'000};  // of the SDK (contract/data-plane 2.3)

}  // namespace

struct WorkerPark::Behaviour {
  bool never_ready = false;
  bool ignores_term = false;
  bool pings = true;
  bool refreshes = false;  // exits after each job and asks to be replaced
  int concurrency = 1;
  Millis boot{0};
};

/// One execution of a job in a worker.
struct WorkerPark::Run {
  JobId job;
  std::uint64_t exec = 0;
  bool blocking = false;  // a synchronous handler: no poll is read and no stop is heard while it runs
  int chunks_left = 0;
  bool progress = false;
  bool fails = false;
  bool hangs = false;
  bool kills_worker = false;
  bool loses_result = false;
  bool repeats_result = false;
  bool late = false;
  bool hang_after = false;
};

struct WorkerPark::Member {
  WorkerId id;
  EndpointId endpoint;
  std::uint64_t life = 0;
  Behaviour behaviour;
  bool external = false;
  bool told_to_stop = false;
  bool hung = false;
  bool frozen = false;
  int silent = 0;  // runs during which it does not ping
  core::Token take_token = 0;
  core::Token stop_token = 0;
  Time take_since{};
  bool take_open = false;
  bool stop_open = false;
  std::map<JobId, Run> runs;
  std::vector<core::HandOut> unread;  // answers that came while its event loop was blocked

  bool blocked() const {
    return hung || frozen || std::ranges::any_of(runs, [](const auto& run) { return run.second.blocking; });
  }
};

WorkerPark::WorkerPark(const Scenario& scenario, Timeline& timeline, Dice& dice, Shell*& shell)
    : scenario_(scenario),
      timeline_(timeline),
      dice_(dice),
      shell_(shell),
      launcher_(
          [this](const launch::WorkerSpec& spec) {
            const Faults& f = scenario_.faults;
            const Behaviour behaviour = draw_behaviour();
            plans_[spec.id] = behaviour;
            launch::SimulatedBehaviour life;
            life.start_delay = dice_.skewed(1ms, 4'000ms);
            life.ignores_term = behaviour.ignores_term;
            life.drain = dice_.skewed(0ms, 3'000ms);
            if (calm_) return life;
            if (dice_.chance(f.start_fails)) life.start_failure = "no such image";
            if (dice_.chance(f.exits_at_start)) {
              life.exit_after = dice_.skewed(1ms, 5'000ms);
              life.exit_code = 1;
            }
            life.survives_restart = !dice_.chance(f.dies_with_server);
            return life;
          },
          [this](launch::Event event) { on_launcher(std::move(event)); }) {}

WorkerPark::~WorkerPark() = default;

WorkerPark::Behaviour WorkerPark::draw_behaviour() {
  const Faults& f = scenario_.faults;
  Behaviour b;
  b.boot = dice_.skewed(5ms, 8'000ms);
  b.concurrency = dice_.between(1, scenario_.concurrency_max);
  if (calm_) return b;
  b.never_ready = dice_.chance(f.never_ready);
  b.ignores_term = dice_.chance(f.ignores_term);
  b.pings = !dice_.chance(f.never_pings);
  b.refreshes = dice_.chance(f.refreshes);
  return b;
}

// ---------------------------------------------------------------- the launcher

void WorkerPark::give_order(core::LaunchOrder order) {
  if (const auto* start = std::get_if<core::StartWorker>(&order)) {
    homes_[start->id] = start->endpoint;
    launcher_.start(launch::WorkerSpec{start->id, start->image, {"run"}, start->env});
  } else if (const auto* stop = std::get_if<core::StopWorker>(&order)) {
    const auto member = members_.find(stop->id);
    if (member != members_.end() && stop->grace > 0ms && !member->second->behaviour.ignores_term) {
      member->second->told_to_stop = true;
    }
    launcher_.stop(stop->id, stop->grace);
  } else if (const auto* adopt = std::get_if<core::AdoptWorker>(&order)) {
    launcher_.adopt(adopt->id, adopt->handle, {adopt->frozen, adopt->gpu_parked});
  } else if (const auto* freeze = std::get_if<core::FreezeWorker>(&order)) {
    launcher_.freeze(freeze->id);
  } else if (const auto* thaw = std::get_if<core::ThawWorker>(&order)) {
    launcher_.thaw(thaw->id);
  }
  advance();
}

void WorkerPark::server_died() {
  launcher_.restart();
}

void WorkerPark::on_launcher(launch::Event event) {
  if (!shell_->up()) return;
  if (auto* started = std::get_if<launch::Started>(&event)) {
    shell_->give(core::WorkerStarted{started->id, started->handle});
  } else if (auto* failed = std::get_if<launch::StartFailed>(&event)) {
    shell_->give(core::WorkerStartFailed{failed->id, failed->reason});
  } else if (auto* frozen = std::get_if<launch::Frozen>(&event)) {
    shell_->give(core::WorkerFrozen{frozen->id, frozen->gpu_parked, {}});
  } else if (auto* thawed = std::get_if<launch::Thawed>(&event)) {
    shell_->give(core::WorkerThawed{thawed->id, thawed->took});
  } else if (std::holds_alternative<launch::Exited>(event)) {
    if (scenario_.mutation == Mutation::lost_exit && dice_.chance(100)) return;
    auto& exited = std::get<launch::Exited>(event);
    shell_->give(core::WorkerExited{exited.id, exited.exit_code, exited.cause});
  }
}

void WorkerPark::advance() {
  launcher_.advance(timeline_.now());
  const std::set<WorkerId> alive = launcher_.living();
  std::vector<WorkerId> dead;
  for (const auto& [id, member] : members_) {
    if (!member->external && !alive.contains(id)) dead.push_back(id);
  }
  for (const WorkerId& id : dead) bury(id);
  for (const WorkerId& id : alive) {
    if (!members_.contains(id)) begin(id, homes_.at(id), plans_.at(id), false);
    set_frozen(*members_.at(id), launcher_.is_frozen(id));
  }
}

void WorkerPark::set_frozen(Member& member, bool frozen) {
  if (member.frozen == frozen) return;
  member.frozen = frozen;
  if (frozen) return;
  const std::vector<core::HandOut> unread = std::move(member.unread);
  member.unread.clear();
  receive(member, unread);
  later(member, dice_.between(1ms, 20ms), &WorkerPark::take);
  later(member, 1'000ms, &WorkerPark::poll_stops);
}

WorkerPark::Member& WorkerPark::begin(const WorkerId& id, const EndpointId& endpoint, const Behaviour& behaviour,
                                      bool external) {
  auto made = std::make_unique<Member>();
  made->id = id;
  made->endpoint = endpoint;
  made->life = next_life_++;
  made->behaviour = behaviour;
  made->external = external;
  Member& member = *made;
  members_[id] = std::move(made);
  if (behaviour.never_ready) return member;
  if (behaviour.pings) later(member, behaviour.boot / 2, &WorkerPark::ping);
  later(member, behaviour.boot, &WorkerPark::take);
  later(member, behaviour.boot, &WorkerPark::poll_stops);
  return member;
}

void WorkerPark::bury(const WorkerId& id) {
  const auto found = members_.find(id);
  // The kernel closes its connections; the server notices a moment later.
  for (const core::Token token : {found->second->take_open ? found->second->take_token : 0,
                                  found->second->stop_open ? found->second->stop_token : 0}) {
    if (token != 0) timeline_.after(dice_.between(0ms, 5ms), [this, token] { shell_->forget(token); });
  }
  members_.erase(found);
}

WorkerPark::Member* WorkerPark::find(const WorkerId& id, std::uint64_t life) {
  const auto found = members_.find(id);
  return found == members_.end() || found->second->life != life ? nullptr : found->second.get();
}

void WorkerPark::later(Member& member, Millis delay, void (WorkerPark::*what)(Member&)) {
  timeline_.after(delay, [this, id = member.id, life = member.life, what] {
    if (Member* alive = find(id, life)) (this->*what)(*alive);
  });
}

void WorkerPark::attach(const EndpointId& endpoint, const WorkerId& worker) {
  homes_[worker] = endpoint;
  begin(worker, endpoint, draw_behaviour(), true);
}

void WorkerPark::end_external(const WorkerId& worker) {
  const auto found = members_.find(worker);
  if (found != members_.end() && found->second->external) bury(worker);
}

std::vector<std::pair<EndpointId, WorkerId>> WorkerPark::external() const {
  std::vector<std::pair<EndpointId, WorkerId>> out;
  for (const auto& [id, member] : members_) {
    if (member->external) out.emplace_back(member->endpoint, id);
  }
  return out;
}

void WorkerPark::calm_down() {
  calm_ = true;
  std::vector<WorkerId> gone;
  for (const auto& [id, member] : members_) {
    const bool stuck = std::ranges::any_of(member->runs, [](const auto& run) { return run.second.hangs; });
    if (member->external) {
      gone.push_back(id);
    } else if (stuck) {
      launcher_.crash(id);
    }
  }
  for (const WorkerId& id : gone) bury(id);
  advance();
}

void WorkerPark::die(Member& member) {
  if (member.external) {
    bury(member.id);
  } else {
    launcher_.crash(member.id);
    advance();
  }
}

// ---------------------------------------------------------------- the three loops

void WorkerPark::take(Member& member) {
  if (member.take_open || member.told_to_stop) return;
  const int slots = member.behaviour.concurrency - static_cast<int>(member.runs.size());
  if (slots <= 0 || member.blocked()) return;  // goes on when a run ends
  if (!shell_->up() || dice_.chance(calm_ ? 0 : scenario_.faults.request_lost)) {
    return later(member, dice_.between(50ms, 1'000ms), &WorkerPark::take);
  }
  member.take_open = true;
  member.take_since = timeline_.now();
  core::TakeJobs command;
  command.endpoint = member.endpoint;
  command.worker = member.id;
  command.max_jobs = slots;
  command.says_busy = !member.runs.empty();
  member.take_token =
      shell_->call(std::move(command),
                   {[this, id = member.id, life = member.life](core::Reply& reply) { take_answered(id, life, reply); },
                    [this, id = member.id, life = member.life] {
                      Member* alive = find(id, life);
                      if (!alive) return;
                      alive->take_open = false;
                      later(*alive, dice_.between(50ms, 500ms), &WorkerPark::take);
                    }});
  if (dice_.chance(calm_ ? 0 : scenario_.faults.request_lost)) {  // it drops this poll some time later
    timeline_.after(dice_.between(1ms, 10'000ms),
                    [this, id = member.id, life = member.life, token = member.take_token] {
                      Member* alive = find(id, life);
                      if (!alive || !alive->take_open || alive->take_token != token) return;
                      shell_->forget(token);
                      alive->take_open = false;
                      later(*alive, 1ms, &WorkerPark::take);
                    });
  }
}

void WorkerPark::take_answered(const WorkerId& id, std::uint64_t life, core::Reply& reply) {
  Member* member = find(id, life);
  const bool listens = member && member->take_open && member->take_token == reply.to;
  const bool written = listens && !dice_.chance(calm_ ? 0 : scenario_.faults.answer_lost);
  auto* out = std::get_if<core::HandOuts>(&reply.what);
  if (out && !out->jobs.empty() && !written) {
    core::HandOutLost lost;
    lost.endpoint = homes_.at(id);
    lost.worker = id;
    for (const auto& job : out->jobs) lost.jobs.emplace_back(job.id, job.attempt);
    shell_->give(std::move(lost));
  }
  if (!listens) return;
  if (out && !out->jobs.empty() && timeline_.now() - member->take_since >= kPollPatience) {
    violated("worker {} got a job in a poll that it had given up by then", id.str());
  }
  member->take_open = false;
  if (written && out && !out->jobs.empty()) {
    timeline_.after(dice_.between(1ms, 20ms), [this, id, life, jobs = std::move(out->jobs)] {
      if (Member* alive = find(id, life)) receive(*alive, jobs);
    });
  }
  later(*member, dice_.between(1ms, 20ms) + 1ms, &WorkerPark::take);
}

void WorkerPark::poll_stops(Member& member) {
  if (member.stop_open || member.told_to_stop || member.hung || member.frozen) return;
  if (!shell_->up()) return later(member, 1'000ms, &WorkerPark::poll_stops);
  member.stop_open = true;
  core::PollStops command;
  command.endpoint = member.endpoint;
  command.worker = member.id;
  member.stop_token = shell_->call(std::move(command), {[this, id = member.id, life = member.life](core::Reply& reply) {
                                                          Member* alive = find(id, life);
                                                          if (!alive || !alive->stop_open) return;
                                                          alive->stop_open = false;
                                                          const auto* list = std::get_if<core::StopList>(&reply.what);
                                                          if (list && !list->jobs.empty())
                                                            stops_answered(*alive, *list);
                                                          later(*alive, list && !list->jobs.empty() ? 2ms : 1'000ms,
                                                                &WorkerPark::poll_stops);
                                                        },
                                                        [this, id = member.id, life = member.life] {
                                                          Member* alive = find(id, life);
                                                          if (!alive) return;
                                                          alive->stop_open = false;
                                                          later(*alive, 1'000ms, &WorkerPark::poll_stops);
                                                        }});
}

void WorkerPark::stops_answered(Member& member, const core::StopList& list) {
  if (member.blocked()) return;
  for (const JobId& job : list.jobs) {
    const auto run = member.runs.find(job);
    if (run == member.runs.end()) continue;
    if (run->second.late) --member.silent;
    member.runs.erase(run);  // cancelled: no result follows
  }
  later(member, 1'000ms, &WorkerPark::take);
}

void WorkerPark::ping(Member& member) {
  later(member, scenario_.settings.ping_interval, &WorkerPark::ping);
  if (!shell_->up() || member.frozen || member.silent > 0 || dice_.chance(calm_ ? 0 : scenario_.faults.request_lost))
    return;
  core::Ping command;
  command.endpoint = member.endpoint;
  command.worker = member.id;
  for (const auto& [job, run] : member.runs) command.jobs.push_back(job);
  shell_->give(std::move(command));
}

// ---------------------------------------------------------------- running jobs

void WorkerPark::receive(Member& member, const std::vector<core::HandOut>& jobs) {
  if (member.blocked()) {
    member.unread.insert(member.unread.end(), jobs.begin(), jobs.end());
    return;
  }
  for (const auto& job : jobs) {
    if (!dice_.chance(calm_ ? 0 : scenario_.faults.rejects_job)) start_run(member, job.id);
  }
}

void WorkerPark::start_run(Member& member, const JobId& job) {
  if (member.runs.contains(job)) return;
  Run run;
  run.job = job;
  run.exec = next_exec_++;
  run.blocking = dice_.chance(300);
  run.chunks_left = dice_.chance(300) ? dice_.between(1, 6) : 0;
  run.progress = dice_.chance(200);
  run.fails = dice_.chance(150);
  if (!calm_) {
    const Faults& f = scenario_.faults;
    run.hangs = dice_.chance(f.hangs_in_job);
    run.kills_worker = dice_.chance(f.dies_in_job);
    run.loses_result = dice_.chance(f.loses_result);
    run.repeats_result = dice_.chance(f.repeats_result);
    run.late = dice_.chance(f.late_result);
    run.hang_after = dice_.chance(f.hangs_after_job);
  }
  if (run.late) ++member.silent;
  const std::uint64_t exec = run.exec;
  member.runs.emplace(job, std::move(run));
  next_act(member, job, exec);
}

void WorkerPark::next_act(Member& member, const JobId& job, std::uint64_t exec) {
  const Run& run = member.runs.at(job);
  if (run.hangs) return;
  Millis pause = dice_.skewed(1ms, 8'000ms);
  if (run.late && run.chunks_left == 0) {
    pause += scenario_.settings.ping_interval * scenario_.settings.lease_pings + dice_.between(0ms, 5'000ms);
  }
  timeline_.after(pause, [this, id = member.id, life = member.life, job, exec] { act(id, life, job, exec); });
}

void WorkerPark::act(const WorkerId& id, std::uint64_t life, const JobId& job, std::uint64_t exec) {
  Member* member = find(id, life);
  if (!member) return;
  const auto found = member->runs.find(job);
  if (found == member->runs.end() || found->second.exec != exec) return;  // it was stopped meanwhile
  Run& run = found->second;
  if (run.kills_worker && dice_.chance(500)) return die(*member);
  if (run.chunks_left > 0) return post_chunk(*member, run);
  if (run.kills_worker) return die(*member);
  post_result(*member, run, 3);
}

void WorkerPark::post_chunk(Member& member, Run& run) {
  --run.chunks_left;
  if (run.progress && shell_->up()) {
    core::ReportProgress progress;
    progress.endpoint = member.endpoint;
    progress.worker = member.id;
    progress.job = run.job;
    progress.output = core::bytes("\"" + std::to_string(run.chunks_left) + " to go\"");
    shell_->call(std::move(progress), {[](core::Reply&) {}});
  }
  const auto go_on = [this, id = member.id, life = member.life, job = run.job, exec = run.exec] {
    Member* alive = find(id, life);
    if (!alive || !alive->runs.contains(job) || alive->runs.at(job).exec != exec) return;
    next_act(*alive, job, exec);
  };
  if (!shell_->up() || dice_.chance(calm_ ? 0 : scenario_.faults.request_lost)) return go_on();
  core::AddChunk chunk;
  chunk.endpoint = member.endpoint;
  chunk.worker = member.id;
  chunk.job = run.job;
  chunk.chunk =
      core::bytes("{\"output\":\"" + std::to_string(run.exec) + ":" + std::to_string(run.chunks_left) + "\"}");
  shell_->call(std::move(chunk), {[go_on](core::Reply&) { go_on(); }, go_on});
}

/// The SDK tries again on 5xx only; a connection that cannot be made loses the result (contract/data-plane 2.5).
void WorkerPark::post_result(Member& member, Run& run, int tries_left) {
  const WorkerId id = member.id;
  const std::uint64_t life = member.life;
  const auto done = [this, id, life, job = run.job, exec = run.exec] {
    if (Member* alive = find(id, life)) finished(*alive, job, exec);
  };
  if (run.loses_result) return done();
  if (!shell_->up()) {
    const bool front_answers_503 = dice_.chance(500);
    if (!front_answers_503 || tries_left <= 1) return done();
    timeline_.after(2'000ms, [this, id, life, job = run.job, exec = run.exec, tries_left] {
      Member* alive = find(id, life);
      if (!alive || !alive->runs.contains(job) || alive->runs.at(job).exec != exec) return;
      post_result(*alive, alive->runs.at(job), tries_left - 1);
    });
    return;
  }
  core::FinishJob result;
  result.endpoint = member.endpoint;
  result.worker = id;
  result.job = run.job;
  result.output = dice_.chance(100) ? nullptr : core::bytes("{\"exec\":" + std::to_string(run.exec) + "}");
  if (run.fails) result.error = "handler: no good";
  result.recycle_worker = member.behaviour.refreshes;
  if (run.repeats_result) {
    timeline_.after(dice_.skewed(1ms, 20'000ms), [this, again = result]() mutable {
      if (shell_->up()) shell_->call(std::move(again), {[](core::Reply&) {}});
    });
  }
  shell_->call(std::move(result), {[done](core::Reply&) { done(); }, done});
}

void WorkerPark::finished(Member& member, const JobId& job, std::uint64_t exec) {
  const auto run = member.runs.find(job);
  if (run == member.runs.end() || run->second.exec != exec) return;
  if (run->second.late) --member.silent;
  if (run->second.hang_after) member.hung = true;
  member.runs.erase(run);
  if (member.behaviour.refreshes && member.runs.empty()) return die(member);
  if (!member.blocked()) {
    const std::vector<core::HandOut> unread = std::move(member.unread);
    member.unread.clear();
    receive(member, unread);
  }
  later(member, dice_.between(0ms, 1'000ms), &WorkerPark::take);
}

}  // namespace penstock::simulation
