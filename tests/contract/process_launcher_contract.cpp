// What holds for the process launcher alone: what a worker inherits, what it leaves behind, and what outlives the
// server.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <set>

#include "launch/proc_fs.h"
#include "launch/process_launcher.h"
#include "temporary_directory.h"

namespace penstock::launch::contract {
namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

constexpr std::chrono::seconds kPatience{60};
constexpr Millis kLongGrace{10'000'000};

class ProcessLauncherTest : public testing::Test {
 protected:
  ProcessLauncherTest() { options_.log_directory = directory_.path() / "logs"; }

  ~ProcessLauncherTest() override {
    launcher_.reset();
    for (const Event& event : events_) {
      const auto* started = std::get_if<Started>(&event);
      const auto process = started != nullptr ? ProcessHandle::parse(started->handle) : std::nullopt;
      if (process && is_alive(*process)) ::kill(-process->pid, SIGKILL);
    }
  }

  Launcher& launcher() {
    if (launcher_ == nullptr) {
      launcher_ = make_process_launcher(options_, [this](Event event) {
        const std::lock_guard lock(mutex_);
        events_.push_back(std::move(event));
        told_.notify_all();
      });
    }
    return *launcher_;
  }

  static WorkerId id(const std::string& text) { return WorkerId::parse(text).value(); }
  static bool is_alive(const ProcessHandle& process) {
    const auto stat = read_stat(process.pid);
    return stat && stat->start_ticks == process.start_ticks && stat->state != 'Z';
  }
  /// Of a process that is known to have lived a moment ago.
  static bool is_alive(pid_t pid) {
    const auto stat = read_stat(pid);
    return stat && stat->state != 'Z';
  }

  WorkerSpec spec(const std::string& name, Lines command) const {
    return {id(name), "process:" + directory_.path().string(), std::move(command), {}};
  }
  WorkerSpec shell(const std::string& name, const std::string& script) const {
    return spec(name, {"/bin/sh", "-c", script});
  }

  bool wait(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::unique_lock lock(mutex_);
      told_.wait_for(lock, std::chrono::milliseconds{2});
    }
    return true;
  }

  template <class Kind>
  std::optional<Kind> find(const std::string& name) {
    const std::lock_guard lock(mutex_);
    for (const Event& event : events_) {
      const auto* value = std::get_if<Kind>(&event);
      if (value != nullptr && value->id.str() == name) return *value;
    }
    return std::nullopt;
  }

  template <class Kind>
  Kind wait_for(const std::string& name) {
    EXPECT_TRUE(wait([&] { return find<Kind>(name).has_value(); })) << name;
    return find<Kind>(name).value_or(Kind{});
  }

