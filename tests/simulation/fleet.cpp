#include "fleet.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <set>
#include <unordered_map>
#include <vector>

#include "core/engine.h"
#include "line_witness.h"
#include "store/memory_store.h"
#include "timeline.h"
#include "usage_ledger.h"
#include "violation.h"

namespace penstock::simulation {
namespace {

using namespace std::chrono_literals;
using core::WaitCode;

constexpr Time kBegin{Millis{1'800'000'000'000}};
constexpr Millis kWaitMax{30min};  // of a job, with everything that goes wrong here

struct FleetWorker {
  core::Worker record;
  bool alive = false;  // its process runs
  std::uint64_t life = 0;
  std::optional<JobId> job;
  int holds = 0;         // jobs, by the records
  bool stopped = false;  // it was told to end
};

/// An endpoint as the records have it, and what gave it a cause to start workers.
struct Site {
  core::Endpoint endpoint;
  std::int64_t causes = 0;  // jobs, deaths, changes that each may start as many as workersMax
  std::int64_t starts = 0;
};

class FleetWorld {
 public:
  explicit FleetWorld(const FleetScenario& scenario)
      : scenario_(scenario), dice_(scenario.seed * 2 + 1), identifiers_(scenario.seed), usage_(settings()) {
    core::Node node;
    node.name = "node";
    node.emulated = true;
    for (int i = 0; i < scenario.gpus; ++i) node.gpus.push_back({i, "NVIDIA GeForce RTX 4090", "ADA_24"});
    nodes_ = {node};
    store_ = store::make_memory_store();
    engine_ = std::make_unique<core::Engine>(settings(), nodes_, identifiers_);
    owner_ = *AccountId::parse("user_1");
  }

  void run() {
    apply(core::SaveAccount{core::Account{owner_, "", {}}});
    for (int i = 0; i < scenario_.endpoints; ++i) create(i);
    schedule_arrivals();
    const Time end = kBegin + std::chrono::minutes{scenario_.minutes};
    while (step(end)) {
    }
    calm_ = true;
    release_gpus();
    for (auto& [id, site] : sites_) revive(id, site);
    while (unfinished_ > 0 && step(end + 4h)) {
    }
    if (unfinished_ > 0) violated("{} jobs never ended", unfinished_);
    const Time quiet = now_ + 15min;  // longer than a worker may take to become ready
    while (step(quiet)) {
    }
    check_all();
    for (const auto& [id, worker] : workers_) {
      if (!worker.record.id.empty() && !worker.alive) violated("worker {} is on the books and does not run", id.str());
      if (!worker.record.id.empty()) violated("worker {} is still there, with nothing to do for minutes", id.str());
    }
  }

  FleetOutcome out;

 private:
  static core::EngineSettings settings() {
    core::EngineSettings s;
    s.workers_quota = 1'000'000;
    return s;
  }

  // ---------------------------------------------------------------- time

  struct Event {
    Time at;
    std::uint64_t order;
    std::function<void()> act;
    bool operator>(const Event& o) const { return std::tie(at, order) > std::tie(o.at, o.order); }
  };

  void later(Millis delay, std::function<void()> act) { events_.push({now_ + delay, ++order_, std::move(act)}); }

