#include "launch/process_launcher.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>

#include "base/log.h"
#include "launch/cgroups.h"
#include "launch/fork_servers.h"
#include "launch/parking.h"
#include "launch/proc_fs.h"
#include "launch/process_worker.h"
#include "launch/session.h"
#include "launch/spawn.h"
#include "launch/worker_log.h"

namespace penstock::launch {
namespace {

using SteadyClock = std::chrono::steady_clock;
using Worker = ProcessWorker;

constexpr Millis kTickEvery{1000};
constexpr Millis kSweepFirst{1};
constexpr Millis kSweepLast{500};
constexpr Millis kGraceMax = std::chrono::hours{24 * 365};
constexpr std::size_t kLogFilesKept = 200;
constexpr std::uint64_t kWakeKey = 0;
constexpr std::uint64_t kForkServersKey = 1;
constexpr const char* kEndedUnseen = "ended while the server was down";

struct Stop {
  WorkerId id;
  Millis grace;
};
struct Adopt {
  WorkerId id;
  std::string handle;
  AdoptAs as;
};
struct Freeze {
  WorkerId id;
};
struct Thaw {
  WorkerId id;
};
using Command = std::variant<WorkerSpec, Stop, Adopt, Freeze, Thaw, ParkingDone>;

class ProcessLauncher final : public Launcher {
 public:
  ProcessLauncher(ProcessLauncherOptions options, EventSink sink)
      : options_(std::move(options)),
        sink_(std::move(sink)),
        logs_(options_.log_directory, options_.log_bytes_max),
        boot_(boot_id()),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        cgroups_(options_.cgroup),
        fork_servers_({.enabled = options_.fork_servers, .log_file = options_.log_directory + "/fork-servers.txt"}),
        parking_(options_.cuda_checkpoint, [this](ParkingDone done) { give(std::move(done)); }) {
    ENSURE(epoll_ && wake_);
    // What a worker's helpers leave behind becomes our child, so that it can be reaped.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    // Inherited as ignored from a careless parent, it would make the kernel throw the exit statuses away.
    struct sigaction action{};
    ::sigaction(SIGCHLD, nullptr, &action);
    if (action.sa_handler == SIG_IGN) ::signal(SIGCHLD, SIG_DFL);
    watch(wake_, kWakeKey);
    watch(fork_servers_.descriptor(), kForkServersKey);
    thread_ = start_thread();
  }

  ~ProcessLauncher() override {
    {
      const std::lock_guard lock(mutex_);
      quit_ = true;
    }
    wake();
    thread_.join();
  }

  void start(WorkerSpec spec) override { give(std::move(spec)); }
  void stop(WorkerId id, Millis grace) override { give(Stop{std::move(id), grace}); }
  void adopt(WorkerId id, std::string handle, AdoptAs as) override {
    give(Adopt{std::move(id), std::move(handle), as});
  }
  void freeze(WorkerId id) override { give(Freeze{std::move(id)}); }
  void thaw(WorkerId id) override { give(Thaw{std::move(id)}); }

  Result<std::vector<std::string>> log_tail(const WorkerId& id, std::size_t lines_max) override {
    return logs_.tail(id, lines_max);
  }

 private:
  void give(Command command) {
    {
      const std::lock_guard lock(mutex_);
      commands_.push_back(std::move(command));
    }
    wake();
  }

