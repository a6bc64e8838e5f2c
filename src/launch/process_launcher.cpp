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
#include "launch/proc_fs.h"
#include "launch/spawn.h"
#include "launch/worker_log.h"

namespace penstock::launch {
namespace {

using SteadyClock = std::chrono::steady_clock;
using Instant = SteadyClock::time_point;

constexpr Millis kTickEvery{1000};
constexpr Millis kSweepFirst{1};
constexpr Millis kSweepLast{500};
constexpr Millis kGraceMax = std::chrono::hours{24 * 365};
constexpr std::size_t kLogFilesKept = 200;
constexpr std::uint64_t kWakeKey = 0;
constexpr const char* kEndedUnseen = "ended while the server was down";

struct Stop {
  WorkerId id;
  Millis grace;
};
struct Adopt {
  WorkerId id;
  std::string handle;
};
using Command = std::variant<WorkerSpec, Stop, Adopt>;

/// A session of processes with the worker as its leader.
struct Worker {
  WorkerId id;
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;
  Descriptor pidfd;           // of the leader; none when it was gone before we saw it
  bool ended_unseen = false;  // was a zombie already when it was adopted
  bool told_to_stop = false;
  std::optional<Instant> kill_at;

  // From here on for one whose leader has ended: what is left of the session is swept before Exited is told.
  bool ended = false;
  bool ours = false;  // the leader is our child and stays a zombie until the sweep is done: its pid cannot be another's
  bool needs_marks = false;  // the leader ended unseen: only processes that bear the worker's marks are its own
  std::set<std::pair<pid_t, std::uint64_t>> doomed;  // were sent SIGKILL: pid and start time
  Exited exit;
};

Exited exit_of(const WorkerId& id, const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return {id, info.si_status, fmt::format("exit code {}", info.si_status)};
  const char* name = ::sigdescr_np(info.si_status);
  return {id, std::nullopt, fmt::format("signal {} ({})", info.si_status, name != nullptr ? name : "unknown")};
}

class ProcessLauncher final : public Launcher {
 public:
  ProcessLauncher(ProcessLauncherOptions options, EventSink sink)
      : options_(std::move(options)),
        sink_(std::move(sink)),
        logs_(options_.log_directory, options_.log_bytes_max),
        boot_(boot_id()),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    ENSURE(epoll_ && wake_);
    // What a worker's helpers leave behind becomes our child, so that it can be reaped.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    // Inherited as ignored from a careless parent, it would make the kernel throw the exit statuses away.
    struct sigaction action{};
    ::sigaction(SIGCHLD, nullptr, &action);
    if (action.sa_handler == SIG_IGN) ::signal(SIGCHLD, SIG_DFL);
    watch(wake_, kWakeKey);
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
  void adopt(WorkerId id, std::string handle) override { give(Adopt{std::move(id), std::move(handle)}); }

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
      } else if (const auto found = workers_.find(key); found != workers_.end()) {
        leader_ended(found->second);
      }
    }
  }

  int timeout_ms() const {
    if (workers_.empty() && !prune_due_) return -1;
    Instant next = tick_at_;
    if (ended_ > 0) next = std::min(next, sweep_at_);
    for (const auto& [key, worker] : workers_) {
      if (worker.kill_at) next = std::min(next, *worker.kill_at);
    }
    const auto left = std::chrono::ceil<Millis>(next - SteadyClock::now());
    return static_cast<int>(std::max(left, Millis{0}).count());
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
    auto spawned = spawn(spec);
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
    const std::string handle = ProcessHandle{worker.pid, worker.start_ticks, boot_}.text();
    add(std::move(worker));
    sink_(Started{spec.id, handle});
  }

  Result<Spawned> spawn(const WorkerSpec& spec) {
    if (keys_.contains(spec.id)) {
      return fail(Errc::conflict, fmt::format("a worker with the id \"{}\" is already running", spec.id.str()));
    }
    if (workers_.size() >= options_.processes_max) {
      return fail(Errc::busy, fmt::format("{} workers run already, which is the limit", workers_.size()));
    }
    const auto log = logs_.open(spec.id);
    if (!log) return tl::unexpected(log.error());
    const Descriptor owned(*log);
    return spawn_worker(spec, owned.get());
  }

  void handle(const Stop& stop) {
    const auto key = keys_.find(stop.id);
    if (key == keys_.end()) return;
    Worker& worker = workers_.at(key->second);
    if (worker.ended) return;
    // To the leader alone: it drains, and its helpers must go on working for it until then.
    if (!worker.told_to_stop && stop.grace > Millis{0}) send_signal(worker.pidfd, SIGTERM);
    worker.told_to_stop = true;
    const Instant kill_at = SteadyClock::now() + std::clamp(stop.grace, Millis{0}, kGraceMax);
    worker.kill_at = std::min(worker.kill_at.value_or(kill_at), kill_at);
  }

  void handle(const Adopt& adopt) {
    if (keys_.contains(adopt.id)) return;
    if (adopt.handle.empty()) {
      kill_unnoted(adopt.id);
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
      add(std::move(worker));
      return;
    }
    worker.pidfd = Descriptor();
    worker.needs_marks = true;
    end(add(std::move(worker)), {adopt.id, std::nullopt, kEndedUnseen});
  }

  /// A worker that was started and whose handle was never noted: whatever bears its marks.
  void kill_unnoted(const WorkerId& id) {
    for (const ProcessStat& process : list_processes()) {
      if (process.pid == ::getpid() || !bears_marks(process.pid, logs_.path(id), id.str())) continue;
      const Descriptor pidfd = open_pidfd(process.pid);
      const auto stat = read_stat(process.pid);
      if (pidfd && stat && stat->start_ticks == process.start_ticks) send_signal(pidfd, SIGKILL);
    }
  }

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
    worker.exit = std::move(exit);
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
      const Exited exit = std::move(worker.exit);
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
    if (leaders.contains(info.si_pid)) return;
    const pid_t own_session = ::getsid(0);
    for (const ProcessStat& process : list_processes()) {
      const bool orphan = process.state == 'Z' && process.parent == ::getpid() && process.session != own_session;
      if (orphan && !leaders.contains(process.pid)) ::waitpid(process.pid, nullptr, WNOHANG);
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
  std::uint64_t next_key_ = kWakeKey + 1;
  std::size_t ended_ = 0;  // workers whose leader has ended
  Instant sweep_at_{};
  Millis sweep_pause_ = kSweepFirst;
  Instant tick_at_ = Instant::max();
  bool prune_due_ = false;

  std::thread thread_;
};

}  // namespace

std::unique_ptr<Launcher> make_process_launcher(ProcessLauncherOptions options, EventSink sink) {
  return std::make_unique<ProcessLauncher>(std::move(options), std::move(sink));
}

}  // namespace penstock::launch