  Lines log(const std::string& name) { return launcher().log_tail(id(name), 100'000).value_or(Lines{}); }

  /// Runs a worker to its end. Gives what it printed.
  Lines output(const WorkerSpec& worker) {
    launcher().start(worker);
    wait_for<Exited>(worker.id.str());
    return log(worker.id.str());
  }

  /// Starts a worker and waits until it has printed as many lines.
  Lines start(const WorkerSpec& worker, std::size_t lines) {
    launcher().start(worker);
    const std::string name = worker.id.str();
    EXPECT_TRUE(wait([&] { return log(name).size() >= lines; })) << name;
    Lines printed = log(name);
    printed.resize(std::max(printed.size(), lines));
    return printed;
  }

  std::string refusal(const WorkerSpec& worker) {
    launcher().start(worker);
    return wait_for<StartFailed>(worker.id.str()).reason;
  }

  TemporaryDirectory directory_;
  ProcessLauncherOptions options_;
  std::mutex mutex_;
  std::condition_variable told_;
  std::vector<Event> events_;
  std::unique_ptr<Launcher> launcher_;
};

TEST_F(ProcessLauncherTest, TheEnvironmentIsTheSpecsAndAShortListOfTheServers) {
  ::setenv("PENSTOCK_SECRET", "not for workers", 1);
  ::setenv("TZ", "Europe/Berlin", 1);
  WorkerSpec worker = spec("w", {"env"});
  worker.environment = {
      {"RUNPOD_POD_ID", "w"}, {"HOME", "/of/the/worker"}, {"TWICE", "1"}, {"EMPTY", ""}, {"TWICE", "a=b c"}};
  std::set<std::string> wanted = {"RUNPOD_POD_ID=w", "HOME=/of/the/worker", "TWICE=a=b c", "EMPTY="};
  for (const char* key : {"PATH", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER", "SSL_CERT_FILE", "SSL_CERT_DIR"}) {
    if (const char* value = ::getenv(key); value != nullptr) wanted.insert(std::string(key) + "=" + value);
  }
  const Lines printed = output(worker);
  EXPECT_EQ(std::set<std::string>(printed.begin(), printed.end()), wanted);
  EXPECT_EQ(printed.size(), wanted.size());
  ::unsetenv("PENSTOCK_SECRET");
  ::unsetenv("TZ");
}

TEST_F(ProcessLauncherTest, RunsInTheImagesDirectoryWithItsArgumentsAndNothingToRead) {
  EXPECT_EQ(output(shell("dir", "pwd -P")), Lines{fs::canonical(directory_.path()).string()});
  EXPECT_EQ(output(spec("args", {"printf", "[%s]", "a b", "", "$HOME"})), Lines{"[a b][][$HOME]"});
  EXPECT_EQ(output(shell("stdin", "readlink /proc/self/fd/0; cat")), Lines{"/dev/null"});
  EXPECT_EQ(output(shell("both", "echo out; echo err >&2")), (Lines{"out", "err"}));
}

TEST_F(ProcessLauncherTest, InheritsNoDescriptorAndNoSignalSetting) {
  const int leak = ::dup2(STDERR_FILENO, 77);
  const auto ignored = ::signal(SIGUSR1, SIG_IGN);
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR2);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const Lines printed = output(spec("w", {"sh", "-c",
                                          "ls /proc/$$/fd; grep -E '^Sig(Blk|Ign)' /proc/$$/status | tr -d ' \\t'; "
                                          "cut -d' ' -f1,5,6 /proc/$$/stat"}));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::signal(SIGUSR1, ignored);
  ::close(leak);
  ASSERT_EQ(printed.size(), 6U);
  EXPECT_EQ(Lines(printed.begin(), printed.begin() + 4), (Lines{"0", "1", "2", "SigBlk:0000000000000000"}));
  // The C library itself sets its two internal signals, 32 and 33, to be ignored.
  const unsigned long long internal = 0x180000000ULL;
  EXPECT_EQ(std::stoull("0" + printed[4].substr(printed[4].find(':') + 1), nullptr, 16) & ~internal, 0U) << printed[4];
  const auto process = ProcessHandle::parse(find<Started>("w")->handle);
  const std::string pid = std::to_string(process->pid);
  EXPECT_EQ(printed[5], pid + " " + pid + " " + pid);
}

TEST_F(ProcessLauncherTest, SaysWhyAWorkerCannotStart) {
  std::ofstream(directory_.path() / "plain.txt") << "not a program";
  std::ofstream(directory_.path() / "garbage") << "no program either";
  fs::permissions(directory_.path() / "garbage", fs::perms::owner_all);
  const std::string directory = directory_.path().string();
  const auto expect = [&](WorkerSpec worker, const std::string& reason) { EXPECT_EQ(refusal(worker), reason); };

  WorkerSpec worker = spec("container", {"true"});
  worker.image = "runpod/base:1.0";
  expect(worker, "image \"runpod/base:1.0\" cannot be run here: process:<absolute directory> is accepted");
  worker = spec("relative", {"true"});
  worker.image = "process:relative/dir";
  expect(worker,
         "image \"process:relative/dir\" names no absolute directory: process:<absolute directory> is accepted");
  worker = spec("missing", {"true"});
  worker.image += "/missing";
  expect(worker, "image \"" + worker.image + "\": the directory " + directory +
                     "/missing cannot be used: No such file or directory");
  worker = spec("file", {"true"});
  worker.image += "/plain.txt";
  expect(worker, "image \"" + worker.image + "\": " + directory + "/plain.txt is not a directory");

  worker = spec("unknown", {"no-such-program"});
  worker.environment = {{"PATH", "/bin:/nowhere"}};
  expect(worker, "program \"no-such-program\" is not found as an executable file in PATH \"/bin:/nowhere\"");
  expect(spec("plain", {"./plain.txt"}),
         "program \"./plain.txt\" cannot be run: " + directory + "/./plain.txt is not an executable file");
  expect(spec("garbage", {"./garbage"}),
         "program " + directory + "/./garbage cannot be run in " + directory + ": Exec format error");

  expect(spec("empty", {}), "the command is empty: a program and its arguments are accepted");
  expect(spec("zero", {"true", std::string("a\0b", 3)}), "argument \"a\" holds a zero byte");
  worker = spec("bad-key", {"true"});
  worker.environment = {{"A=B", "1"}};
  expect(worker, "environment variable \"A=B\": a name without '=' is accepted");
}

TEST_F(ProcessLauncherTest, LooksForTheProgramInTheWorkersPath) {
  const fs::path bin = directory_.path() / "bin";
  fs::create_directory(bin);
  std::ofstream(bin / "tool") << "#!/bin/sh\necho found $0\n";
  fs::permissions(bin / "tool", fs::perms::owner_all);
  WorkerSpec worker = spec("absolute", {"tool"});
  worker.environment = {{"PATH", "/nowhere:" + bin.string()}};
  EXPECT_EQ(output(worker), Lines{"found " + (bin / "tool").string()});
  worker.id = id("relative");
  worker.environment = {{"PATH", "bin"}};
  EXPECT_EQ(output(worker).size(), 1U);
  EXPECT_EQ(output(spec("slash", {"bin/tool"})).size(), 1U);
}

TEST_F(ProcessLauncherTest, TheLimitOfWorkersIsKept) {
  options_.processes_max = 1;
  start(shell("first", "echo ready; exec sleep 1000"), 1);
  EXPECT_EQ(refusal(shell("second", "true")), "1 workers run already, which is the limit");
  launcher().stop(id("first"), Millis{0});
  wait_for<Exited>("first");
  EXPECT_TRUE(output(shell("third", "true")).empty());
}

TEST_F(ProcessLauncherTest, NothingOfTheSessionIsLeftWhenExitedIsTold) {
  // A child in the leader's group, one in a group of its own, and one whose parent has gone; none minds SIGTERM.
  const Lines printed = start(shell("w",
                                    "trap '' TERM\n"
                                    "sleep 1000 & echo $!\n"
                                    "timeout 1000 sleep 1000 & echo $!\n"
                                    "(sleep 1000 & echo $!)\n"
                                    "echo ready; read line < fifo"),
                              3);
  std::vector<pid_t> pids;
  for (std::size_t i = 0; i < 3; ++i) pids.push_back(static_cast<pid_t>(std::stol("0" + printed[i])));
  EXPECT_EQ(wait_for<Exited>("w").exit_code, 2);  // there is no fifo
  for (const pid_t pid : pids) {
    ASSERT_GT(pid, 0);
    EXPECT_FALSE(is_alive(pid)) << pid;
  }
}

TEST_F(ProcessLauncherTest, SigtermGoesToTheLeaderAloneAndItsHelpersGoWithIt) {
  const Lines printed = start(shell("w",
                                    "sh -c 'trap \"echo helper got it\" TERM; echo $$; while :; do sleep 1000 & wait; "
                                    "done' &\n"
                                    "trap 'echo leader got it; exit 4' TERM\n"
                                    "while :; do sleep 1000 & wait; done"),
                              1);
  launcher().stop(id("w"), kLongGrace);
  EXPECT_EQ(wait_for<Exited>("w").exit_code, 4);
  EXPECT_FALSE(is_alive(static_cast<pid_t>(std::stol("0" + printed[0]))));
  EXPECT_EQ(log("w"), (Lines{printed[0], "leader got it"}));
}

TEST_F(ProcessLauncherTest, WhatAWorkerAbandonsIsReapedWhileItRuns) {
  start(shell("w", "for i in 1 2 3 4 5; do (sh -c 'exit 0' &); done; echo ready; exec sleep 1000"), 1);
  const pid_t session = ProcessHandle::parse(wait_for<Started>("w").handle)->pid;
  EXPECT_TRUE(wait([&] {
    const auto all = list_processes();
    return std::count_if(all.begin(), all.end(), [&](const auto& process) { return process.session == session; }) == 1;
  }));
  EXPECT_FALSE(find<Exited>("w"));
}

TEST_F(ProcessLauncherTest, OtherChildrenOfTheServerKeepTheirStatus) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(42);
  start(shell("w", "(sh -c 'exit 0' &); echo ready; exec sleep 1000"), 1);
  const pid_t session = ProcessHandle::parse(wait_for<Started>("w").handle)->pid;
  EXPECT_TRUE(wait([&] {
    const auto all = list_processes();
    return std::count_if(all.begin(), all.end(), [&](const auto& process) { return process.session == session; }) == 1;
  }));
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 42);
}