  void wake() {
    const std::uint64_t one = 1;
    // Fails only when the counter is full, and then the thread wakes anyway.
    [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
  }

  /// Signals of the server are for its other threads.
  std::thread start_thread() {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread thread([this] { run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_setname_np(thread.native_handle(), "launcher");
    return thread;
  }

  // All below runs on the launcher's thread.

  void run() {
    while (true) {
      wait();
      std::vector<Command> commands;
      {
        const std::lock_guard lock(mutex_);
        if (quit_) return;
        commands.swap(commands_);
      }
      for (Command& command : commands) std::visit([&](auto& value) { handle(value); }, command);
      const Instant now = SteadyClock::now();
      kill_overdue(now);
      reclaim_overdue(now);
      if (const auto due = fork_servers_.next(); fork_servers_spoke_ || (due && *due <= now)) tick_fork_servers(now);
      if (ended_ > 0 && sweep_at_ <= now) sweep();
      if (tick_at_ <= now) tick(now);
    }
  }

  void wait() {
    std::array<epoll_event, 256> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms());
    for (int i = 0; i < count; ++i) {
      const std::uint64_t key = events[static_cast<std::size_t>(i)].data.u64;
      if (key == kWakeKey) {
        std::uint64_t ignored = 0;
        [[maybe_unused]] const ssize_t size = ::read(wake_.get(), &ignored, sizeof ignored);
      } else if (key == kForkServersKey) {
        fork_servers_spoke_ = true;
      } else if (const auto found = workers_.find(key); found != workers_.end()) {
        leader_ended(found->second);
      }
    }
  }

  int timeout_ms() const {
    Instant next = workers_.empty() && !prune_due_ ? Instant::max() : tick_at_;
    if (const auto due = fork_servers_.next()) next = std::min(next, *due);
    if (next == Instant::max()) return -1;
    if (ended_ > 0) next = std::min(next, sweep_at_);
    for (const auto& [key, worker] : workers_) {
      if (worker.kill_at) next = std::min(next, *worker.kill_at);
      if (worker.ice && worker.ice->reclaim_at) next = std::min(next, *worker.ice->reclaim_at);
    }
    const auto left = std::chrono::ceil<Millis>(next - SteadyClock::now());
    return static_cast<int>(std::max(left, Millis{0}).count());
  }

  void tick_fork_servers(Instant now) {
    fork_servers_spoke_ = false;
    fork_servers_.tick(now);
  }

  void watch(const Descriptor& descriptor, std::uint64_t key) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = key;
    ENSURE(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor.get(), &event) == 0);
  }

  Worker& add(Worker worker) {
    if (workers_.empty()) tick_at_ = SteadyClock::now() + kTickEvery;
    const std::uint64_t key = next_key_++;
    keys_.emplace(worker.id, key);
    Worker& added = workers_.emplace(key, std::move(worker)).first->second;
    if (added.pidfd) watch(added.pidfd, key);
    return added;
  }

  void handle(WorkerSpec& spec) {
    const Instant begun = SteadyClock::now();
    bool forked = false;
    auto spawned = spawn(spec, forked);
    if (!spawned) {
      sink_(StartFailed{spec.id, spawned.error().message});
      return;
    }
    const auto stat = read_stat(spawned->pid);
    ENSURE(stat);  // at worst it is a zombie, which only we can reap
    Worker worker;
    worker.id = spec.id;
    worker.pid = spawned->pid;
    worker.start_ticks = stat->start_ticks;
    worker.pidfd = std::move(spawned->pidfd);
    limit(worker, spec.limits);
    const std::string handle = ProcessHandle{worker.pid, worker.start_ticks, boot_}.text();
    add(std::move(worker));
    sink_(Started{spec.id, handle, took_since(begun), forked});
  }

  /// Without what the system does not allow a worker runs all the same: emulated pools have no limits either.
  void limit(const Worker& worker, const ResourceLimits& limits) {
    if (!limits.any() || options_.cgroup.empty()) return;
    const auto done = cgroups_.put(worker.id, worker.pid, limits);
    if (done || done.error().message == no_limits_) return;
    no_limits_ = done.error().message;
    log::warn(
        "workers of CPU endpoints are not held to the vCPUs and the memory of their instance: {} (workers.cgroup)",
        no_limits_);
  }

  Result<Spawned> spawn(const WorkerSpec& spec, bool& forked) {
    if (keys_.contains(spec.id)) {
      return fail(Errc::conflict, fmt::format("a worker with the id \"{}\" is already running", spec.id.str()));
    }
    if (workers_.size() >= options_.processes_max) {
      return fail(Errc::busy, fmt::format("{} workers run already, which is the limit", workers_.size()));
    }
    const auto prepared = prepare_spawn(spec);
    if (!prepared) return tl::unexpected(prepared.error());
    const auto log = logs_.open(spec.id);
    if (!log) return tl::unexpected(log.error());
    const Descriptor owned(*log);
    auto worker = fork_servers_.fork_worker(spec, *prepared, owned.get(), SteadyClock::now());
    forked = worker.has_value();
    if (worker) return std::move(*worker);
    return spawn_process(spec.command, *prepared, owned.get());
  }

  void handle(const Stop& stop) {
    const auto key = keys_.find(stop.id);
    if (key == keys_.end()) return;
    Worker& worker = workers_.at(key->second);
    if (worker.ended) return;
    // To the leader alone: it drains, and its helpers must go on working for it until then.
    if (!worker.told_to_stop && stop.grace > Millis{0}) send_signal(worker.pidfd, SIGTERM);
    worker.told_to_stop = true;
    if (worker.ice) {
      worker.ice->cancel_reclaim();
      // Until it runs again a signal but SIGKILL waits.
      if (worker.ice->stopped && stop.grace > Millis{0}) resume_session(worker.pid, worker.ice->has_other_groups);
      worker.ice.reset();
    }
    const Instant kill_at = SteadyClock::now() + std::clamp(stop.grace, Millis{0}, kGraceMax);
    worker.kill_at = std::min(worker.kill_at.value_or(kill_at), kill_at);
  }

