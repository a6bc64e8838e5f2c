#include "launch/simulated_launcher.h"

#include <fmt/format.h>
#include <signal.h>
#include <string.h>

#include <algorithm>

namespace penstock::launch {

struct SimulatedLauncher::Worker {
  WorkerId id;
  std::uint64_t number = 0;  // this life, apart from every other
  SimulatedBehaviour behaviour;
  bool running = false;
  bool watched = true;
  bool told_to_stop = false;
  bool frozen = false;
  std::optional<Millis> stop_at_start;
  std::optional<Time> own_end;
  std::optional<Time> kill_at;
  std::optional<Agenda::iterator> end;

  std::string handle() const { return fmt::format("simulated:{}", number); }
  bool is_killed() const { return kill_at && (!own_end || *kill_at < *own_end); }
};

namespace {

Exited exit_by_signal(const WorkerId& id, int signal) {
  const char* name = ::sigdescr_np(signal);
  return {id, std::nullopt, fmt::format("signal {} ({})", signal, name != nullptr ? name : "unknown")};
}

}  // namespace

SimulatedLauncher::SimulatedLauncher(Script script, EventSink sink)
    : script_(std::move(script)), sink_(std::move(sink)) {}

SimulatedLauncher::~SimulatedLauncher() = default;

void SimulatedLauncher::start(WorkerSpec spec) {
  if (workers_.contains(spec.id)) {
    tell_soon(StartFailed{spec.id, fmt::format("a worker with the id \"{}\" is already running", spec.id.str())});
    return;
  }
  auto worker = std::make_unique<Worker>();
  worker->id = spec.id;
  worker->number = next_number_++;
  worker->behaviour = script_(spec);
  const Time at = now_ + worker->behaviour.start_delay;
  workers_.emplace(spec.id, std::move(worker));
  agenda_.emplace(at, [this, id = spec.id] { begin(id); });
}

void SimulatedLauncher::begin(const WorkerId& id) {
  Worker& worker = *workers_.at(id);
  if (worker.behaviour.start_failure) {
    const StartFailed failed{id, *worker.behaviour.start_failure};
    workers_.erase(id);
    sink_(failed);
    return;
  }
  worker.running = true;
  logs_[id] = worker.behaviour.log;
  if (worker.behaviour.exit_after) worker.own_end = now_ + *worker.behaviour.exit_after;
  if (worker.stop_at_start) stop(worker, *worker.stop_at_start);
  reschedule(worker);
  sink_(Started{id, worker.handle()});
}

void SimulatedLauncher::finish(const WorkerId& id) {
  const auto found = workers_.find(id);
  const std::unique_ptr<Worker> worker = std::move(found->second);
  workers_.erase(found);
  if (!worker->watched) return;
  const SimulatedBehaviour& behaviour = worker->behaviour;
  if (worker->is_killed()) {
    sink_(exit_by_signal(id, SIGKILL));
  } else if (behaviour.exit_signal) {
    sink_(exit_by_signal(id, *behaviour.exit_signal));
  } else {
    sink_(Exited{id, behaviour.exit_code, fmt::format("exit code {}", behaviour.exit_code)});
  }
}

void SimulatedLauncher::stop(WorkerId id, Millis grace) {
  const auto found = workers_.find(id);
  if (found == workers_.end() || !found->second->watched) return;
  Worker& worker = *found->second;
  if (!worker.running) {
    worker.stop_at_start = std::min(worker.stop_at_start.value_or(grace), grace);
    return;
  }
  stop(worker, grace);
  reschedule(worker);
}

void SimulatedLauncher::stop(Worker& worker, Millis grace) {
  if (!worker.told_to_stop && grace > Millis{0} && !worker.behaviour.ignores_term) {
    const Time drained = now_ + worker.behaviour.drain;
    worker.own_end = std::min(worker.own_end.value_or(drained), drained);
  }
  worker.told_to_stop = true;
  worker.frozen = false;  // it must run to drain
  const Time kill_at = now_ + std::max(grace, Millis{0});
  worker.kill_at = std::min(worker.kill_at.value_or(kill_at), kill_at);
}

void SimulatedLauncher::freeze(WorkerId id) {
  const auto found = workers_.find(id);
  if (found == workers_.end() || !found->second->watched || !found->second->running) return;
  found->second->frozen = true;
  tell_soon(Frozen{id, false, {}});
}

void SimulatedLauncher::thaw(WorkerId id) {
  const auto found = workers_.find(id);
  if (found == workers_.end() || !found->second->watched || !found->second->running) return;
  found->second->frozen = false;
  tell_soon(Thawed{id, Millis{0}});
}

bool SimulatedLauncher::is_frozen(const WorkerId& id) const {
  const auto found = workers_.find(id);
  return found != workers_.end() && found->second->frozen;
}

void SimulatedLauncher::adopt(WorkerId id, std::string handle, AdoptAs as) {
  const auto found = workers_.find(id);
  if (found != workers_.end() && found->second->watched) return;
  if (found != workers_.end() && found->second->handle() == handle) {
    found->second->watched = true;
    found->second->frozen = as.frozen;
    return;
  }
  if (handle.empty()) crash(id);
  tell_soon(Exited{id, std::nullopt, "ended while the server was down"});
}

Result<std::vector<std::string>> SimulatedLauncher::log_tail(const WorkerId& id, std::size_t lines_max) {
  const auto found = logs_.find(id);
  if (found == logs_.end()) {
    return fail(Errc::not_found, fmt::format("worker \"{}\" has no log here", id.str()));
  }
  const std::vector<std::string>& lines = found->second;
  const auto count = static_cast<std::ptrdiff_t>(std::min(lines_max, lines.size()));
  return std::vector<std::string>(lines.end() - count, lines.end());
}

void SimulatedLauncher::advance(Time now) {
  while (!agenda_.empty() && agenda_.begin()->first <= now) {
    const auto next = agenda_.begin();
    now_ = std::max(now_, next->first);
    const std::function<void()> act = std::move(next->second);
    agenda_.erase(next);
    act();
  }
  now_ = std::max(now_, now);
}

std::optional<Time> SimulatedLauncher::next_event() const {
  if (agenda_.empty()) return std::nullopt;
  return agenda_.begin()->first;
}

void SimulatedLauncher::restart() {
  agenda_.clear();
  std::erase_if(workers_,
                [](const auto& entry) { return !entry.second->running || !entry.second->behaviour.survives_restart; });
  for (auto& [id, worker] : workers_) {
    worker->watched = false;
    worker->told_to_stop = false;
    worker->kill_at.reset();
    worker->end.reset();
    reschedule(*worker);
  }
}

void SimulatedLauncher::crash(const WorkerId& id) {
  const auto found = workers_.find(id);
  if (found == workers_.end() || !found->second->running) return;
  found->second->own_end.reset();
  found->second->kill_at = now_;
  reschedule(*found->second);
}

void SimulatedLauncher::die(const WorkerId& id, int exit_code) {
  const auto found = workers_.find(id);
  if (found == workers_.end() || !found->second->running) return;
  found->second->behaviour.exit_code = exit_code;
  found->second->behaviour.exit_signal.reset();
  found->second->own_end = now_;
  reschedule(*found->second);
}

std::set<WorkerId> SimulatedLauncher::living() const {
  std::set<WorkerId> ids;
  for (const auto& [id, worker] : workers_) {
    if (worker->running) ids.insert(id);
  }
  return ids;
}

void SimulatedLauncher::reschedule(Worker& worker) {
  if (worker.end) agenda_.erase(*worker.end);
  worker.end.reset();
  const std::optional<Time> at = worker.is_killed() ? worker.kill_at : worker.own_end;
  if (at) worker.end = agenda_.emplace(*at, [this, id = worker.id] { finish(id); });
}

void SimulatedLauncher::tell_soon(Event event) {
  agenda_.emplace(now_, [this, told = std::move(event)] { sink_(told); });
}

}  // namespace penstock::launch