TEST_F(ProcessLauncherTest, ALogStaysWithinItsBound) {
  options_.log_bytes_max = 64 * 1024;
  launcher().start(shell("w", "yes 'a line of the log' | head -n 100000; echo last; exec sleep 1000"));
  const fs::path file = fs::path(options_.log_directory) / "w.log";
  EXPECT_TRUE(wait([&] {
    std::error_code error;
    const auto size = fs::file_size(file, error);
    const Lines lines = log("w");
    return !error && size <= options_.log_bytes_max && !lines.empty() && lines.back() == "last";
  }));
  EXPECT_EQ(log("w").front(), "a line of the log");
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(ProcessLauncherTest, DestructionLeavesWorkersAlone) {
  start(shell("w", "echo ready; exec sleep 1000"), 1);
  const auto process = ProcessHandle::parse(wait_for<Started>("w").handle);
  launcher_.reset();
  EXPECT_TRUE(is_alive(*process));
}

TEST_F(ProcessLauncherTest, AMachineRestartIsToldAsSuchAndKillsNothing) {
  start(shell("w", "echo ready; exec sleep 1000"), 1);
  auto process = *ProcessHandle::parse(wait_for<Started>("w").handle);
  launcher_.reset();
  ProcessHandle old = process;
  old.boot = "11111111-2222-3333-4444-555555555555";
  launcher().adopt(id("w"), old.text(), {});
  EXPECT_EQ(wait_for<Exited>("w").cause, "ended while the server was down (the machine was restarted)");
  EXPECT_TRUE(is_alive(process));
}

/// Runs a server of its own in a child process that starts `worker` and is then killed. Gives the worker's handle. Its
/// new parent is this process when `inherits` is set, and the system's first process otherwise.
std::string start_and_kill_server(const ProcessLauncherOptions& options, const WorkerSpec& worker,
                                  bool inherits = false) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  EXPECT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, inherits ? 1 : 0), 0);
  const pid_t server = ::fork();
  if (server == 0) {
    const auto launcher = make_process_launcher(options, [&](Event event) {
      const auto* started = std::get_if<Started>(&event);
      if (started == nullptr) return;
      [[maybe_unused]] const ssize_t size = ::write(ends[1], started->handle.data(), started->handle.size());
    });
    launcher->start(worker);
    while (true) ::pause();
  }
  ::close(ends[1]);
  char text[256];
  const ssize_t size = ::read(ends[0], text, sizeof text);
  ::close(ends[0]);
  ::kill(server, SIGKILL);
  EXPECT_EQ(::waitpid(server, nullptr, 0), server);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : "";
}