  bool step(Time limit) {
    const auto wake = engine_->next_wakeup();
    const bool asleep = scenario_.mutation == FleetMutation::ignored_wakes;
    Time next = limit;
    if (wake && !asleep) next = std::min(next, *wake);
    if (!events_.empty()) next = std::min(next, events_.top().at);
    now_ = std::max(now_, next);
    if (now_ >= limit) return false;
    if (wake && !asleep && *wake <= now_) apply(core::Tick{});
    while (!events_.empty() && events_.top().at <= now_) {
      auto act = events_.top().act;
      events_.pop();
      act();
    }
    if (++steps_ % 1'000 == 0) check_all();
    return true;
  }

  // ---------------------------------------------------------------- the server

  template <class C>
  core::Token call(C command, std::function<void(core::Reply&)> on_reply = [](core::Reply&) {}) {
    command.to = ++token_;
    callers_.emplace(token_, std::move(on_reply));
    const core::Token token = token_;
    apply(std::move(command));
    return token;
  }

  void apply(core::Command command) {
    core::Effects fx;
    engine_->apply(now_, std::move(command), fx);
    take(fx);
  }

  void take(core::Effects& fx) {
    tamper(fx);
    const auto done = store_->commit(fx.records);
    if (!done) violated("the store refused a turn");
    for (const core::Record& record : fx.records) see(record);
    line_.turn_ends(now_);
    usage_.applied(now_);
    usage_.commit();
    for (const core::LaunchOrder& order : fx.orders) obey(order);
    std::vector<core::Reply> replies = std::move(fx.replies);
    for (core::Reply& reply : replies) {
      const auto caller = callers_.find(reply.to);
      if (caller == callers_.end()) continue;
      auto on_reply = std::move(caller->second);
      callers_.erase(caller);
      later(0ms, [on_reply, reply]() mutable { on_reply(reply); });
    }
  }

  void tamper(core::Effects& fx) {
    const FleetMutation m = scenario_.mutation;
    if (m == FleetMutation::lost_usage && dice_.chance(20)) {
      std::erase_if(fx.records, [](const auto& r) { return std::holds_alternative<core::UsageSaved>(r); });
    }
    for (core::Record& record : fx.records) {
      auto* usage = std::get_if<core::UsageSaved>(&record);
      if (usage && m == FleetMutation::doubled_usage) usage->value.worker_ms[2] *= 2;
      auto* worker = std::get_if<core::WorkerSaved>(&record);
      if (worker && m == FleetMutation::shared_gpu && !worker->worker.placement.gpus.empty()) {
        worker->worker.placement.gpus[0] = 0;
      }
    }
    if (m == FleetMutation::extra_start) {
      for (std::size_t i = 0, n = fx.records.size(); i < n; ++i) {
        const auto* worker = std::get_if<core::WorkerSaved>(&fx.records[i]);
        if (!worker || worker->worker.ready || worker->worker.draining) continue;
        core::WorkerSaved twin = *worker;
        twin.worker.id = *WorkerId::parse("twin-" + std::to_string(++twins_));
        twin.worker.placement.gpus.clear();
        fx.records.push_back(twin);
      }
    }
    tamper_with_sharing(fx);
  }

  /// Whose GPU it is, and when those that make room go, against the engine's choice.
  void tamper_with_sharing(core::Effects& fx) {
    const FleetMutation m = scenario_.mutation;
    for (std::size_t i = 0, n = fx.records.size(); i < n; ++i) {
      auto* saved = std::get_if<core::WorkerSaved>(&fx.records[i]);
      if (!saved) continue;
      core::Worker& worker = saved->worker;
      if (const auto known = workers_.find(worker.id); known != workers_.end()) {
        const bool cut = m == FleetMutation::ended_at_work && worker.draining && known->second.holds > 0;
        if (cut) fx.orders.push_back(core::StopWorker{worker.id, 0ms});
        continue;
      }
      const Claim own = line_.claim_of(worker.endpoint);
      std::optional<EndpointId> other;
      if (m == FleetMutation::youngest_first && own == Claim::first) {
        other = line_.latest(worker.endpoint, [&](Claim claim) { return claim == own; });
      } else if (m == FleetMutation::burst_before_min && own == Claim::minimum) {
        other = line_.latest(worker.endpoint, [&](Claim claim) { return claim > own; });
      }
      if (other) worker.endpoint = *other;
    }
  }

  void crash() {
    if (calm_) return;
    ++out.restarts;
    line_.server_restarted(now_);
    callers_.clear();  // every connection broke
    engine_ = std::make_unique<core::Engine>(settings(), nodes_, identifiers_);
    core::Effects fx;
    engine_->restore(now_, *store_->load(), fx);
    take(fx);
    for (auto& [id, worker] : workers_) {
      if (worker.alive && worker.record.ready && !worker.job) {
        later(Millis{dice_.between(1, 500)}, [this, poller = id, life = worker.life] { poll(poller, life); });
      }
    }
    // A worker whose connection broke in its hand-out finds nothing and asks again; what it held goes on.
  }

  // ---------------------------------------------------------------- endpoints and clients

  void create(int number) {
    core::SaveEndpoint command;
    command.owner = owner_;
    command.input = draw();
    command.input.name = "endpoint " + std::to_string(number);
    core::TemplateInput value;
    value.name = "template " + std::to_string(number);
    value.image = std::string("example/image:1");
    command.input.new_template = value;
    call(std::move(command));
  }

  core::EndpointInput draw() {
    core::EndpointInput in;
    in.gpu_ids = std::string("ADA_24");
    in.workers_max = dice_.chance(50) ? 0 : dice_.between(1, 2 * scenario_.gpus / scenario_.endpoints + 2);
    in.workers_min = dice_.chance(150) && in.workers_max.value() > 0 ? 1 : 0;
    in.idle_timeout_s = dice_.between(1, 30);
    in.scaler_type = std::string(dice_.chance(500) ? "QUEUE_DELAY" : "REQUEST_COUNT");
    in.scaler_value = dice_.between(1, 6);
    return in;
  }

  void change(const EndpointId& id) {
    if (calm_) return;
    core::SaveEndpoint command;
    command.owner = owner_;
    command.input = draw();
    command.input.id = id.str();
    command.input.name = sites_.at(id).endpoint.name;
    if (dice_.chance(300)) command.input.env = std::vector<core::EnvVar>{{"MODEL", std::to_string(dice_.below(99))}};
    call(std::move(command));
  }

  /// In the end every endpoint may have a worker.
  void revive(const EndpointId& id, const Site& site) {
    core::SaveEndpoint command;
    command.owner = owner_;
    command.input.id = id.str();
    command.input.name = site.endpoint.name;
    command.input.workers_max = std::max(1, site.endpoint.workers_max);
    command.input.workers_min = 0;
    command.input.idle_timeout_s = 2;
    call(std::move(command));
  }

  void schedule_arrivals() {
    std::vector<EndpointId> ids;
    for (const auto& [id, site] : sites_) ids.push_back(id);
    const int seconds = scenario_.minutes * 60;
    for (const EndpointId& id : ids) {
      const int bursts = dice_.between(1, 4);
      for (int i = 0; i < bursts; ++i) {
        const Millis at{dice_.between(0, seconds * 1'000)};
        const int jobs = dice_.between(1, 12);
        later(at, [this, id, jobs] {
          for (int n = 0; n < jobs; ++n) submit(id);
        });
      }
      if (dice_.chance(300)) later(Millis{dice_.between(0, seconds * 1'000)}, [this, id] { change(id); });
    }
    for (int i = 0; i < 5; ++i) later(Millis{dice_.between(0, seconds * 1'000)}, [this] { crash(); });
    for (int i = 0; i < scenario_.gpus / 10; ++i) {
      later(Millis{dice_.between(0, seconds * 1'000)}, [this] { lose_gpu(); });
    }
  }

  // ---------------------------------------------------------------- GPUs that come and go

  void lose_gpu() {
    if (calm_) return;
    const std::string gpu = "node:" + std::to_string(dice_.between(0, scenario_.gpus - 1));
    call(core::QuarantineGpu{0, gpu, "taken out"});
    later(Millis{dice_.between(1'000, 300'000)}, [this, gpu] { call(core::ReleaseGpu{0, gpu}); });
  }

  /// Those too that the engine took out because jobs died on them.
  void release_gpus() {
    const std::set<std::string> all = quarantined_;
    for (const std::string& gpu : all) call(core::ReleaseGpu{0, gpu});
  }

  void submit(const EndpointId& id) {
    core::Submit command;
    command.request.endpoint = id;
    command.request.input = core::bytes("{}");
    command.request.ttl = 24h;
    call(std::move(command));
  }

  // ---------------------------------------------------------------- workers

  void obey(const core::LaunchOrder& order) {
    if (const auto* start = std::get_if<core::StartWorker>(&order)) {
      if (scenario_.mutation == FleetMutation::lost_start && dice_.chance(100)) return;
      FleetWorker& worker = workers_[start->id];
      worker.alive = true;
      worker.life = ++lives_;
      const bool fails = !calm_ && dice_.chance(20);
      later(Millis{dice_.between(200, 8'000)}, [this, id = start->id, life = worker.life, fails] {
        if (!is_alive(id, life)) return;
        if (fails) return die(id, "exit code 1");
        poll(id, life);
      });
    } else if (const auto* stop = std::get_if<core::StopWorker>(&order)) {
      FleetWorker& stopped = workers_[stop->id];
      if (stopped.holds > 0) violated("worker {} is ended at work on {} jobs", stop->id.str(), stopped.holds);
      stopped.stopped = true;
      later(Millis{dice_.between(10, 1'000)}, [this, id = stop->id] {
        const auto found = workers_.find(id);
        if (found != workers_.end() && found->second.alive) die(id, "exit code 0");
      });
    } else if (const auto* adopt = std::get_if<core::AdoptWorker>(&order)) {
      const auto found = workers_.find(adopt->id);
      if (found == workers_.end() || !found->second.alive) {
        later(1ms, [this, id = adopt->id] { apply(core::WorkerExited{id, std::nullopt, "it is not there"}); });
      }
    }
  }

  bool is_alive(const WorkerId& id, std::uint64_t life) const {
    const auto found = workers_.find(id);
    return found != workers_.end() && found->second.alive && found->second.life == life;
  }

  void die(const WorkerId& id, const char* cause) {
    workers_.at(id).alive = false;
    ++out.deaths;
    if (scenario_.mutation == FleetMutation::lost_exit && dice_.chance(100)) return;
    apply(core::WorkerExited{id, 1, cause});
  }

  void poll(const WorkerId& id, std::uint64_t life) {
    if (!is_alive(id, life)) return;
    const auto found = workers_.find(id);
    if (found->second.record.id.empty()) return;  // gone from the books
    call(core::TakeJobs{0, found->second.record.endpoint, id, 1, false},
         [this, id, life](core::Reply& reply) { polled(id, life, reply); });
  }

  void polled(const WorkerId& id, std::uint64_t life, core::Reply& reply) {
    if (!is_alive(id, life)) return;
    FleetWorker& worker = workers_.at(id);
    const auto* out_jobs = std::get_if<core::HandOuts>(&reply.what);
    if (!out_jobs || out_jobs->jobs.empty()) {
      return later(Millis{out_jobs ? 10 : 1'000}, [this, id, life] { poll(id, life); });
    }
    worker.job = out_jobs->jobs[0].id;
    const bool dies = !calm_ && dice_.chance(15);
    ping(id, life);
    later(dice_.skewed(100ms, 60'000ms), [this, id, life, dies, job = *worker.job] {
      if (!is_alive(id, life)) return;
      if (dies) return die(id, "exit code 139");
      FleetWorker& done = workers_.at(id);
      done.job.reset();
      call(core::FinishJob{0, done.record.endpoint, id, job, core::bytes("1"), std::nullopt, false});
      later(Millis{dice_.between(1, 1'000)}, [this, id, life] { poll(id, life); });
    });
  }

  void ping(const WorkerId& id, std::uint64_t life) {
    later(10s, [this, id, life] {
      if (!is_alive(id, life) || !workers_.at(id).job) return;
      apply(core::Ping{workers_.at(id).record.endpoint, id, {*workers_.at(id).job}, std::nullopt});
      ping(id, life);
    });
  }

  // ---------------------------------------------------------------- the witness

  void see(const core::Record& record) {
    if (const auto* r = std::get_if<core::EndpointSaved>(&record)) {
      Site& site = sites_[r->endpoint.id];
      site.endpoint = r->endpoint;
      site.causes += 2 * r->endpoint.workers_max;  // all may start, and all may be replaced
      line_.standing(r->endpoint.id).workers_min = r->endpoint.workers_min;
      line_.standing(r->endpoint.id).workers_max = r->endpoint.workers_max;
      line_.note(now_, r->endpoint.id);
    } else if (const auto* saved = std::get_if<core::WorkerSaved>(&record)) {
      see_worker(saved->worker);
    } else if (const auto* removed = std::get_if<core::WorkerRemoved>(&record)) {
      see_gone(removed->id);
    } else if (const auto* usage = std::get_if<core::UsageSaved>(&record)) {
      usage_.see(now_, *usage);
    } else if (const auto* added = std::get_if<core::JobAdded>(&record)) {
      ++out.submitted;
      ++unfinished_;
      ++sites_.at(added->request.endpoint).causes;
      jobs_.emplace(added->request.id, std::pair(added->request.endpoint, added->state));
      line_.standing(added->request.endpoint).queued += is_queued(added->state) ? 1 : 0;
      line_.note(now_, added->request.endpoint);
      if (added->state.status == core::JobStatus::in_progress) ++workers_[added->state.worker].holds;
    } else if (const auto* changed = std::get_if<core::JobChanged>(&record)) {
      see_job(*changed);
    } else if (const auto* mark = std::get_if<core::GpuMarkSaved>(&record)) {
      see_mark(mark->value);
    } else if (const auto* cleared = std::get_if<core::GpuMarkRemoved>(&record)) {
      quarantined_.erase(cleared->id);
    }
  }

  void see_mark(const core::GpuMark& mark) {
    if (mark.released) {
      quarantined_.erase(mark.id);
      return;
    }
    if (!quarantined_.insert(mark.id).second) return;
    ++out.gpus_lost;
    const auto held = gpus_.find(mark.index);
    if (held != gpus_.end()) ++sites_.at(workers_.at(held->second).record.endpoint).causes;  // it is replaced
  }

  /// No GPU is left for anybody.
  bool is_full() const {
    int taken = static_cast<int>(gpus_.size());
    for (const std::string& gpu : quarantined_)
      taken += gpus_.contains(std::stoi(gpu.substr(gpu.find(':') + 1))) ? 0 : 1;
    return taken >= scenario_.gpus;
  }

  static bool is_queued(const core::JobState& state) { return state.status == core::JobStatus::in_queue; }

  void see_worker(const core::Worker& worker) {
    FleetWorker& known = workers_[worker.id];
    if (known.record.id.empty()) line_.begins(now_, worker.endpoint);
    usage_.see(worker);
    Site& site = sites_.at(worker.endpoint);
    if (known.record.id.empty()) {
      ++out.started;
      if (++site.starts > site.causes) {
        violated("endpoint {} started {} workers and had cause for {}", worker.endpoint.str(), site.starts,
                 site.causes);
      }
      for (const int gpu : worker.placement.gpus) {
        if (!gpus_.emplace(gpu, worker.id).second) violated("GPU {} was given to two workers", gpu);
        if (quarantined_.contains("node:" + std::to_string(gpu))) violated("GPU {} is quarantined", gpu);
      }
      ++living_;
      out.most_workers = std::max(out.most_workers, living_);
    }
    const bool ready_now = worker.ready && !known.record.ready;
    const bool present_before = !known.record.id.empty() && !known.record.draining;
    known.record = worker;
    int& present = present_[worker.endpoint];
    present += (worker.draining ? 0 : 1) - (present_before ? 1 : 0);
    LineWitness::Standing& standing = line_.standing(worker.endpoint);
    standing.present = present;
    standing.leaving += worker.draining && present_before ? 1 : 0;
    if (ready_now) standing.failed = false;
    line_.note(now_, worker.endpoint);
    if (present > site.endpoint.workers_max && !worker.draining && !present_before) {
      violated("endpoint {} has {} workers and workersMax is {}", worker.endpoint.str(), present,
               site.endpoint.workers_max);
    }
  }

  void see_gone(const WorkerId& id) {
    FleetWorker& worker = workers_.at(id);
    usage_.see_removed(now_, worker.record);
    for (const int gpu : worker.record.placement.gpus) gpus_.erase(gpu);
    if (!worker.record.draining) --present_[worker.record.endpoint];
    Site& site = sites_.at(worker.record.endpoint);
    if (!worker.record.draining) ++site.causes;  // it died and may be replaced
    LineWitness::Standing& standing = line_.standing(worker.record.endpoint);
    if (worker.record.draining) {
      --standing.leaving;
    } else {
      standing.present = present_[worker.record.endpoint];
    }
    if (!worker.stopped || !worker.record.ready) standing.failed = true;
    line_.note(now_, worker.record.endpoint);
    --living_;
    worker.record = {};
  }

  void see_job(const core::JobChanged& r) {
    auto& [endpoint, state] = jobs_.at(r.id);
    if (r.state.status == core::JobStatus::in_progress && state.status == core::JobStatus::in_queue &&
        r.state.started) {
      const std::int64_t waited = (*r.state.started - r.state.queued).count();
      if (sites_.at(endpoint).endpoint.workers_max > 0) out.longest_wait_ms = std::max(out.longest_wait_ms, waited);
    }
    if (r.state.status == core::JobStatus::in_queue && state.status == core::JobStatus::in_progress) {
      ++sites_.at(endpoint).causes;
    }
    if (is_terminal(r.state.status) && !is_terminal(state.status)) {
      --unfinished_;
      ++out.completed;
    }
    const auto holder = [this](const core::JobState& s) -> int& { return workers_[s.worker].holds; };
    if (state.status == core::JobStatus::in_progress) --holder(state);
    if (r.state.status == core::JobStatus::in_progress) ++holder(r.state);
    line_.standing(endpoint).queued += (is_queued(r.state) ? 1 : 0) - (is_queued(state) ? 1 : 0);
    line_.note(now_, endpoint);
    state = r.state;
  }

  /// Of a share of the jobs: looking at all would take longer than the rest.
  void check_all() {
    engine_->check_invariants();
    int count = 0;
    for (const auto& [id, job] : jobs_) {
      if (is_terminal(job.second.status) || ++count % 7 != 0) continue;
      const auto view = engine_->find_job(now_, job.first, id);
      if (!view || !view->wait) violated("job {} waits without a reason", id.str());
      WaitCode code = view->wait->code;
      if (scenario_.mutation == FleetMutation::false_reason && code == WaitCode::workers_busy) {
        code = WaitCode::workers_starting;
      }
      ++out.waits[code];
      check_reason(id, job.first, job.second, code);
    }
  }

  void check_reason(const JobId& id, const EndpointId& endpoint, const core::JobState& state, WaitCode code) const {
    int ready = 0;
    int starting = 0;
    for (const auto& [worker_id, worker] : workers_) {
      if (worker.record.id.empty() || worker.record.endpoint != endpoint || worker.record.draining) continue;
      ++(worker.record.ready ? ready : starting);
    }
    const Site& site = sites_.at(endpoint);
    const auto wrong = [&](const char* why) {
      violated("job {} of endpoint {} waits as {}, but {}", id.str(), endpoint.str(), to_text(code), why);
    };
    const bool runs = state.status == core::JobStatus::in_progress;
    if (runs != (code == WaitCode::running)) wrong("it does otherwise");
    if (code == WaitCode::workers_busy && ready == 0) wrong("no worker is ready");
    if (code == WaitCode::workers_starting && (starting == 0 || ready > 0)) wrong("none starts, or one is ready");
    if (code == WaitCode::workers_max_zero && (site.endpoint.workers_max > 0 || ready + starting > 0)) {
      wrong("workers may start or are there");
    }
    if ((code == WaitCode::no_capacity || code == WaitCode::release_draining) && !is_full()) wrong("a GPU is free");
    if (code == WaitCode::crash_loop && ready + starting > 0) wrong("workers are there");
  }

  const FleetScenario& scenario_;
  Dice dice_;
  SeededRandom identifiers_;
  std::vector<core::Node> nodes_;
  AccountId owner_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<core::Engine> engine_;
  Time now_ = kBegin;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t order_ = 0;
  std::uint64_t lives_ = 0;
  core::Token token_ = 0;
  std::unordered_map<core::Token, std::function<void(core::Reply&)>> callers_;
  std::map<EndpointId, Site> sites_;
  std::map<WorkerId, FleetWorker> workers_;
  std::map<EndpointId, int> present_;
  std::map<int, WorkerId> gpus_;
  std::set<std::string> quarantined_;
  std::map<JobId, std::pair<EndpointId, core::JobState>> jobs_;
  UsageLedger usage_;
  LineWitness line_;
  int living_ = 0;
  int unfinished_ = 0;
  int twins_ = 0;
  std::int64_t steps_ = 0;
  bool calm_ = false;
};

}  // namespace

FleetOutcome simulate_fleet(const FleetScenario& scenario) {
  FleetWorld world(scenario);
  try {
    world.run();
    if (world.out.longest_wait_ms > kWaitMax.count()) {
      violated("a job waited for {} s; the bound is {} s", world.out.longest_wait_ms / 1'000, kWaitMax.count() / 1'000);
    }
  } catch (const std::exception& broken) {
    world.out.violation = broken.what();
  }
  return world.out;
}

}  // namespace penstock::simulation