  void handle(const Adopt& adopt) {
    if (keys_.contains(adopt.id)) return;
    if (adopt.handle.empty()) {
      kill_marked(logs_.path(adopt.id), adopt.id);  // it was started, and its handle was never noted
      sink_(Exited{adopt.id, std::nullopt, "started just before the server died: it is ended"});
      return;
    }
    const auto handle = ProcessHandle::parse(adopt.handle);
    if (!handle) {
      sink_(Exited{adopt.id, std::nullopt, fmt::format("\"{}\" is no handle of a process", adopt.handle)});
      return;
    }
    if (handle->boot != boot_) {
      sink_(Exited{adopt.id, std::nullopt, "ended while the server was down (the machine was restarted)"});
      return;
    }
    Worker worker;
    worker.id = adopt.id;
    worker.pid = handle->pid;
    worker.start_ticks = handle->start_ticks;
    // The descriptor first: if the process is the right one afterwards, it was when the descriptor was opened.
    worker.pidfd = open_pidfd(handle->pid);
    const auto stat = read_stat(handle->pid);
    if (worker.pidfd && stat && stat->start_ticks == handle->start_ticks) {
      worker.ended_unseen = stat->state == 'Z';
      Worker& added = add(std::move(worker));
      if (added.ended_unseen) return;
      added.ice.emplace();
      added.ice->maybe_parked = parking_.can_park();
      if (adopt.as.frozen) return set_still(added, adopt.as.gpu_parked);
      // The server may have died between its word to thaw this one and the deed.
      run_on(added, SteadyClock::now(), false);
      return;
    }
    worker.pidfd = Descriptor();
    worker.needs_marks = true;
    end(add(std::move(worker)), {adopt.id, std::nullopt, kEndedUnseen});
  }

  // ---- frozen workers

  Worker* find(const WorkerId& id) {
    const auto key = keys_.find(id);
    if (key == keys_.end()) return nullptr;
    Worker& worker = workers_.at(key->second);
    return worker.ended || worker.told_to_stop ? nullptr : &worker;
  }

  void handle(const Freeze& freeze) {
    Worker* worker = find(freeze.id);
    if (!worker) return;
    if (worker->ice) {
      if (!worker->ice->at_parking) return;  // it is frozen
      worker->ice->freeze_wanted = true;
      worker->ice->thaw_asked.reset();
      return;
    }
    if (!worker->ice) worker->ice.emplace();
    if (parking_.can_park()) {
      const auto users = processes_with_open(worker->pid, options_.gpu_device_prefix);
      if (!users.empty()) return give_to_parking(*worker, ParkingOrder::Kind::park, users);
    }
    set_still(*worker, false);
  }

  void set_still(Worker& worker, bool parked) {
    Ice& ice = *worker.ice;
    ice.has_other_groups = stop_session(worker.pid);
    ice.stopped = true;
    ice.parked = parked;
    if (options_.reclaim_after > Millis{0} && has_swap()) ice.reclaim_at = SteadyClock::now() + options_.reclaim_after;
    sink_(Frozen{worker.id, parked, session_memory(worker.pid)});
  }

  void handle(const Thaw& thaw) {
    Worker* worker = find(thaw.id);
    if (!worker) return;
    const Instant now = SteadyClock::now();
    if (!worker->ice) return sink_(Thawed{thaw.id, Millis{0}});
    worker->ice->cancel_reclaim();
    worker->ice->freeze_wanted = false;
    worker->ice->thaw_asked = now;
    if (worker->ice->at_parking) return;
    if (worker->ice->reclaimed) return give_to_parking(*worker, ParkingOrder::Kind::recall);
    run_on(*worker, now, true);
  }

  /// GPU memory comes back while the worker runs: its own calls to the GPU wait for that meanwhile.
  void run_on(Worker& worker, Instant asked, bool tell) {
    Ice& ice = *worker.ice;
    resume_session(worker.pid, ice.has_other_groups);
    ice.stopped = false;
    if (ice.parked || ice.maybe_parked) {
      if (tell) ice.thaw_asked = asked;
      return give_to_parking(worker, ParkingOrder::Kind::unpark);
    }
    worker.ice.reset();
    if (tell) sink_(Thawed{worker.id, took_since(asked)});
  }