TEST_F(ProcessLauncherTest, AWorkerOutlivesAKilledServerAndGoesOnPrinting) {
  const std::string handle = start_and_kill_server(
      options_, shell("w", "trap 'echo drained; exit 0' TERM; echo ready; while :; do sleep 1000 & wait; done"));
  ASSERT_TRUE(ProcessHandle::parse(handle)) << handle;
  launcher().adopt(id("w"), handle, {});
  EXPECT_TRUE(wait([&] { return log("w") == Lines{"ready"}; }));
  launcher().stop(id("w"), kLongGrace);
  const Exited exit = wait_for<Exited>("w");
  EXPECT_EQ(exit.exit_code, std::nullopt);
  EXPECT_EQ(exit.cause, "exit status not known: the worker was adopted");
  EXPECT_EQ(log("w"), (Lines{"ready", "drained"}));
}

TEST_F(ProcessLauncherTest, HelpersOfAnAdoptedWorkerGoWithIt) {
  const std::string handle =
      start_and_kill_server(options_, shell("w", "sleep 1000 & echo $!; timeout 1000 sleep 1000 & echo $!; wait"));
  EXPECT_TRUE(wait([&] { return log("w").size() == 2; }));
  const Lines pids = log("w");
  launcher().adopt(id("w"), handle, {});
  launcher().stop(id("w"), Millis{0});
  wait_for<Exited>("w");
  for (const std::string& pid : pids) EXPECT_FALSE(is_alive(static_cast<pid_t>(std::stol("0" + pid)))) << pid;
}

TEST_F(ProcessLauncherTest, AWorkerWhoseHandleWasNeverNotedIsFoundByItsMarksAndEnded) {
  WorkerSpec worker = shell("w-unnoted", "echo ready; sleep 1000 & exec sleep 1000");
  worker.environment = {{"RUNPOD_POD_ID", "w-unnoted"}, {"PATH", "/usr/bin:/bin"}};
  const auto process = ProcessHandle::parse(start_and_kill_server(options_, worker));
  ASSERT_TRUE(process);
  EXPECT_TRUE(wait([&] { return log("w-unnoted") == Lines{"ready"}; }));
  launcher().adopt(id("w-unnoted"), "", {});
  EXPECT_EQ(wait_for<Exited>("w-unnoted").cause, "started just before the server died: it is ended");
  EXPECT_TRUE(wait([&] { return !is_alive(*process); }));
}

