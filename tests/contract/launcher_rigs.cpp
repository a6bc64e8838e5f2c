#include "launcher_rigs.h"

#include <signal.h>

#include <condition_variable>
#include <map>
#include <mutex>

#include "launch/proc_fs.h"
#include "launch/process_launcher.h"
#include "launch/simulated_launcher.h"
#include "temporary_directory.h"

namespace penstock::launch::contract {
namespace {

constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::milliseconds kLook{2};

class ProcessRig final : public Rig {
 public:
  ProcessRig() { begin(); }

  ~ProcessRig() override {
    launcher_.reset();
    for (const std::string& handle : handles()) end_unseen(handle);
  }

  Launcher& launcher() override { return *launcher_; }

  WorkerSpec spec(const WorkerId& id, const Life& life) override {
    const std::string image = "process:" + directory_.path().string();
    if (life.kind == Life::Kind::never_starts) return {id, image + "/missing", {"true"}, {}};
    return {id, image, {"/bin/sh", "-c", script(life)}, {}};
  }

  bool wait(const std::function<bool()>& condition) override {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::unique_lock lock(mutex_);
      told_.wait_for(lock, kLook);  // not all that is waited for is an event
    }
    return true;
  }

  std::vector<Event> events() const override {
    const std::lock_guard lock(mutex_);
    return events_;
  }

  Time now() const override { return clock_.now(); }

  void restart(const std::function<void()>& meanwhile) override {
    launcher_.reset();
    if (meanwhile) meanwhile();
    begin();
  }

  void end_unseen(const std::string& handle) override {
    const auto process = ProcessHandle::parse(handle);
    if (!process) return;
    const auto stat = read_stat(process->pid);
    if (stat && stat->start_ticks == process->start_ticks) ::kill(process->pid, SIGKILL);
  }

  std::string reused(const std::string& handle) const override {
    ProcessHandle process = ProcessHandle::parse(handle).value();
    ++process.start_ticks;
    return process.text();
  }

 private:
  static std::string script(const Life& life) {
    const std::string code = std::to_string(life.code);
    const std::string forever = "echo ready; while :; do sleep 1000 & wait; done";
    switch (life.kind) {
      case Life::Kind::exits:
        return "echo ready; exit " + code;
      case Life::Kind::dies:
        return "echo ready; kill -" + code + " $$";
      case Life::Kind::runs:
        return "echo ready; exec sleep 1000";
      case Life::Kind::drains:
        return "trap 'exit " + code + "' TERM; " + forever;
      case Life::Kind::stubborn:
        return "trap '' TERM; " + forever;
      case Life::Kind::never_starts:
        break;
    }
    return "";
  }

  void begin() {
    ProcessLauncherOptions options;
    options.log_directory = directory_.path() / "logs";
    launcher_ = make_process_launcher(options, [this](Event event) {
      const std::lock_guard lock(mutex_);
      events_.push_back(std::move(event));
      told_.notify_all();
    });
  }

  std::vector<std::string> handles() const {
    std::vector<std::string> all;
    for (const Event& event : events()) {
      if (const auto* started = std::get_if<Started>(&event)) all.push_back(started->handle);
    }
    return all;
  }

  TemporaryDirectory directory_;
  SystemClock clock_;
  mutable std::mutex mutex_;
  std::condition_variable told_;
  std::vector<Event> events_;
  std::unique_ptr<Launcher> launcher_;
};

class SimulatedRig final : public Rig {
 public:
  SimulatedRig() { launcher_.advance(now_); }

  Launcher& launcher() override { return launcher_; }

  WorkerSpec spec(const WorkerId& id, const Life& life) override {
    lives_[id] = life;
    return {id, "simulated", {"worker"}, {}};
  }

  bool wait(const std::function<bool()>& condition) override {
    while (!condition()) {
      const auto next = launcher_.next_event();
      if (!next) return false;
      now_ = std::max(now_, *next);
      launcher_.advance(now_);
    }
    return true;
  }

  std::vector<Event> events() const override { return events_; }
  Time now() const override { return now_; }

  void restart(const std::function<void()>& meanwhile) override {
    launcher_.restart();
    if (meanwhile) meanwhile();
  }

  void end_unseen(const std::string& handle) override {
    for (const Event& event : events_) {
      const auto* started = std::get_if<Started>(&event);
      if (started != nullptr && started->handle == handle) launcher_.crash(started->id);
    }
    launcher_.advance(now_);
  }

  std::string reused(const std::string& handle) const override { return handle + "0"; }

 private:
  static SimulatedBehaviour behaviour(const Life& life) {
    SimulatedBehaviour result;
    result.start_delay = Millis{20};
    result.log = {"ready"};
    switch (life.kind) {
      case Life::Kind::exits:
        result.exit_after = Millis{0};
        result.exit_code = life.code;
        break;
      case Life::Kind::dies:
        result.exit_after = Millis{0};
        result.exit_signal = life.code;
        break;
      case Life::Kind::runs:
        result.exit_signal = SIGTERM;
        break;
      case Life::Kind::drains:
        result.drain = Millis{30};
        result.exit_code = life.code;
        break;
      case Life::Kind::stubborn:
        result.ignores_term = true;
        break;
      case Life::Kind::never_starts:
        result.start_failure = "no such directory";
        break;
    }
    return result;
  }

  Time now_ = from_ms(1'700'000'000'000);
  std::vector<Event> events_;
  std::map<WorkerId, Life> lives_;
  SimulatedLauncher launcher_{[this](const WorkerSpec& spec) { return behaviour(lives_.at(spec.id)); },
                              [this](Event event) { events_.push_back(std::move(event)); }};
};

}  // namespace

std::unique_ptr<Rig> make_process_rig() {
  return std::make_unique<ProcessRig>();
}
std::unique_ptr<Rig> make_simulated_rig() {
  return std::make_unique<SimulatedRig>();
}

}  // namespace penstock::launch::contract