  void give_to_parking(Worker& worker, ParkingOrder::Kind kind, std::vector<pid_t> gpu_processes = {}) {
    worker.ice->at_parking = true;
    parking_.give({kind, worker.id, worker.pid, std::move(gpu_processes)});
  }

  void handle(const ParkingDone& done) {
    Worker* worker = find(done.order.id);
    if (!worker || !worker->ice || worker->pid != done.order.leader) return;
    if (done.order.kind == ParkingOrder::Kind::reclaim) return reclaimed(*worker, done);
    Ice& ice = *worker->ice;
    ice.at_parking = false;
    if (!done.problem.empty()) log::warn("worker {}: {}", worker->id.str(), done.problem);
    if (done.order.kind == ParkingOrder::Kind::park) {
      ice.parked = done.problem.empty();
      if (ice.thaw_asked) return run_on(*worker, *ice.thaw_asked, true);
      return set_still(*worker, ice.parked);
    }
    if (done.order.kind == ParkingOrder::Kind::recall) {
      return ice.thaw_asked ? run_on(*worker, *ice.thaw_asked, true) : set_still(*worker, ice.parked);
    }
    if (!done.problem.empty()) {
      worker->doom = "its GPU memory could not be restored: " + done.problem;
      send_signal(worker->pidfd, SIGKILL);
      return;
    }
    const auto asked = ice.thaw_asked;
    const bool freeze_again = ice.freeze_wanted;
    worker->ice.reset();
    if (freeze_again) return handle(Freeze{worker->id});
    if (asked) sink_(Thawed{worker->id, took_since(*asked)});
  }

  void reclaim_overdue(Instant now) {
    for (auto& [key, worker] : workers_) {
      if (!worker.ice || !worker.ice->reclaim_at || *worker.ice->reclaim_at > now) continue;
      worker.ice->reclaim_at.reset();
      ParkingOrder order{ParkingOrder::Kind::reclaim, worker.id, worker.pid};
      worker.ice->reclaim_cancelled = order.cancelled;
      parking_.give(std::move(order));
    }
  }

  void reclaimed(Worker& worker, const ParkingDone& done) {
    Ice& ice = *worker.ice;
    if (!ice.stopped || ice.thaw_asked || ice.reclaim_cancelled != done.order.cancelled) return;
    ice.reclaimed = true;
    const Memory memory = session_memory(worker.pid);
    if (done.problem.empty()) {
      log::info("worker {} is frozen: {} MiB of its memory lie in swap now, {} MiB stay resident", worker.id.str(),
                memory.swapped_bytes >> 20, memory.resident_bytes >> 20);
    } else {
      log::warn("worker {}: its memory cannot be reclaimed: {}", worker.id.str(), done.problem);
    }
    sink_(Frozen{worker.id, ice.parked, memory});
  }

  static Millis took_since(Instant begun) { return std::chrono::round<Millis>(SteadyClock::now() - begun); }

  void leader_ended(Worker& worker) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, worker.pidfd.get(), nullptr);
    siginfo_t info{};
    const auto id = static_cast<id_t>(worker.pidfd.get());
    worker.ours = ::waitid(P_PIDFD, id, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
    if (worker.ours) {
      ::kill(-worker.pid, SIGKILL);
      end(worker, exit_of(worker.id, info));
    } else {
      const char* cause = worker.ended_unseen ? kEndedUnseen : "exit status not known: the worker was adopted";
      end(worker, {worker.id, std::nullopt, cause});
    }
  }

  void end(Worker& worker, Exited exit) {
    worker.ended = true;
    worker.kill_at.reset();
    if (worker.ice) worker.ice->cancel_reclaim();
    worker.ice.reset();
    worker.exit = std::move(exit);
    if (!worker.doom.empty()) worker.exit.cause = worker.doom;
    ++ended_;
    sweep_at_ = SteadyClock::now();
    sweep_pause_ = kSweepFirst;
  }

  void kill_overdue(Instant now) {
    for (auto& [key, worker] : workers_) {
      if (!worker.kill_at || *worker.kill_at > now) continue;
      worker.kill_at.reset();
      // Its end brings the sweep, which ends the others.
      send_signal(worker.pidfd, SIGKILL);
    }
  }