TEST_F(ProcessLauncherTest, WhatAWorkerLeftBehindUnseenIsKilledOnlyIfItBearsItsMarks) {
  const fs::path fifo = directory_.path() / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  // The first prints to the log, the second has the id in its environment, the third shows nothing of whose it is.
  WorkerSpec worker = shell("w-marked",
                            "sleep 1000 & echo $!\n"
                            "sleep 1000 > /dev/null 2>&1 & echo $!\n"
                            "env -i sleep 1000 > /dev/null 2>&1 & echo $!\n"
                            "echo ready; read line < fifo");
  worker.environment = {{"RUNPOD_POD_ID", "w-marked"}, {"PATH", "/usr/bin:/bin"}};
  const std::string handle = start_and_kill_server(options_, worker, true);
  const auto process = ProcessHandle::parse(handle);
  ASSERT_TRUE(process) << handle;
  // With the server gone it may end. Reaped, so that its pid is free for others.
  EXPECT_TRUE(wait([&] {
    const int writer = ::open(fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (writer >= 0) ::close(writer);
    return writer >= 0;
  }));
  EXPECT_EQ(::waitpid(process->pid, nullptr, 0), process->pid);
  std::vector<pid_t> pids;
  const Lines printed = log("w-marked");
  ASSERT_GE(printed.size(), 4U);
  for (std::size_t i = 0; i < 3; ++i) pids.push_back(static_cast<pid_t>(std::stol("0" + printed[i])));
  // Only once its program runs has it shed what the shell handed down.
  EXPECT_TRUE(wait([&] {
    std::ifstream command("/proc/" + std::to_string(pids[2]) + "/cmdline");
    std::string program;
    return std::getline(command, program, '\0') && program == "sleep";
  }));

  launcher().adopt(id("w-marked"), handle, {});
  EXPECT_EQ(wait_for<Exited>("w-marked").cause, "ended while the server was down");
  EXPECT_FALSE(is_alive(pids[0]));
  EXPECT_FALSE(is_alive(pids[1]));
  EXPECT_TRUE(is_alive(pids[2]));
  ::kill(pids[2], SIGKILL);
}

// ---------------------------------------------------------------- frozen workers

class FrozenProcessTest : public ProcessLauncherTest {
 protected:
  static char state_of(pid_t pid) {
    const auto stat = read_stat(pid);
    return stat ? stat->state : '?';
  }

  /// A worker with a helper in a process group of its own. Gives the pids of both.
  std::vector<pid_t> start_pair(const std::string& name) {
    const std::string program =
        "import os, time\n"
        "if os.fork() == 0: os.setpgid(0, 0)\n"
        "print(os.getpid(), flush=True)\n"
        "time.sleep(1000)\n";
    std::vector<pid_t> pids;
    for (const std::string& line : start(spec(name, {"python3", "-c", program}), 2)) pids.push_back(std::stoi(line));
    return pids;
  }

  /// A program that behaves as cuda-checkpoint does and notes what it was asked.
  std::string fake_tool(const std::string& end = "exit 0") {
    const fs::path tool = directory_.path() / "cuda-checkpoint";
    const std::string directory = directory_.path().string();
    // Only the leader has GPU memory; a helper merely inherits its open device.
    std::ofstream(tool) << "#!/bin/sh\n[ \"$3\" = \"$(cat " << directory << "/leader)\" ] || exit 1\n"
                        << "state=" << directory << "/state.$3\n"
                        << "if [ \"$1\" = --get-state ]; then cat $state 2>/dev/null || echo running; exit 0; fi\n"
                        << "echo \"$1\" >> " << directory << "/asked\n"
                        << "if [ -e $state ]; then rm $state; else echo checkpointed > $state; fi\n"
                        << end << "\n";
    fs::permissions(tool, fs::perms::owner_all);
    return tool.string();
  }

  std::size_t times_asked() {
    std::ifstream asked(directory_.path() / "asked");
    std::size_t lines = 0;
    for (std::string line; std::getline(asked, line);) ++lines;
    return lines;
  }

  /// A worker that has a "GPU device" open.
  WorkerSpec gpu_worker(const std::string& name) {
    options_.gpu_device_prefix = (directory_.path() / "device").string();
    return shell(name, "exec 7>" + options_.gpu_device_prefix +
                           "0; echo $$ > leader; echo ready; while :; do sleep 1000 & wait; done");
  }
};

TEST_F(FrozenProcessTest, AllOfTheSessionIsStoppedAndRunsOn) {
  const auto pids = start_pair("w");
  launcher().freeze(id("w"));
  const auto frozen = wait_for<Frozen>("w");
  EXPECT_GT(frozen.memory.resident_bytes, 0);
  for (const pid_t pid : pids) EXPECT_TRUE(wait([&] { return state_of(pid) == 'T'; })) << pid;
  launcher().thaw(id("w"));
  wait_for<Thawed>("w");
  for (const pid_t pid : pids) EXPECT_TRUE(wait([&] { return state_of(pid) == 'S'; })) << pid;
}

TEST_F(FrozenProcessTest, AnAdoptedWorkerIsMadeWhatTheServerBelieves) {
  const auto pids = start_pair("w");
  const std::string handle = wait_for<Started>("w").handle;
  launcher_.reset();
  launcher().adopt(id("w"), handle, {true, false});
  wait_for<Frozen>("w");
  for (const pid_t pid : pids) EXPECT_TRUE(wait([&] { return state_of(pid) == 'T'; })) << "it had not been stopped yet";
  launcher_.reset();
  launcher().adopt(id("w"), handle, {});
  for (const pid_t pid : pids) EXPECT_TRUE(wait([&] { return state_of(pid) == 'S'; })) << "nor thawed";
}

TEST_F(FrozenProcessTest, GpuMemoryIsParkedAndRestored) {
  const WorkerSpec worker = gpu_worker("w");
  options_.cuda_checkpoint = fake_tool();
  start(worker, 1);
  launcher().freeze(id("w"));
  EXPECT_TRUE(wait_for<Frozen>("w").gpu_parked);
  EXPECT_EQ(times_asked(), 1U);
  launcher().thaw(id("w"));
  wait_for<Thawed>("w");
  EXPECT_EQ(times_asked(), 2U);
}

TEST_F(FrozenProcessTest, AThawWhileItIsBeingParkedIsNotLost) {
  const WorkerSpec worker = gpu_worker("w");
  options_.cuda_checkpoint = fake_tool();
  start(worker, 1);
  const pid_t pid = ProcessHandle::parse(wait_for<Started>("w").handle)->pid;
  launcher().freeze(id("w"));
  launcher().thaw(id("w"));
  wait_for<Thawed>("w");
  EXPECT_TRUE(wait([&] { return state_of(pid) == 'S'; }));
  EXPECT_EQ(times_asked() % 2, 0U) << "parked and restored, or neither";
}

TEST_F(FrozenProcessTest, WhatAServerParkedThatDiedIsRestored) {
  const WorkerSpec worker = gpu_worker("w");
  options_.cuda_checkpoint = fake_tool();
  start(worker, 1);
  const std::string handle = wait_for<Started>("w").handle;
  launcher().freeze(id("w"));
  wait_for<Frozen>("w");
  launcher_.reset();
  launcher().adopt(id("w"), handle, {true, false});  // it died before it noted that the memory was parked
  launcher().thaw(id("w"));
  wait_for<Thawed>("w");
  EXPECT_EQ(times_asked(), 2U);
}

TEST_F(FrozenProcessTest, AWorkerWhoseGpuMemoryCannotBeParkedIsFrozenWithIt) {
  const WorkerSpec worker = gpu_worker("w");
  options_.cuda_checkpoint = fake_tool("exit 3");
  start(worker, 1);
  launcher().freeze(id("w"));
  EXPECT_FALSE(wait_for<Frozen>("w").gpu_parked);
}

TEST_F(FrozenProcessTest, AWorkerWhoseGpuMemoryCannotBeRestoredIsEnded) {
  const WorkerSpec worker = gpu_worker("w");
  options_.cuda_checkpoint = fake_tool();
  start(worker, 1);
  launcher().freeze(id("w"));
  EXPECT_TRUE(wait_for<Frozen>("w").gpu_parked);
  fake_tool("exit 3");
  launcher().thaw(id("w"));
  EXPECT_NE(wait_for<Exited>("w").cause.find("GPU memory could not be restored"), std::string::npos);
}

}  // namespace
}  // namespace penstock::launch::contract