  /// Kills what is left of the sessions whose leader has ended, and tells Exited of those of which nothing is left.
  void sweep() {
    std::unordered_map<pid_t, std::vector<Worker*>> sessions;
    for (auto& [key, worker] : workers_) {
      if (worker.ended) sessions[worker.pid].push_back(&worker);
    }
    const std::vector<ProcessStat> processes = list_processes();
    std::set<std::uint64_t> alive;
    for (const ProcessStat& process : processes) {
      // A leader's pid that another process has now was free before: the whole old session had ended.
      const auto reused = sessions.find(process.pid);
      if (reused == sessions.end()) continue;
      std::erase_if(reused->second, [&](const Worker* worker) { return worker->start_ticks != process.start_ticks; });
    }
    for (const ProcessStat& process : processes) {
      const auto session = sessions.find(process.session);
      if (session == sessions.end()) continue;
      for (Worker* worker : session->second) {
        if (end_straggler(*worker, process)) alive.insert(keys_.at(worker->id));
      }
    }
    for (auto it = workers_.begin(); it != workers_.end();) {
      Worker& worker = it->second;
      if (!worker.ended || alive.contains(it->first)) {
        ++it;
        continue;
      }
      Exited exit = std::move(worker.exit);
      if (cgroups_.ran_out_of_memory(worker.id)) exit.cause += ": it needed more memory than its instance has";
      cgroups_.remove(worker.id);
      if (worker.ours) ::waitpid(worker.pid, nullptr, WNOHANG);
      keys_.erase(worker.id);
      it = workers_.erase(it);
      --ended_;
      prune_due_ = true;
      sink_(exit);
    }
    sweep_at_ = SteadyClock::now() + sweep_pause_;
    sweep_pause_ = std::min(sweep_pause_ * 2, kSweepLast);
  }

  /// True when the process is the worker's and still there.
  bool end_straggler(Worker& worker, const ProcessStat& process) {
    if (process.pid == worker.pid) return false;
    if (process.state == 'Z') {
      if (process.parent == ::getpid()) ::waitpid(process.pid, nullptr, WNOHANG);
      return false;
    }
    const auto name = std::make_pair(process.pid, process.start_ticks);
    if (worker.doomed.contains(name)) return true;
    if (worker.needs_marks && !bears_marks(process.pid, logs_.path(worker.id), worker.id.str())) return false;
    const Descriptor pidfd = open_pidfd(process.pid);
    const auto stat = read_stat(process.pid);
    if (!pidfd || !stat || stat->start_ticks != process.start_ticks || stat->session != process.session) return false;
    send_signal(pidfd, SIGKILL);
    worker.doomed.insert(name);
    return true;
  }

  void tick(Instant now) {
    tick_at_ = now + kTickEvery;
    for (const auto& [key, worker] : workers_) logs_.cut(worker.id);
    reap_orphans();
    if (!prune_due_) return;
    prune_due_ = false;
    std::set<WorkerId> living;
    for (const auto& [id, key] : keys_) living.insert(id);
    logs_.prune(living, kLogFilesKept);
  }

  /// Ended children that workers left to us. Children in our own session are somebody else's in this program.
  void reap_orphans() {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    std::set<pid_t> leaders;
    for (const auto& [key, worker] : workers_) leaders.insert(worker.pid);
    if (leaders.contains(info.si_pid) || fork_servers_.is_one(info.si_pid)) return;
    const pid_t own_session = ::getsid(0);
    for (const ProcessStat& process : list_processes()) {
      const bool orphan = process.state == 'Z' && process.parent == ::getpid() && process.session != own_session;
      if (orphan && !leaders.contains(process.pid) && !fork_servers_.is_one(process.pid)) {
        ::waitpid(process.pid, nullptr, WNOHANG);
      }
    }
  }

  const ProcessLauncherOptions options_;
  const EventSink sink_;
  const WorkerLogs logs_;
  const std::string boot_;
  const Descriptor epoll_;
  const Descriptor wake_;

  std::mutex mutex_;  // for the two below, which hand commands to the thread
  std::vector<Command> commands_;
  bool quit_ = false;

  std::map<std::uint64_t, Worker> workers_;
  std::map<WorkerId, std::uint64_t> keys_;
  std::uint64_t next_key_ = kForkServersKey + 1;
  std::size_t ended_ = 0;  // workers whose leader has ended
  Instant sweep_at_{};
  Millis sweep_pause_ = kSweepFirst;
  Instant tick_at_ = Instant::max();
  bool prune_due_ = false;

  Cgroups cgroups_;
  std::string no_limits_;  // the reason that was told last
  ForkServers fork_servers_;
  bool fork_servers_spoke_ = false;
  Parking parking_;  // ends after the thread, which hands it orders
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Launcher> make_process_launcher(ProcessLauncherOptions options, EventSink sink) {
  return std::make_unique<ProcessLauncher>(std::move(options), std::move(sink));
}

}  // namespace penstock::launch
